//! Lines of a file, each with its place. Whatever is in them is somebody else's business.

use std::io::{self, BufRead, BufReader, Read};

const BUFFER_BYTES: usize = 256 * 1024;
/// No record is as long; what is longer is cut into several lines.
pub(super) const LONGEST_BYTES: usize = 64 * 1024;

/// Reads lines.
pub struct Lines<R> {
    reader: BufReader<R>,
    bytes: Vec<u8>,
    /// Whether `bytes` is a line that was handed out.
    is_old: bool,
    /// Behind the last line that was handed out, in bytes.
    offset: u64,
    number: u64,
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What is in it, without its end.
    pub bytes: &'a [u8],
    /// Counted from 1.
    pub number: u64,
}

impl<R: Read> Lines<R> {
    /// The lines of `reader` from its beginning.
    pub fn new(reader: R) -> Self {
        Self::from_place(reader, 0, 0)
    }

    /// Those behind a place up to which `reader` was read, after so many lines.
    pub(super) fn from_place(reader: R, offset: u64, number: u64) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, reader),
            bytes: Vec::new(),
            is_old: false,
            offset,
            number,
        }
    }

    /// The next line that has an end; `None` if there is none as yet. What there is of one is kept.
    pub(super) fn next_whole(&mut self) -> io::Result<Option<Line<'_>>> {
        if std::mem::take(&mut self.is_old) {
            self.bytes.clear();
        }
        let room = (LONGEST_BYTES - self.bytes.len()) as u64;
        let mut reader = (&mut self.reader).take(room);
        reader.read_until(b'\n', &mut self.bytes)?;
        let is_whole = self.bytes.ends_with(b"\n") || self.bytes.len() >= LONGEST_BYTES;
        Ok(is_whole.then(|| self.hand_out()))
    }

    /// What is left without an end, if anything is.
    pub(super) fn rest(&mut self) -> Option<Line<'_>> {
        let is_rest = !self.is_old && !self.bytes.is_empty();
        is_rest.then(|| self.hand_out())
    }

    /// The next line, at the end also one without an end of its own.
    ///
    /// # Errors
    ///
    /// When the reader has one.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        if self.next_whole()?.is_some() {
            return Ok(Some(self.current()));
        }
        Ok(self.rest())
    }

    /// Where the next line begins, and how many were before.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.offset, self.number)
    }

    /// What was read last, with its end.
    pub(super) fn last(&self) -> &[u8] {
        &self.bytes
    }

    fn hand_out(&mut self) -> Line<'_> {
        self.is_old = true;
        self.offset += self.bytes.len() as u64;
        self.number += 1;
        self.current()
    }

    fn current(&self) -> Line<'_> {
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        Line {
            bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes),
            number: self.number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_numbers_and_the_last_needs_no_end() {
        let mut lines = Lines::new(&b"one\r\n\nthree"[..]);
        for (bytes, number) in [(&b"one"[..], 1), (b"", 2), (b"three", 3)] {
            assert_eq!(lines.next_line().unwrap(), Some(Line { bytes, number }));
        }
        assert_eq!(lines.next_line().unwrap(), None);
        assert_eq!(lines.place(), (11, 3));
    }

    #[test]
    fn half_a_line_waits_for_the_rest() {
        let mut lines = Lines::new(Growing(vec![b"o\nha", b"", b"tw"]));
        assert_eq!(lines.next_whole().unwrap(), None);
        assert_eq!(lines.place(), (0, 0));
        assert_eq!(lines.next_whole().unwrap().unwrap().bytes, b"two");
        assert_eq!(lines.next_whole().unwrap(), None);
        assert_eq!(lines.rest().unwrap().bytes, b"ha");
        assert_eq!(lines.rest(), None);
        assert_eq!(lines.place(), (6, 2));
    }

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory() {
        let mut lines = Lines::new(io::repeat(b'x').take(150_000));
        let mut lengths = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            lengths.push(line.bytes.len());
        }
        assert_eq!(
            lengths,
            [LONGEST_BYTES, LONGEST_BYTES, 150_000 - 2 * LONGEST_BYTES]
        );
    }

    /// Like a file that is written while it is read.
    struct Growing(Vec<&'static [u8]>);

    impl Read for Growing {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some(mut next) = self.0.pop() else {
                return Ok(0);
            };
            next.read(into)
        }
    }
}
