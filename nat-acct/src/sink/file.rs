//! An open output: a file, or whatever else can be written to by a descriptor.

use std::{
    fs::{File, Metadata},
    io::{self, Seek as _, Write},
    os::{fd::AsFd as _, unix::fs::FileTypeExt as _, unix::fs::MetadataExt as _},
};

use nix::sys::stat::FileStat;

use super::lines::Target;

#[derive(Debug)]
pub struct OutputFile {
    file: File,
    /// A regular file, which has a name, a length and an end.
    is_regular: bool,
    atomic_bytes: usize,
    /// Length of a regular file when it was written to last.
    end_bytes: u64,
}

/// What a file is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl From<&FileStat> for FileId {
    fn from(stat: &FileStat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

impl OutputFile {
    pub fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            is_regular: metadata.is_file(),
            atomic_bytes: atomic_bytes(&metadata),
            end_bytes: metadata.len(),
            file,
        })
    }

    /// Past the standard library's buffer, which would hide what is written and what is not.
    pub fn standard() -> io::Result<Self> {
        Self::new(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }

    /// Which regular file it is.
    pub fn id(&self) -> Option<FileId> {
        let metadata = self.file.metadata().ok().filter(|_| self.is_regular)?;
        Some(FileId::from(&metadata))
    }

    /// When it was last written to, in nanoseconds since the Unix epoch.
    pub fn modified_ns(&self) -> Option<i128> {
        let metadata = self.file.metadata().ok()?;
        Some(i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()))
    }

    /// Whether it is a regular file without a name: what is written to it is lost at the end.
    pub fn is_nameless(&self) -> bool {
        self.is_regular && self.file.metadata().is_ok_and(|data| data.nlink() == 0)
    }

    /// Length of a regular file.
    pub fn len_bytes(&self) -> Option<u64> {
        let metadata = self.file.metadata().ok().filter(|_| self.is_regular)?;
        Some(metadata.len())
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        if self.is_regular {
            // Behind what was written, also where O_APPEND has moved it.
            self.end_bytes = self.file.stream_position()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for OutputFile {
    fn atomic_bytes(&self) -> usize {
        self.atomic_bytes
    }

    /// A file that others truncate (copytruncate) is shorter than it was.
    fn is_intact(&self) -> bool {
        self.len_bytes().is_none_or(|len| len >= self.end_bytes)
    }

    fn take_back(&mut self, bytes: usize) {
        if bytes > 0 && self.len_bytes() == Some(self.end_bytes) {
            // Where that fails, a line that is not whole stays behind.
            let _ = self.file.set_len(self.end_bytes - bytes as u64);
        }
    }
}

/// A pipe takes up to PIPE_BUF bytes wholly or not at all (POSIX, write()), so nothing is
/// half-written if the writer ends while the reader has stopped.
fn atomic_bytes(metadata: &Metadata) -> usize {
    if metadata.file_type().is_fifo() {
        libc::PIPE_BUF
    } else {
        usize::MAX
    }
}
