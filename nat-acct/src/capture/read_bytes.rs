//! How much has been read, for somebody who watches.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// How many bytes a reader has brought, for somebody who watches.
#[derive(Clone, Debug, Default)]
pub struct ReadBytes(Rc<Cell<u64>>);

impl ReadBytes {
    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.get()
    }

    pub(super) fn count<R: Read>(&self, reader: R) -> Counted<R> {
        Counted {
            reader,
            bytes: self.clone(),
        }
    }
}

pub(super) struct Counted<R> {
    reader: R,
    bytes: ReadBytes,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.bytes.0.set(self.bytes.0.get() + count as u64);
        Ok(count)
    }
}
