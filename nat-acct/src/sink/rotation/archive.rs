//! The rotated files of an output, where they are.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tracing::info;

use super::{
    Keep, Rotation,
    compress::compress,
    name::{COMPRESSED, Form, PARTIAL, Rotated, parse},
};
use crate::{one_line::one_line, sink::directory};

/// See the module.
#[derive(Debug)]
pub struct Archive {
    directory: PathBuf,
    output: OsString,
    compressed: bool,
    keep: Keep,
}

struct Found {
    rotated: Rotated,
    path: PathBuf,
    bytes: u64,
}

impl Archive {
    /// Of the output at `path`, with what becomes of its rotated files.
    pub fn new(path: &Path, rotation: &Rotation) -> Self {
        Self {
            directory: directory(path).to_owned(),
            output: path.file_name().unwrap_or_default().to_owned(),
            compressed: rotation.compressed,
            keep: rotation.keep,
        }
    }

    /// Compresses what is to be compressed, removes what is to be removed, and makes up for what was
    /// interrupted.
    ///
    /// # Errors
    ///
    /// The first; what could be done besides was done.
    pub fn look(&self, now: Timestamp) -> io::Result<()> {
        let tidied = self.tidy();
        let compressed = self.compress_all();
        let all = self.all()?;
        if compressed.is_ok() && self.plain(&all).next().is_some() {
            // Another was rotated meanwhile. How much there is will be known when it is compressed.
            return tidied;
        }
        tidied.and(compressed).and(self.remove_surplus(&all, now))
    }

    /// Removes what is left of an interrupted look.
    fn tidy(&self) -> io::Result<()> {
        let all = self.all()?;
        let has_compressed = |plain: &Rotated| {
            let form = Form::Compressed;
            all.iter().any(|found| {
                found.rotated
                    == Rotated {
                        form,
                        ..plain.clone()
                    }
            })
        };
        let is_left = |found: &&Found| match found.rotated.form {
            Form::Partial => true,
            // The compressed one has its name only since it is whole.
            Form::Plain => has_compressed(&found.rotated),
            Form::Compressed => false,
        };
        all.iter()
            .filter(is_left)
            .try_for_each(|found| fs::remove_file(&found.path))
    }

    fn compress_all(&self) -> io::Result<()> {
        let all = self.all()?;
        let compressed = self.plain(&all).map(|found| self.compress(&found.path));
        compressed.fold(Ok(()), io::Result::and)
    }

    /// What is to be compressed. The newest stays as it is: somebody may still be reading it.
    fn plain<'a>(&self, all: &'a [Found]) -> impl Iterator<Item = &'a Found> + use<'a> {
        let older = all.split_last().filter(|_| self.compressed);
        let older = older.map_or(&[][..], |(_, older)| older).iter();
        older.filter(|found| found.rotated.form == Form::Plain)
    }

    fn compress(&self, plain: &Path) -> io::Result<()> {
        let behind = |path: &Path, suffix| {
            let mut path = path.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        let compressed = behind(plain, COMPRESSED);
        let partial = behind(&compressed, PARTIAL);
        if let Err(error) = compress(plain, &partial, &compressed) {
            // One that stays is removed by the next look.
            let _ = fs::remove_file(&partial);
            return Err(error);
        }
        // After a power failure, one of the two is to be there.
        File::open(&self.directory)?.sync_all()?;
        fs::remove_file(plain)
    }

    fn remove_surplus(&self, all: &[Found], now: Timestamp) -> io::Result<()> {
        let sizes: Vec<_> = all
            .iter()
            .map(|found| (found.rotated.at, found.bytes))
            .collect();
        for found in self
            .keep
            .surplus(&sizes, now)
            .into_iter()
            .map(|number| &all[number])
        {
            fs::remove_file(&found.path)?;
            let path = one_line(&found.path.to_string_lossy());
            info!(
                bytes = found.bytes,
                "{path} is removed, as it need not be kept longer"
            );
        }
        Ok(())
    }

    /// All rotated files, the oldest first.
    fn all(&self) -> io::Result<Vec<Found>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let Some(rotated) = parse(&self.output, &entry.file_name()) else {
                continue;
            };
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                all.push(Found {
                    rotated,
                    path: entry.path(),
                    bytes: metadata.len(),
                });
            }
        }
        all.sort_by(|one, other| one.rotated.cmp(&other.rotated));
        Ok(all)
    }
}
