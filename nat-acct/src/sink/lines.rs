//! A buffer of whole lines in front of a writer. It knows at every time which byte was written
//! last, so that an error in the middle of a line costs nothing once the writer works again.

use std::io::{self, ErrorKind, Write};

/// One system call for some hundred records.
const CAPACITY_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub struct Lines<W: Write> {
    writer: W,
    buffer: Vec<u8>,
    written_bytes: usize,
}

impl<W: Write> Lines<W> {
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            buffer: Vec::with_capacity(CAPACITY_BYTES),
            written_bytes: 0,
        }
    }

    /// Takes the line, unless there is no room for it and none can be made.
    pub fn push(&mut self, line: &str) -> io::Result<()> {
        debug_assert!(!line.contains('\n'), "a record is one line");
        if self.buffer.len() + line.len() >= CAPACITY_BYTES {
            self.flush()?;
        }
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        while self.written_bytes < self.buffer.len() {
            match self.writer.write(&self.buffer[self.written_bytes..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written_bytes += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.buffer.clear();
        self.written_bytes = 0;
        Ok(())
    }

    pub fn pending_lines(&self) -> usize {
        let pending = &self.buffer[self.written_bytes..];
        pending.iter().filter(|byte| **byte == b'\n').count()
    }
}

impl<W: Write> Drop for Lines<W> {
    fn drop(&mut self) {
        // Whoever had to know of an error has called `flush`.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    #[test]
    fn lines_are_written_at_a_flush_or_when_there_is_no_room() {
        let writer = Narrow::new(usize::MAX);
        let mut lines = Lines::new(writer.clone());
        lines.push("one").unwrap();
        assert_eq!(writer.text(), "");
        lines.flush().unwrap();
        assert_eq!(writer.text(), "one\n");
        let long = "x".repeat(CAPACITY_BYTES);
        lines.push("two").unwrap();
        lines.push(&long).unwrap();
        assert_eq!(writer.text(), "one\ntwo\n");
    }

    #[test]
    fn an_error_in_the_middle_of_a_line_loses_and_doubles_nothing() {
        for room_bytes in 0..12 {
            check_resume(room_bytes);
        }
    }

    #[test]
    fn a_line_that_is_refused_stays_with_the_caller() {
        let writer = Narrow::new(0);
        let mut lines = Lines::new(writer.clone());
        let half = "x".repeat(CAPACITY_BYTES / 2);
        lines.push(&half).unwrap();
        lines.push(&half).unwrap_err();
        assert_eq!(lines.pending_lines(), 1);
        writer.widen(usize::MAX);
        lines.push("next").unwrap();
        lines.flush().unwrap();
        assert_eq!(writer.text(), format!("{half}\nnext\n"));
    }

    #[test]
    fn dropped_lines_are_written() {
        let writer = Narrow::new(5);
        let mut lines = Lines::new(writer.clone());
        lines.push("one").unwrap();
        lines.push("two").unwrap();
        lines.flush().unwrap_err();
        assert_eq!(writer.text(), "one\nt");
        writer.widen(usize::MAX);
        drop(lines);
        assert_eq!(writer.text(), "one\ntwo\n");
    }

    fn check_resume(room_bytes: usize) {
        let writer = Narrow::new(room_bytes);
        let mut lines = Lines::new(writer.clone());
        for line in ["one", "two", "three"] {
            lines.push(line).unwrap();
        }
        assert_eq!(lines.flush().unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(lines.pending_lines(), 3 - room_bytes / 4);
        writer.widen(usize::MAX);
        lines.push("four").unwrap();
        lines.flush().unwrap();
        assert_eq!(writer.text(), "one\ntwo\nthree\nfour\n");
        assert_eq!(lines.pending_lines(), 0);
    }

    /// A disk with so much room, which is shared with the test. It takes three bytes at most at a
    /// time, and is interrupted before each.
    #[derive(Clone)]
    struct Narrow(Rc<RefCell<Disk>>);

    struct Disk {
        bytes: Vec<u8>,
        room_bytes: usize,
        interrupted: bool,
    }

    impl Narrow {
        fn new(room_bytes: usize) -> Self {
            Self(Rc::new(RefCell::new(Disk {
                bytes: Vec::new(),
                room_bytes,
                interrupted: false,
            })))
        }

        fn widen(&self, room_bytes: usize) {
            self.0.borrow_mut().room_bytes = room_bytes;
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.borrow().bytes.clone()).unwrap()
        }
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.borrow_mut();
            disk.interrupted = !disk.interrupted;
            if disk.interrupted {
                return Err(ErrorKind::Interrupted.into());
            }
            let taken = bytes.len().min(3).min(disk.room_bytes);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            disk.room_bytes -= taken;
            disk.bytes.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
