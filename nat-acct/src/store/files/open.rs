//! Opening a file of the store that is there.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags};

use super::schema;

/// How long to wait for an import that is writing to the file.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a file to read it.
pub(crate) fn for_reading(path: &Path) -> Result<Connection> {
    with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("cannot read {}", path.display()))
}

/// Opens a file to change it.
pub(crate) fn for_writing(path: &Path) -> Result<Connection> {
    with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .with_context(|| format!("cannot open {}", path.display()))
}

fn with(path: &Path, access: OpenFlags) -> Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(PATIENCE)?;
    schema::check(&database, "main")?;
    Ok(database)
}
