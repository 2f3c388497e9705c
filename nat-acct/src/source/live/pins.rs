//! A directory of a BPF file system, in which maps and links live on while no agent runs. The ABI
//! is in the path, so that nobody reads maps of another layout.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use aya::maps::MapData;
use nat_acct_common::layout::{ABI_VERSION, Direction, Instance};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};

use super::{attach::Side, mapped::MappedArray};

/// The maps that live on. The others have nothing in them between two packets, or go with an agent's own
/// programs.
pub(super) const MAPS: [&str; 12] = [
    "FLOWS",
    "OVERFLOW",
    "LOCKS",
    "CONNECTIONS",
    "COUNTERS",
    "FREE_SLOTS",
    "SPARES",
    "PERMITS",
    "OUTSIDE_SYNS",
    "EVENTS",
    "IGNORED",
    INSTANCE,
];
const INSTANCE: &str = "INSTANCE";

/// A directory that is this agent's alone.
pub struct Pins {
    dir: PathBuf,
    /// `None` if it is only looked at.
    lock: Option<Flock<File>>,
}

impl Pins {
    /// Takes a directory, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// When it is not in a BPF file system, or another agent has it.
    pub fn open(dir: &Path) -> Result<Self> {
        let shown = dir.display();
        let there = dir.ancestors().find(|ancestor| ancestor.exists());
        if statfs(there.unwrap_or(dir))?.filesystem_type() != BPF_FS_MAGIC {
            bail!(
                "{shown} is not in a BPF file system: name a directory below /sys/fs/bpf (and \
                 `mount -t bpf bpf /sys/fs/bpf` if nothing is mounted there)"
            );
        }
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(dir);
        made.with_context(|| format!("cannot make {shown}"))?;
        let lock = match lock(dir)? {
            Ok(lock) => lock,
            Err(Errno::EWOULDBLOCK) => bail!("another nat-acct runs with {shown}"),
            Err(error) => return Err(error).with_context(|| format!("cannot lock {shown}")),
        };
        Ok(Self {
            dir: dir.to_owned(),
            lock: Some(lock),
        })
    }

    /// Looks at a directory that may be another agent's.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn look_at(dir: &Path) -> Result<Self> {
        fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
        Ok(Self {
            dir: dir.to_owned(),
            lock: None,
        })
    }

    /// Whether an agent has it, be it this one.
    pub(super) fn is_taken(&self) -> bool {
        self.lock.is_some() || matches!(lock(&self.dir), Ok(Err(Errno::EWOULDBLOCK)))
    }

    /// What another agent has left here.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(super) fn instance(&self) -> Result<Option<MappedArray<Instance>>> {
        let path = self.map(INSTANCE);
        if !path.exists() {
            self.remove()?;
            return Ok(None);
        }
        let map = MapData::from_pin(&path);
        let map = map.with_context(|| format!("cannot open {}", path.display()))?;
        let instance: MappedArray<Instance> = MappedArray::new(&map, 1)?;
        let abi = instance.get(0).map(|instance| instance.abi.get());
        match abi {
            Some(ABI_VERSION) => Ok(Some(instance)),
            // It was killed before anything was attached.
            Some(0) | None => {
                self.remove()?;
                Ok(None)
            }
            Some(other) => bail!("{} is of ABI {other}", path.display()),
        }
    }

    /// Where agents of another ABI have left something.
    pub(super) fn of_other_abis(&self) -> io::Result<Vec<PathBuf>> {
        let mut others = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path != self.of_abi() {
                others.push(path);
            }
        }
        Ok(others)
    }

    /// Where a map is.
    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.of_abi().join(name)
    }

    /// Where the link of a program is.
    pub(super) fn link(&self, side: Side, number: usize, direction: Direction) -> PathBuf {
        let side = side.name();
        let direction = direction.name();
        self.of_abi().join(format!("{side}-{number}-{direction}"))
    }

    /// Makes the directory that [`Self::map`] and [`Self::link`] lead to.
    pub(super) fn make(&self) -> Result<()> {
        let dir = self.of_abi();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.with_context(|| format!("cannot make {}", dir.display()))
    }

    /// Removes everything that is here: what nobody else holds then is gone. Nothing is removed
    /// that is only looked at.
    pub(super) fn remove(&self) -> io::Result<()> {
        if self.lock.is_none() {
            return Ok(());
        }
        match fs::remove_dir_all(self.of_abi()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn of_abi(&self) -> PathBuf {
        self.dir.join(format!("abi-{ABI_VERSION}"))
    }
}

/// Takes a directory for as long as the lock lives.
fn lock(dir: &Path) -> Result<Result<Flock<File>, Errno>> {
    let file = File::open(dir).with_context(|| format!("cannot open {}", dir.display()))?;
    Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| error))
}
