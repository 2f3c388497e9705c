//! How many connections a program has recorded. Of ours each record is looked at; of the others
//! lines are counted.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use nat_acct_tests::agent::{Stopped, closing};
use nat_acct_tests::lab::{Family, translated};

/// The lines of a file that say that a connection has ended.
pub struct Lines {
    pub path: PathBuf,
    /// What is in each.
    pub with: [&'static str; 2],
}

impl Lines {
    /// Those of the agent.
    pub fn of_records(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            with: ["nat-session-end", "192.168.17."],
        }
    }

    /// How many there are; none if there is no file yet.
    pub fn count(&self) -> Result<usize> {
        let Ok(file) = File::open(&self.path) else {
            return Ok(0);
        };
        let mut count = 0;
        for line in BufReader::new(file).lines() {
            let line = line?;
            count += usize::from(self.with.iter().all(|part| line.contains(part)));
        }
        Ok(count)
    }
}

/// A record of each connection and of no other, each with its mapping; how many they are.
pub fn check(stopped: &Stopped, clients: &[SocketAddr]) -> Result<usize> {
    let records = closing(&stopped.records)?;
    let made: BTreeSet<_> = clients.iter().copied().collect();
    ensure!(made.len() == clients.len(), "a port was used twice");
    let recorded: BTreeSet<_> = records.iter().map(|record| record.client).collect();
    ensure!(
        recorded == made && records.len() == made.len(),
        "{} records of {} clients, but {} connections; the agent says:\n{}",
        records.len(),
        recorded.len(),
        made.len(),
        stopped.log
    );
    let gateway: IpAddr = translated(Family::V4);
    let is_mapped =
        |translated: Option<SocketAddr>| translated.is_some_and(|it| it.ip() == gateway);
    let unmapped = records.iter().find(|record| !is_mapped(record.translated));
    ensure!(unmapped.is_none(), "without its mapping: {unmapped:?}");
    Ok(records.len())
}
