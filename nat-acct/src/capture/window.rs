//! A window on a stream of bytes: as much of it as is looked at, in one piece. It copes with
//! readers that bring one byte at a time, and moves hardly a byte for those that bring many.

use std::{
    io::{self, ErrorKind, Read},
    ops::Range,
};

/// Large enough to make system calls rare, small enough to stay in the cache.
const USUAL_BYTES: usize = 256 * 1024;

pub(super) struct Window {
    reader: Box<dyn Read>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Place of `start` in the stream.
    offset: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl Window {
    pub(super) fn new(reader: Box<dyn Read>) -> Self {
        Self {
            reader,
            buffer: vec![0; USUAL_BYTES],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            error: None,
        }
    }

    /// Whether `count` bytes are available, after reading as far as that takes.
    #[inline]
    pub(super) fn want(&mut self, count: usize) -> bool {
        self.end - self.start >= count || self.fill(count)
    }

    /// What is available now.
    #[inline]
    pub(super) fn available(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Moves on by `count` bytes, which are available, and says where they are until the next
    /// [`want`](Self::want).
    #[inline]
    pub(super) fn advance(&mut self, count: usize) -> Range<usize> {
        let range = self.start..self.start + count;
        self.start = range.end;
        self.offset += count as u64;
        range
    }

    /// Bytes that were moved past.
    #[inline]
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// Place of the first available byte in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Why no more could be read, if it was not the end.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    #[cold]
    fn fill(&mut self, count: usize) -> bool {
        self.make_room(count);
        while self.end - self.start < count && !self.ended {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(bytes) => self.end += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    self.ended = true;
                }
            }
        }
        self.end - self.start >= count
    }

    fn make_room(&mut self, count: usize) {
        let free = self.buffer.len() - self.end;
        if self.start > 0 && (free < self.buffer.len() / 2 || self.start == self.end) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.start < count {
            self.buffer.resize(self.start + count, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_reader_brings() {
        for bytes_a_read in [1, 2, 7, 1000, usize::MAX] {
            check(bytes_a_read, &[1, 16, 300, 5, 70_000, 1]);
            check(bytes_a_read, &[USUAL_BYTES - 1, USUAL_BYTES + 1, 3]);
            check(bytes_a_read, &[3, 600_000]);
        }
    }

    #[test]
    fn the_end_leaves_what_there_is() {
        let mut window = Window::new(Box::new(Slow::new(10, 3)));
        assert!(window.want(4));
        window.advance(4);
        assert!(!window.want(7));
        assert_eq!(window.available(), [4, 5, 6, 7, 8, 9]);
        assert!(!window.want(USUAL_BYTES * 2));
        assert_eq!(window.available(), [4, 5, 6, 7, 8, 9]);
        assert_eq!(window.offset(), 4);
    }

    fn check(bytes_a_read: usize, counts: &[usize]) {
        let length: usize = counts.iter().sum();
        let mut window = Window::new(Box::new(Slow::new(length, bytes_a_read)));
        let mut place = 0;
        for &count in counts {
            assert!(window.want(count));
            let range = window.advance(count);
            let expect: Vec<u8> = (place..place + count).map(|place| place as u8).collect();
            assert!(window.bytes(range) == expect);
            place += count;
            assert_eq!(window.offset(), place as u64);
        }
        assert!(!window.want(1));
        assert!(window.available().is_empty());
    }

    /// Counts upwards, a few bytes at a time.
    struct Slow {
        place: usize,
        length: usize,
        bytes_a_read: usize,
    }

    impl Slow {
        fn new(length: usize, bytes_a_read: usize) -> Self {
            Self {
                place: 0,
                length,
                bytes_a_read,
            }
        }
    }

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = into
                .len()
                .min(self.bytes_a_read)
                .min(self.length - self.place);
            for byte in &mut into[..count] {
                *byte = self.place as u8;
                self.place += 1;
            }
            Ok(count)
        }
    }
}
