//! A buffer of whole lines in front of a target. It knows at every time which byte was written
//! last, so that an error in the middle of a line costs nothing once the target works again.

use std::io::{self, ErrorKind, Write};

/// One system call for some hundred records.
const CAPACITY_BYTES: usize = 64 * 1024;

/// What lines are written to.
pub trait Target: Write {
    /// The most bytes that a call of `write` takes as a whole or not at all.
    fn atomic_bytes(&self) -> usize;

    /// Whether it still ends with what was written to it last.
    fn is_intact(&self) -> bool;

    /// Takes the last `bytes` back, if they are still its end and it can.
    fn take_back(&mut self, bytes: usize);
}

#[derive(Debug)]
pub struct Lines<T: Target> {
    target: T,
    buffer: Vec<u8>,
    written_bytes: usize,
}

impl<T: Target> Lines<T> {
    pub fn new(target: T) -> Self {
        Self {
            target,
            buffer: Vec::with_capacity(CAPACITY_BYTES),
            written_bytes: 0,
        }
    }

    pub fn target(&self) -> &T {
        &self.target
    }

    /// Takes the line, unless there is no room for it and none can be made.
    pub fn push(&mut self, line: &[u8]) -> io::Result<()> {
        debug_assert!(!line.contains(&b'\n'), "a record is one line");
        if self.buffer.len() + line.len() >= CAPACITY_BYTES {
            self.flush()?;
        }
        self.buffer.extend_from_slice(line);
        self.buffer.push(b'\n');
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        while self.step()? {}
        Ok(())
    }

    /// Writes as much as one system call takes; tells whether there is more.
    pub fn step(&mut self) -> io::Result<bool> {
        if self.written_of_line() > 0 && !self.target.is_intact() {
            self.begin_line_anew();
        }
        let part = next_part(
            &self.buffer[self.written_bytes..],
            self.target.atomic_bytes(),
        );
        if !part.is_empty() {
            match self.target.write(part) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written_bytes += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.written_bytes < self.buffer.len() {
            return Ok(true);
        }
        self.buffer.clear();
        self.written_bytes = 0;
        Ok(false)
    }

    /// Goes on with another target. The line that is partly in the old one is taken back there and
    /// written anew.
    pub fn replace_target(&mut self, open: impl FnOnce() -> io::Result<T>) -> io::Result<()> {
        self.take_line_back();
        self.target = open()?;
        Ok(())
    }

    /// Forgets the lines that are not wholly written.
    pub fn abandon(&mut self) {
        self.take_line_back();
        self.buffer.clear();
        self.written_bytes = 0;
    }

    pub fn pending_lines(&self) -> usize {
        let pending = &self.buffer[self.written_bytes..];
        pending.iter().filter(|byte| **byte == b'\n').count()
    }

    /// How many bytes are written of a line that is not wholly written.
    fn written_of_line(&self) -> usize {
        let written = &self.buffer[..self.written_bytes];
        let line_end = written.iter().rposition(|byte| *byte == b'\n');
        self.written_bytes - line_end.map_or(0, |at| at + 1)
    }

    fn take_line_back(&mut self) {
        self.target.take_back(self.written_of_line());
        self.begin_line_anew();
    }

    fn begin_line_anew(&mut self) {
        self.written_bytes -= self.written_of_line();
    }
}

/// Whole lines up to `atomic_bytes`, so that a target that stops does so between two lines. A
/// longer line goes alone.
fn next_part(bytes: &[u8], atomic_bytes: usize) -> &[u8] {
    if bytes.len() <= atomic_bytes {
        return bytes;
    }
    let is_line_end = |byte: &u8| *byte == b'\n';
    let last = bytes[..atomic_bytes].iter().rposition(is_line_end);
    let end = last.or_else(|| bytes.iter().position(is_line_end));
    end.map_or(bytes, |end| &bytes[..=end])
}

impl<T: Target> Drop for Lines<T> {
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
        let disk = Disk::new(usize::MAX);
        let mut lines = Lines::new(disk.clone());
        lines.push(b"one").unwrap();
        assert_eq!(disk.text(), "");
        lines.flush().unwrap();
        assert_eq!(disk.text(), "one\n");
        let long = "x".repeat(CAPACITY_BYTES);
        lines.push(b"two").unwrap();
        lines.push(long.as_bytes()).unwrap();
        assert_eq!(disk.text(), "one\ntwo\n");
    }

    #[test]
    fn an_error_in_the_middle_of_a_line_loses_and_doubles_nothing() {
        for room_bytes in 0..12 {
            let (disk, mut lines) = stopped_after(room_bytes);
            disk.widen(usize::MAX);
            lines.push(b"four").unwrap();
            lines.flush().unwrap();
            assert_eq!(disk.text(), "one\ntwo\nthree\nfour\n");
            assert_eq!(lines.pending_lines(), 0);
        }
    }

