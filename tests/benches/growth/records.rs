//! Whether all connections have their records.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::crowd;
use nat_acct_tests::truth::Record;

/// Packets of a client that has opened a connection, and those that answered it.
const PACKETS: (u64, u64) = (2, 1);

/// Looks for one record of each connection, with the addresses and packets that it had.
pub fn check(path: &Path, connections: u32) -> Result<()> {
    let mut is_known = vec![false; connections as usize];
    for line in BufReader::new(File::open(path)?).lines() {
        let line = line?;
        let record = Record::read(&serde_json::from_str(&line)?)?;
        let number = crowd::number(record.client).context(line.clone())?;
        let is_known = is_known.get_mut(number as usize);
        let is_known = is_known.with_context(|| format!("who is that? {line}"))?;
        ensure!(!*is_known, "a second record: {line}");
        *is_known = true;
        let packets = (record.volume_sent.packets, record.volume_received.packets);
        let translated = Some(crowd::translated(number).into());
        let is_right = record.translated == translated && packets == PACKETS;
        ensure!(is_right && !record.partial, "{line}");
    }
    let missing = is_known.iter().filter(|is_known| !**is_known).count();
    ensure!(missing == 0, "{missing} records are missing");
    Ok(())
}
