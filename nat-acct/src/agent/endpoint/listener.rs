//! A socket that is listened on. The file of a unix socket goes with it; one that a killed agent left
//! is taken over, and nothing else is.

use std::{
    fs::{self, DirBuilder},
    io::{self, ErrorKind},
    net,
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _},
        net as unix,
    },
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};

use super::Address;
use crate::sink::directory;

/// For the owner and the group, as records are.
const MODE: u32 = 0o660;
const DIRECTORY_MODE: u32 = 0o750;

/// One who has connected.
pub(super) type Stream = Box<dyn Connected>;

pub(super) trait Connected: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connected for T {}

/// See the module.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixSocket),
}

/// Its file is removed when this is dropped.
pub(super) struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens at `address`.
    pub(super) fn bind(address: &Address) -> Result<Self> {
        let bound = match address {
            Address::Tcp(address) => tcp(address).map(Self::Tcp),
            Address::Unix(path) => UnixSocket::bind(path).map(Self::Unix),
        };
        bound.with_context(|| format!("cannot listen on {address}"))
    }

    /// Resolves when somebody connects.
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
            Self::Unix(socket) => Box::new(socket.listener.accept().await?.0),
        })
    }
}

fn tcp(address: &net::SocketAddr) -> Result<TcpListener> {
    let listener = net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener)?)
}

impl UnixSocket {
    fn bind(path: &Path) -> Result<Self> {
        make_directory(directory(path))?;
        let listener = match unix::UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                remove_abandoned(path)?;
                unix::UnixListener::bind(path)
            }
            bound => bound,
        }?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: UnixListener::from_std(listener)?,
            path: path.to_owned(),
        })
    }
}

/// One below `/run` is gone after each boot.
fn make_directory(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
        Err(_) if directory.is_dir() => Ok(()),
        made => made,
    }
}

fn remove_abandoned(path: &Path) -> Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        bail!("it is no socket");
    }
    match unix::UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(fs::remove_file(path)?),
        Ok(_) => bail!("another program listens there"),
        Err(error) => Err(error.into()),
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // Where it stays, the next agent takes it over.
        let _: io::Result<()> = fs::remove_file(&self.path);
    }
}
