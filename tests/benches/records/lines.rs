//! Records as lines.

use std::hint::black_box;

use nat_acct::record::{Account, Format, Record, Stamp};
use serde_json::Value;

/// So many are written each time.
pub const RECORDS: u32 = 200_000;

pub struct Lines {
    account: Account,
    stamp: Stamp,
    value: Value,
}

impl Lines {
    pub fn of(account: Account) -> Self {
        let stamp = Stamp::new(1_795_340_520_000_000_000, &["br0"], &["eth1"]).of_boot(1);
        let line = record(&account, 0, &stamp).to_json(Format::Ecs);
        Self {
            account,
            value: serde_json::from_str(&line).expect("a record is JSON"),
            stamp,
        }
    }

    /// Makes records and writes them.
    pub fn write(&self, format: Format) {
        let mut line = Vec::new();
        for number in 0..RECORDS {
            let record = record(black_box(&self.account), number, &self.stamp);
            record.put_line(format, black_box(&mut line));
        }
    }

    /// Writes what is a record already, to a vector.
    pub fn write_value(&self) {
        for _ in 0..RECORDS {
            let line = serde_json::to_vec(black_box(&self.value));
            black_box(line.expect("it is JSON"));
        }
    }
}

fn record(account: &Account, number: u32, stamp: &Stamp) -> Record {
    let written = stamp.wall_clock(account.end_ns);
    Record::new(account, Some(number.into()), written, stamp)
}
