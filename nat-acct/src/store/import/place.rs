//! How far a file was read. A file is known by how it begins, so that it is the same when it has been
//! renamed, compressed or copied; and that it was not replaced by another is known by what it has
//! before the place.

use std::{
    io::{self, Read},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::lines::LONGEST_BYTES;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The first line.
    pub beginning: Vec<u8>,
    /// The last line before the place.
    pub ending: Vec<u8>,
    /// How the file was called then.
    pub path: PathBuf,
    /// Behind the last line that was read, in bytes, after decompression.
    pub offset: u64,
    /// How many lines that were.
    pub line: u64,
    /// Whether nothing more was to come.
    pub is_done: bool,
}

impl Place {
    pub(super) fn of(index: &Connection, beginning: &[u8]) -> rusqlite::Result<Option<Self>> {
        let mut query = index.prepare_cached(
            "SELECT ending, path, offset, line, done FROM place WHERE beginning = ?",
        )?;
        let place = query.query_row([beginning], |row| {
            let path: Vec<u8> = row.get(1)?;
            Ok(Self {
                beginning: beginning.to_vec(),
                ending: row.get(0)?,
                path: Path::new(std::ffi::OsStr::from_bytes(&path)).to_owned(),
                offset: row.get::<_, i64>(2)? as u64,
                line: row.get::<_, i64>(3)? as u64,
                is_done: row.get(4)?,
            })
        });
        place.optional()
    }

    pub(super) fn save(&self, index: &Connection) -> rusqlite::Result<()> {
        let mut insert =
            index.prepare_cached("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?, ?)")?;
        insert.execute(params![
            self.beginning,
            self.ending,
            self.path.as_os_str().as_bytes(),
            self.offset as i64,
            self.line as i64,
            self.is_done
        ])?;
        Ok(())
    }

    /// Reads on to the place; whether it is one in this file.
    pub(super) fn skip(&self, reader: &mut impl Read) -> io::Result<bool> {
        let before = self.offset - self.ending.len() as u64;
        let skipped = io::copy(&mut reader.take(before), &mut io::sink())?;
        let mut ending = vec![0; self.ending.len()];
        let mut filled = 0;
        while filled < ending.len() {
            match reader.read(&mut ending[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(skipped == before && ending[..filled] == self.ending)
    }
}

/// The first line, or as much as is read of it; `None` while it has no end.
pub(super) fn beginning(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; LONGEST_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        let count = reader.read(&mut bytes[filled..])?;
        let end = bytes[filled..filled + count]
            .iter()
            .position(|byte| *byte == b'\n');
        if let Some(end) = end {
            bytes.truncate(filled + end + 1);
            return Ok(Some(bytes));
        }
        filled += count;
        if count == 0 {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}
