//! Kafka: librdkafka's mock of it, and a consumer that reads all that comes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Background, wait_until};
use nix::sys::signal::Signal;

use crate::faults::{Receiver, Side};
use crate::programs::{beside, program};
use crate::received::Received;

/// A broker with a consumer.
pub struct Kafka {
    mock: Background,
    consumer: Background,
    address: String,
}

impl Kafka {
    /// With its files in this directory.
    pub fn start(dir: &Path) -> Result<Self> {
        let mut command = beside("python3")?;
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shipping/kafka.py"));
        let mut mock = Background::start(command, dir, "kafka")?;
        let address = wait_until(PATIENCE, "the address of Kafka", || {
            if let Some(status) = mock.ended()? {
                anyhow::bail!("{status}: {}", mock.stderr());
            }
            let said = mock.stdout();
            Ok(said.split_once('\n').map(|(line, _)| line.to_owned()))
        })?;
        let mut consumer = program("usr/bin/kcat")?;
        consumer.args([
            "-C",
            "-E",
            "-q",
            "-u",
            "-o",
            "beginning",
            "-t",
            "nat-acct",
            "-b",
            &address,
        ]);
        Ok(Self {
            consumer: Background::start(consumer, dir, "kcat")?,
            mock,
            address,
        })
    }

    /// The address and port of the broker.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn received(&self) -> Result<Received> {
        let mut received = Received::default();
        let text = self.consumer.stdout();
        // The last line may be in the writing.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().for_each(|line| received.take(line));
        Ok(received)
    }

    fn change(&mut self, signal: Signal, name: &str) -> Result<()> {
        let before = self.mock.stdout().matches(name).count();
        self.mock.signal(signal)?;
        wait_until(PATIENCE, name, || {
            let now = self.mock.stdout().matches(name).count();
            Ok((now > before).then_some(()))
        })
    }
}

impl Side for Kafka {
    fn start(&mut self) -> Result<()> {
        self.change(Signal::SIGUSR2, "set_up")
    }

    fn stop(&mut self) -> Result<()> {
        self.change(Signal::SIGUSR1, "set_down")
    }
}

impl Receiver for Kafka {
    fn records(&self) -> Result<usize> {
        Ok(self.received()?.lines()?.len())
    }

    fn check(&self, written: &BTreeMap<String, String>) -> Result<()> {
        self.received()?.check(written)
    }
}
