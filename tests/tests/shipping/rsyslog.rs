//! rsyslog with the configurations of contrib/rsyslog.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use nat_acct_tests::Background;
use nat_acct_tests::wait::PATIENCE;
use nix::sys::signal::Signal;

use crate::directory::Directory;
use crate::faults::{Reads, Shipper, Side, every_record_arrives, while_one_is_away};
use crate::http::Http;
use crate::kafka::Kafka;
use crate::output::Output;
use crate::programs::{contrib, directories, program};

#[test]
fn every_record_reaches_elasticsearch() -> Result<()> {
    let dir = Directory::make("rsyslog-elasticsearch")?;
    let mut receiver = Http::bulk()?;
    let configuration = contrib(
        "rsyslog/nat-acct-elasticsearch.conf",
        &[
            ("/var/log/nat-acct/", &dir.slashed()),
            ("9200", &receiver.port().to_string()),
        ],
    )?;
    let mut output = Output::create(dir.path())?;
    let mut rsyslog = Rsyslog::start(dir.path(), &configuration)?;
    every_record_arrives(Reads::All, &mut output, &mut rsyslog, &mut receiver)?;
    rsyslog.stop()?;
    assert!(receiver.again() > 0, "nothing was sent again");
    // Sent again, a record becomes the document that it was.
    let documents = receiver.documents();
    assert_eq!(documents.len(), output.written().len());
    for (name, line) in &documents {
        assert!(name.starts_with("nat-acct-2026-11-22/"), "{name}: {line}");
    }
    // Once for each time that its file was read.
    let no_records = fs::read_to_string(dir.path().join("no-records"))?;
    let torn: BTreeSet<&str> = no_records.lines().collect();
    assert_eq!(torn, output.torn().lines().collect());
    assert!(!dir.path().join("refused").exists());
    Ok(())
}

#[test]
#[ignore = "the mock of Kafka takes Python: cargo xtask test --shipping"]
fn every_record_reaches_kafka_while_one_side_is_away() -> Result<()> {
    let dir = Directory::make("rsyslog-kafka")?;
    let mut kafka = Kafka::start(dir.path())?;
    let configuration = contrib(
        "rsyslog/nat-acct-kafka.conf",
        &[
            ("/var/log/nat-acct/", &dir.slashed()),
            ("/var/spool/rsyslog/", &dir.slashed()),
            ("127.0.0.1:9092", kafka.address()),
        ],
    )?;
    let mut output = Output::create(dir.path())?;
    let mut rsyslog = Rsyslog::start(dir.path(), &configuration)?;
    while_one_is_away(Reads::All, &mut output, &mut rsyslog, &mut kafka)?;
    rsyslog.stop()
}

/// A running rsyslog.
pub struct Rsyslog {
    dir: PathBuf,
    process: Option<Background>,
}

impl Rsyslog {
    /// With its files in this directory.
    pub fn start(dir: &Path, configuration: &str) -> Result<Self> {
        fs::create_dir_all(spool(dir))?;
        // As Debian's /etc/rsyslog.conf does before it includes others.
        let main = format!(
            "global(workDirectory=\"{}\")\n{configuration}\naction(type=\"omfile\" file=\"{}\")\n",
            spool(dir).display(),
            dir.join("messages").display()
        );
        fs::write(dir.join("rsyslog.conf"), main)?;
        let mut rsyslog = Self {
            dir: dir.to_owned(),
            process: None,
        };
        Side::start(&mut rsyslog)?;
        Ok(rsyslog)
    }

    /// What runs before it starts.
    fn read_again(&self) -> Result<()> {
        let [dir, spool] = [&self.dir, &spool(&self.dir)].map(|dir| dir.display().to_string());
        let script = contrib(
            "rsyslog/nat-acct-read-again",
            &[("/var/log/nat-acct", &dir), ("/var/spool/rsyslog", &spool)],
        )?;
        let done = Command::new("sh").args(["-c", &script]).status()?;
        ensure!(done.success(), "{script}: {done}");
        Ok(())
    }
}

impl Side for Rsyslog {
    fn start(&mut self) -> Result<()> {
        self.read_again()?;
        let mut command = program("usr/sbin/rsyslogd")?;
        command
            .arg("-n")
            .arg("-f")
            .arg(self.dir.join("rsyslog.conf"))
            .arg("-i")
            .arg(self.dir.join("rsyslog.pid"))
            .arg("-M")
            .arg(directories("usr/lib", "rsyslog")?);
        self.process = Some(Background::start(command, &self.dir, "rsyslog")?);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::SIGTERM)?;
            // It may wait for Kafka.
            let status = process.wait(PATIENCE)?;
            ensure!(status.success(), "{status}: {}", process.stderr());
        }
        Ok(())
    }
}

impl Shipper for Rsyslog {
    fn take(&mut self) -> Option<Background> {
        self.process.take()
    }
}

fn spool(dir: &Path) -> PathBuf {
    dir.join("spool")
}