    #[test]
    fn behind_a_truncation_the_line_is_written_anew() {
        for room_bytes in 0..12 {
            let (disk, mut lines) = stopped_after(room_bytes);
            let before = disk.truncate();
            disk.widen(usize::MAX);
            lines.flush().unwrap();
            let whole = before.rfind('\n').map_or(0, |at| at + 1);
            assert_eq!(disk.text(), "one\ntwo\nthree\n"[whole..]);
        }
    }

    #[test]
    fn no_line_is_in_two_targets_in_part() {
        for room_bytes in 0..12 {
            let (old, mut lines) = stopped_after(room_bytes);
            let new = Disk::new(usize::MAX);
            lines.replace_target(|| Ok(new.clone())).unwrap();
            lines.flush().unwrap();
            assert_eq!(old.text() + &new.text(), "one\ntwo\nthree\n");
            assert!(old.text().is_empty() || old.text().ends_with('\n'));
        }
    }

    #[test]
    fn what_is_abandoned_leaves_whole_lines() {
        for room_bytes in 0..12 {
            let (disk, mut lines) = stopped_after(room_bytes);
            lines.abandon();
            disk.widen(usize::MAX);
            drop(lines);
            assert_eq!(disk.text(), "one\ntwo\n"[..room_bytes / 4 * 4]);
        }
    }

    #[test]
    fn a_target_that_cannot_be_opened_costs_nothing() {
        let (disk, mut lines) = stopped_after(5);
        let refused = lines.replace_target(|| Err(ErrorKind::NotFound.into()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(lines.pending_lines(), 2);
        disk.widen(usize::MAX);
        lines.flush().unwrap();
        assert_eq!(disk.text(), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_line_that_is_refused_stays_with_the_caller() {
        let disk = Disk::new(0);
        let mut lines = Lines::new(disk.clone());
        let half = "x".repeat(CAPACITY_BYTES / 2);
        lines.push(half.as_bytes()).unwrap();
        lines.push(half.as_bytes()).unwrap_err();
        assert_eq!(lines.pending_lines(), 1);
        disk.widen(usize::MAX);
        lines.push(b"next").unwrap();
        lines.flush().unwrap();
        assert_eq!(disk.text(), format!("{half}\nnext\n"));
    }

    #[test]
    fn parts_are_whole_lines_as_far_as_they_fit() {
        check_part("", 4, "");
        check_part("a\nb\n", 4, "a\nb\n");
        check_part("a\nb\nc\n", 5, "a\nb\n");
        check_part("a\nb\nc\n", 2, "a\n");
        check_part("long\nb\n", 3, "long\n");
    }

    #[test]
    fn dropped_lines_are_written() {
        let (disk, lines) = stopped_after(5);
        disk.widen(usize::MAX);
        drop(lines);
        assert_eq!(disk.text(), "one\ntwo\nthree\n");
    }

    fn check_part(bytes: &str, atomic_bytes: usize, expect: &str) {
        assert_eq!(next_part(bytes.as_bytes(), atomic_bytes), expect.as_bytes());
    }

    /// Three lines, and a disk that was full after so many bytes of them.
    fn stopped_after(room_bytes: usize) -> (Disk, Lines<Disk>) {
        let disk = Disk::new(room_bytes);
        let mut lines = Lines::new(disk.clone());
        for line in ["one", "two", "three"] {
            lines.push(line.as_bytes()).unwrap();
        }
        assert_eq!(lines.flush().unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(lines.pending_lines(), 3 - room_bytes / 4);
        (disk, lines)
    }

    /// A disk with so much room, which is shared with the test. It takes three bytes at most at a
    /// time, and is interrupted before each.
    #[derive(Clone)]
    struct Disk(Rc<RefCell<State>>);

    struct State {
        bytes: Vec<u8>,
        truncated: bool,
        room_bytes: usize,
        interrupted: bool,
    }

    impl Disk {
        fn new(room_bytes: usize) -> Self {
            Self(Rc::new(RefCell::new(State {
                bytes: Vec::new(),
                truncated: false,
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

        /// Empties it; what was there is returned.
        fn truncate(&self) -> String {
            let text = self.text();
            let mut state = self.0.borrow_mut();
            state.bytes.clear();
            state.truncated = true;
            text
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.0.borrow_mut();
            state.interrupted = !state.interrupted;
            if state.interrupted {
                return Err(ErrorKind::Interrupted.into());
            }
            let taken = bytes.len().min(3).min(state.room_bytes);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            state.room_bytes -= taken;
            state.truncated = false;
            state.bytes.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Target for Disk {
        fn atomic_bytes(&self) -> usize {
            usize::MAX
        }

        fn is_intact(&self) -> bool {
            !self.0.borrow().truncated
        }

        fn take_back(&mut self, bytes: usize) {
            let mut state = self.0.borrow_mut();
            let kept = state.bytes.len() - bytes;
            state.bytes.truncate(kept);
        }
    }
}
