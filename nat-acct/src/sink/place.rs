//! Where a file of records is, so that it can be opened again when it was rotated.
//!
//! Its directory is kept open. The path is what counts: a directory that was put in the place of
//! the old one is taken. But if the path leads nowhere – because the directory was moved, or because
//! the agent has given up the privilege to pass the directories above it – the directory that was
//! open stays good. Permission to make files in it is still needed then.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::fd::OwnedFd,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, open, openat, renameat},
    sys::stat::{FileStat, Mode, fstatat},
};
use tracing::warn;

use super::{
    file::{FileId, OutputFile},
    rotation,
};
use crate::one_line::one_line;

/// Who spoke to whom is not for everybody on the machine.
const MODE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR).union(Mode::S_IRGRP);

/// Names of rotated files are that far apart.
const APART: SignedDuration = SignedDuration::from_millis(1);

#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    directory: OwnedFd,
    name: OsString,
    /// By which time the file was last renamed.
    last_aside: Timestamp,
}

impl Place {
    pub fn new(path: &Path) -> io::Result<Self> {
        let name = name(path)?;
        Ok(Self {
            directory: open_directory(path)?,
            name,
            path: path.to_owned(),
            last_aside: Timestamp::UNIX_EPOCH,
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

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        let found = fs::symlink_metadata(&self.path);
        found.is_ok_and(|metadata| metadata.is_symlink())
    }

    /// Gives the file the name of one that was rotated at `at`, or the first later one that is free
    /// and behind all that were given before; returns it.
    pub fn rename_aside(&mut self, at: Timestamp) -> io::Result<OsString> {
        let mut at = at.max(behind(self.last_aside)?);
        loop {
            let name = rotation::name(&self.name, at);
            if self.is_free(&name)? {
                renameat(&self.directory, &*self.name, &self.directory, &*name)?;
                self.last_aside = at;
                return Ok(name);
            }
            at = behind(at)?;
        }
    }

    /// Also if the file was compressed since.
    fn is_free(&self, name: &OsStr) -> io::Result<bool> {
        let mut compressed = name.to_owned();
        compressed.push(rotation::COMPRESSED);
        for name in [name, &compressed] {
            match fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(_) => return Ok(false),
                Err(Errno::ENOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
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

fn behind(at: Timestamp) -> io::Result<Timestamp> {
    at.saturating_add(APART).map_err(io::Error::other)
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
