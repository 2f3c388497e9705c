//! The networks of a file's clients: each record has the number of its own, which is that of a row in the
//! table `network` of the same file.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection as Database, params};

use super::schema;
use crate::record::Network;

/// Networks by their numbers, which begin at 1.
pub(crate) type Networks = HashMap<i64, Arc<Network>>;

/// The networks of the database `name`; none of a file from before there were any.
pub(crate) fn read(database: &Database, name: &str) -> rusqlite::Result<Networks> {
    if !schema::has(database, name, "network")? {
        return Ok(Networks::new());
    }
    let mut query = database.prepare(&format!(
        "SELECT number, interface, vlans FROM {name}.network"
    ))?;
    let rows = query.query_map([], |row| {
        Ok((row.get(0)?, Network::shared(row.get(1)?, row.get(2)?)))
    })?;
    rows.collect()
}

/// The numbers of networks in the database `name`, which get one when they are asked for first.
pub(crate) struct Numbering<'a> {
    database: &'a Database,
    name: &'a str,
    numbers: HashMap<Arc<Network>, i64>,
}

impl<'a> Numbering<'a> {
    pub(crate) fn of(database: &'a Database, name: &'a str) -> rusqlite::Result<Self> {
        let known = read(database, name)?.into_iter();
        Ok(Self {
            database,
            name,
            numbers: known.map(|(number, network)| (network, number)).collect(),
        })
    }

    /// 0 for one that is not known.
    pub(crate) fn number(&mut self, network: Option<&Arc<Network>>) -> rusqlite::Result<i64> {
        let Some(network) = network else {
            return Ok(0);
        };
        if let Some(number) = self.numbers.get(network) {
            return Ok(*number);
        }
        let mut insert = self.database.prepare_cached(&format!(
            "INSERT INTO {}.network (interface, vlans) VALUES (?, ?) RETURNING number",
            self.name
        ))?;
        let columns = params![network.interface, network.vlans];
        let number = insert.query_row(columns, |row| row.get(0))?;
        self.numbers.insert(Arc::clone(network), number);
        Ok(number)
    }
}
