//! What is known of connections, added up: the generator's knowledge and a program's records can be
//! compared without keeping either. The fingerprint tells what sums hide: a byte in the account of
//! a wrong connection, or a wrong translated address.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use nat_acct_tests::truth::{Record, Volume};
use serde_json::Value;

/// What is known of a connection.
pub struct Account {
    pub client: SocketAddr,
    pub translated: Option<SocketAddr>,
    pub remote: SocketAddr,
    pub inbound: bool,
    pub sent: u64,
    pub received: u64,
    pub volume_sent: Volume,
    pub volume_received: Volume,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub connections: u64,
    /// Payload bytes.
    pub sent: u64,
    pub received: u64,
    /// Packets on the inside.
    pub packets: u64,
    pub ip_bytes: u64,
    fingerprint: u64,
}

impl From<Record> for Account {
    fn from(record: Record) -> Self {
        Self {
            client: record.client,
            translated: record.translated,
            remote: record.remote,
            inbound: record.inbound,
            sent: record.sent,
            received: record.received,
            volume_sent: record.volume_sent,
            volume_received: record.volume_received,
        }
    }
}

impl Account {
    fn fingerprint(&self) -> u64 {
        let (sent, received) = (&self.volume_sent, &self.volume_received);
        let ends = (self.client, self.translated, self.remote, self.inbound);
        let numbers = [
            self.sent,
            self.received,
            sent.packets,
            sent.ip_bytes,
            received.packets,
            received.ip_bytes,
        ];
        fnv_1a(format!("{ends:?} {numbers:?}").as_bytes())
    }
}

impl Sums {
    pub fn add(&mut self, account: &Account) {
        let volumes = [account.volume_sent, account.volume_received];
        self.connections += 1;
        self.sent += account.sent;
        self.received += account.received;
        self.packets += volumes.iter().map(|volume| volume.packets).sum::<u64>();
        self.ip_bytes += volumes.iter().map(|volume| volume.ip_bytes).sum::<u64>();
        // A sum, so that the order does not matter.
        self.fingerprint = self.fingerprint.wrapping_add(account.fingerprint());
    }

    /// Fails if these sums, of records, are not the true ones.
    pub fn ensure_equal(&self, truth: &Self) -> Result<()> {
        let fields = self.fields().into_iter().zip(truth.fields());
        for ((name, found), (_, expect)) in fields {
            ensure!(
                found == expect,
                "{name} of the records is {found}, but {expect} in the captures"
            );
        }
        Ok(())
    }

    pub fn to_json(self) -> Value {
        let fields = self.fields();
        fields
            .map(|(name, number)| (name.to_owned(), Value::from(number)))
            .into_iter()
            .collect()
    }

    pub fn from_json(value: &Value) -> Option<Self> {
        let number = |name: &str| value[name].as_u64();
        Some(Self {
            connections: number("connections")?,
            sent: number("sent")?,
            received: number("received")?,
            packets: number("packets")?,
            ip_bytes: number("ip_bytes")?,
            fingerprint: number("fingerprint")?,
        })
    }

    fn fields(&self) -> [(&'static str, u64); 6] {
        [
            ("connections", self.connections),
            ("sent", self.sent),
            ("received", self.received),
            ("packets", self.packets),
            ("ip_bytes", self.ip_bytes),
            ("fingerprint", self.fingerprint),
        ]
    }
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
