//! One frame of a case: its bytes, and what is known of it besides.

use nat_acct_common::layout::Sender;
use nat_acct_common::packet::Link;

use crate::lab::Family;

/// Where a frame is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before translation.
    Inside,
    /// After translation.
    Outside,
}

/// A frame that passes an interface of the gateway.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Where.
    pub side: Side,
    /// Who sent it: what a client sends enters by the inside and leaves by the outside.
    pub sender: Sender,
    /// What it starts with.
    pub link: Link,
    /// The version of IP, or what the frame pretends to be.
    pub family: Family,
    /// Its first bytes; zeros follow.
    pub bytes: Vec<u8>,
    /// All its bytes.
    pub len: usize,
    /// Where the IP header begins.
    pub ip_at: usize,
    /// Where the TCP header begins.
    pub tcp_at: usize,
    /// Payload of each wire segment of a super-packet; 0 for an ordinary frame.
    pub gso_size: u16,
    /// How much of it is to be in the linear part of the skb, where a runner can choose that; 0 for
    /// all.
    pub linear: u16,
    /// What it says, if it is valid.
    pub says: Option<Says>,
    /// How often it is sent, each time with the sequence number that follows.
    pub times: u32,
}

/// What a valid segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Says {
    /// Port of its sender.
    pub source_port: u16,
    /// Port of the other end.
    pub destination_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// TCP payload in bytes.
    pub payload: u32,
}

impl Frame {
    /// All its bytes.
    #[must_use]
    pub fn whole(&self) -> Vec<u8> {
        let mut whole = self.bytes.clone();
        whole.resize(self.len, 0);
        whole
    }

    /// Hands over the bytes, of all of the frame or of its beginning, as often as it is sent.
    ///
    /// # Errors
    ///
    /// Those of `send`.
    pub fn each<E>(
        &self,
        mut bytes: Vec<u8>,
        mut send: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for _ in 0..self.times {
            send(&bytes)?;
            self.go_on(&mut bytes);
        }
        Ok(())
    }

    /// Cuts it off, and changes no length in any header.
    pub(super) fn cut(&mut self, len: usize) {
        self.bytes.resize(self.bytes.len().max(len), 0);
        self.bytes.truncate(len);
        self.len = len;
    }

    /// Adds the payload to the sequence number.
    fn go_on(&self, bytes: &mut [u8]) {
        let seq_at = self.tcp_at + 4;
        let seq = bytes.get_mut(seq_at..seq_at + 4);
        if let (Some(says), Some(Ok(seq))) = (self.says, seq.map(<&mut [u8; 4]>::try_from)) {
            *seq = u32::from_be_bytes(*seq)
                .wrapping_add(says.payload)
                .to_be_bytes();
        }
    }
}
