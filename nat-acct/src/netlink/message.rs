//! Messages and their attributes: numbers in the machine's byte order, everything at multiples of
//! four bytes (kernel: include/uapi/linux/netlink.h).

use std::io;

/// `nlmsghdr`: length, kind, flags, sequence, port.
const HEADER_BYTES: usize = 16;
/// `nlattr`: length, kind.
const ATTRIBUTE_HEADER_BYTES: usize = 4;
/// NLM_F_DUMP_INTR: what is dumped has changed during the dump.
const INTERRUPTED: u16 = 0x10;
/// Without the flags that nested attributes and big-endian numbers carry.
const ATTRIBUTE_KIND: u16 = 0x3fff;

/// A message of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What it tells.
    pub kind: u16,
    flags: u16,
    /// What follows the header.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The attributes behind a fixed part of so many bytes.
    pub fn attributes(&self, fixed_bytes: usize) -> Attributes<'a> {
        Attributes(self.body.get(fixed_bytes..).unwrap_or_default())
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.flags & INTERRUPTED != 0
    }

    /// Whether it ends the answer.
    pub(super) fn is_last(&self) -> bool {
        i32::from(self.kind) == libc::NLMSG_DONE || i32::from(self.kind) == libc::NLMSG_ERROR
    }

    /// What the last message says of the whole request.
    pub(super) fn result(&self) -> io::Result<()> {
        match number(self.body, 0).map_or(0, u32::cast_signed) {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(-error)),
        }
    }
}

/// The messages of a datagram.
pub(super) struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    pub(super) fn new(datagram: &'a [u8]) -> Self {
        Self(datagram)
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let len = number(self.0, 0)? as usize;
        let message = Message {
            kind: half(self.0, 4)?,
            flags: half(self.0, 6)?,
            body: self.0.get(HEADER_BYTES..len)?,
        };
        self.0 = self.0.get(aligned(len)..).unwrap_or_default();
        Some(message)
    }
}

/// Attributes: a kind and a value each. A nested value is attributes again.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(pub &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of this kind.
    pub fn get(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find_map(|(other, value)| (other == kind).then_some(value))
    }

    /// The attributes inside the first attribute of this kind; none if there is no such.
    pub fn nested(self, kind: u16) -> Self {
        Self(self.get(kind).unwrap_or_default())
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let len = usize::from(half(self.0, 0)?);
        let kind = half(self.0, 2)? & ATTRIBUTE_KIND;
        let value = self.0.get(ATTRIBUTE_HEADER_BYTES..len)?;
        self.0 = self.0.get(aligned(len)..).unwrap_or_default();
        Some((kind, value))
    }
}

/// A request with this body, which is a multiple of four bytes.
pub(super) fn request(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let len = (HEADER_BYTES + body.len()) as u32;
    let mut request = len.to_ne_bytes().to_vec();
    request.extend(kind.to_ne_bytes());
    request.extend(flags.to_ne_bytes());
    // Sequence and port: a socket has one request at a time.
    request.extend([0; 8]);
    request.extend(body);
    request
}

/// The number in the four bytes at `offset`.
pub fn number(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes
        .get(offset..)?
        .first_chunk()
        .map(|four| u32::from_ne_bytes(*four))
}

fn half(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes
        .get(offset..)?
        .first_chunk()
        .map(|two| u16::from_ne_bytes(*two))
}

/// A text that ends at the first zero. Names that are not UTF-8 are shown as well as they can be.
pub fn text(value: &[u8]) -> String {
    let end = value.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&value[..end.unwrap_or(value.len())]).into_owned()
}

fn aligned(len: usize) -> usize {
    len.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_to_the_last_whole_one() {
        let bytes = [
            [5, 0, 3, 0].as_slice(),
            &[b'x', 0, 0, 0],
            &[8, 0, 5, 0x80],
            &[1, 0, 0, 0],
            &[9, 0, 6, 0, 1, 2],
        ]
        .concat();
        let attributes = Attributes(&bytes);
        assert_eq!(attributes.get(3).map(text), Some("x".to_owned()));
        assert_eq!(attributes.get(5), Some(&1u32.to_ne_bytes()[..]));
        assert_eq!(attributes.count(), 2);
    }

    #[test]
    fn a_request_reads_as_a_message() {
        let bytes = request(18, 0x301, &[7; 16]);
        let message = Messages::new(&bytes).next().expect("a message");
        assert_eq!(message.kind, 18);
        assert_eq!(message.body, [7; 16]);
        assert!(!message.is_last());
    }

    #[test]
    fn what_is_cut_short_is_no_message() {
        let bytes = request(18, 0, &[7; 16]);
        for len in 0..bytes.len() {
            assert_eq!(Messages::new(&bytes[..len]).count(), 0, "{len}");
        }
    }
}
