//! A disk of a few megabytes that can be filled up and emptied again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

const NAME: &str = "disk";

/// A file system of its own in the lab's directory.
pub struct Disk {
    dir: PathBuf,
}

impl Disk {
    pub(super) fn mount(lab_dir: &Path, bytes: u64) -> Result<Self> {
        let dir = lab_dir.join(NAME);
        fs::create_dir(&dir)?;
        let options = format!("size={bytes}");
        let flags = MsFlags::empty();
        mount(Some(NAME), &dir, Some("tmpfs"), flags, Some(&*options))
            .with_context(|| format!("cannot mount {}", dir.display()))?;
        Ok(Self { dir })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Leaves no room on it but for so many bytes.
    pub fn fill_up(&self, room_bytes: usize) -> Result<()> {
        fs::write(self.dir.join("room"), vec![0; room_bytes])?;
        let mut ballast = File::create(self.ballast())?;
        let full = loop {
            if let Err(error) = ballast.write_all(&[0; 4096]) {
                break error;
            }
        };
        fs::remove_file(self.dir.join("room"))?;
        match full.kind() {
            ErrorKind::StorageFull => Ok(()),
            _ => Err(full.into()),
        }
    }

    /// Makes room again.
    pub fn make_room(&self) -> Result<()> {
        Ok(fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
    }
}

/// Takes it off, when nobody uses it.
pub(super) fn unmount(lab_dir: &Path) {
    let _ = umount2(&lab_dir.join(NAME), MntFlags::MNT_DETACH);
}
