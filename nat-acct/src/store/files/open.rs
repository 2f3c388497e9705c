//! Opening a file of the store that is there.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags, ffi::SQLITE_READONLY_ROLLBACK};

use super::schema;

/// How long to wait for an import that is writing to the file.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a file to read it. What an import left that was killed is taken back, if that is allowed.
pub(crate) fn for_reading(path: &Path) -> Result<Connection> {
    let opened = match with(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Err(error) if is_left_behind(&error) => with(path, OpenFlags::SQLITE_OPEN_READ_WRITE),
        opened => opened,
    };
    opened.with_context(|| format!("cannot read {}", path.display()))
}

/// Opens a file to change it.
pub(crate) fn for_writing(path: &Path) -> Result<Connection> {
    with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .with_context(|| format!("cannot open {}", path.display()))
}

fn is_left_behind(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<rusqlite::Error>();
    let error = error.and_then(rusqlite::Error::sqlite_error);
    error.is_some_and(|error| error.extended_code == SQLITE_READONLY_ROLLBACK)
}

fn with(path: &Path, access: OpenFlags) -> Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(PATIENCE)?;
    schema::check(&database, "main")?;
    Ok(database)
}
