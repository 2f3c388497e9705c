//! Where a file of records is, so that it can be opened again when it was rotated.
//!
//! Its directory is kept open. The path is what counts: a directory that was put in the place of
//! the old one is taken. But if the path leads nowhere – because the directory was moved, or because
//! the agent has given up the privilege to pass the directories above it – the directory that was
//! open stays good. Permission to make files in it is still needed then.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::fd::OwnedFd,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{AtFlags, OFlag, open, openat},
    sys::stat::{FileStat, Mode, fstatat},
};
use tracing::warn;

use super::file::{FileId, OutputFile};
use crate::one_line::one_line;

/// Who spoke to whom is not for everybody on the machine.
const MODE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR).union(Mode::S_IRGRP);

#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    directory: OwnedFd,
    name: OsString,
}

impl Place {
    pub fn new(path: &Path) -> io::Result<Self> {
        let name = name(path)?;
        Ok(Self {
            directory: open_directory(path)?,
            name,
            path: path.to_owned(),
        })
    }

    /// Opens the file, or makes it. One that its last writer left within a line gets a line end.
    pub fn open(&mut self) -> io::Result<OutputFile> {
        if let Ok(directory) = open_directory(&self.path) {
            self.directory = directory;
        }
        let mut file = self.open_with(OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT)?;
        if file.metadata()?.is_file() && self.ends_within_line() {
            file.write_all(b"\n")?;
            let path = one_line(&self.path.to_string_lossy());
            warn!("the last line of {path} was not whole: it was ended where it stopped");
        }
        OutputFile::new(file)
    }

    /// What has the name now.
    pub fn id(&self) -> Option<FileId> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Some(FileId::from(&metadata)),
            Err(_) => {
                let found = fstatat(&self.directory, self.name.as_os_str(), AtFlags::empty());
                found.ok().map(|stat: FileStat| FileId::from(&stat))
            }
        }
    }

    fn open_with(&self, flags: OFlag) -> io::Result<File> {
        let flags = flags | OFlag::O_CLOEXEC;
        let file = openat(&self.directory, self.name.as_os_str(), flags, MODE)?;
        Ok(File::from(file))
    }

    /// Whether the file's last writer was stopped, by a full disk or by force, within a line. The
    /// next record must not become part of it. A file that may not be read is taken for whole.
    fn ends_within_line(&self) -> bool {
        let last_byte = || -> io::Result<u8> {
            let mut file = self.open_with(OFlag::O_RDONLY)?;
            file.seek(SeekFrom::End(-1))?;
            let mut byte = [0];
            file.read_exact(&mut byte)?;
            Ok(byte[0])
        };
        // An empty file has no last byte, which is an error too.
        last_byte().is_ok_and(|byte| byte != b'\n')
    }
}

fn name(path: &Path) -> io::Result<OsString> {
    match path.file_name() {
        Some(name) if !path.as_os_str().as_bytes().ends_with(b"/") => Ok(name.to_owned()),
        _ if path.as_os_str().is_empty() => Err(io::Error::from_raw_os_error(libc::ENOENT)),
        _ => Err(io::Error::from_raw_os_error(libc::EISDIR)),
    }
}

/// The directory of the file that `path` leads to.
pub fn directory(path: &Path) -> &Path {
    let parent = path.parent();
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(open(directory(path), flags, Mode::empty())?)
}
