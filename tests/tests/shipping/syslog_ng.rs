//! syslog-ng with the configurations of contrib/syslog-ng.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use nat_acct_tests::Background;

use crate::directory::Directory;
use crate::faults::{Reads, Shipper, Side, every_record_arrives};
use crate::http::Http;
use crate::kafka::Kafka;
use crate::output::Output;
use crate::programs::{contrib, directories, program};

#[test]
fn every_record_is_inserted() -> Result<()> {
    let dir = Directory::make("syslog-ng-http")?;
    let mut receiver = Http::insert("INSERT%20INTO%20nat_acct_ecs%20FORMAT%20JSONEachRow")?;
    let configuration = to_clickhouse(&dir, receiver.port())?;
    let mut output = Output::create(dir.path())?;
    let mut syslog_ng = SyslogNg::start(dir.path(), &configuration)?;
    every_record_arrives(Reads::Rotated, &mut output, &mut syslog_ng, &mut receiver)?;
    syslog_ng.stop()?;
    assert!(receiver.again() > 0, "nothing was sent again");
    assert_eq!(
        output.torn(),
        fs::read_to_string(dir.path().join("no-records"))?
    );
    Ok(())
}

#[test]
#[ignore = "the mock of Kafka takes Python: cargo xtask test --shipping"]
fn every_record_reaches_kafka() -> Result<()> {
    let dir = Directory::make("syslog-ng-kafka")?;
    let mut kafka = Kafka::start(dir.path())?;
    let configuration = contrib(
        "syslog-ng/nat-acct-kafka.conf",
        &[
            ("/var/log/nat-acct/", &dir.slashed()),
            ("127.0.0.1:9092", kafka.address()),
        ],
    )?;
    let mut output = Output::create(dir.path())?;
    let mut syslog_ng = SyslogNg::start(dir.path(), &configuration)?;
    every_record_arrives(Reads::Rotated, &mut output, &mut syslog_ng, &mut kafka)?;
    syslog_ng.stop()?;
    assert_eq!(
        output.torn(),
        fs::read_to_string(dir.path().join("no-records"))?
    );
    Ok(())
}

/// What sends to a ClickHouse at this port.
pub fn to_clickhouse(dir: &Directory, port: u16) -> Result<String> {
    contrib(
        "syslog-ng/nat-acct-clickhouse.conf",
        &[
            ("/var/log/nat-acct/", &dir.slashed()),
            ("8123", &port.to_string()),
        ],
    )
}

/// A running syslog-ng.
pub struct SyslogNg {
    dir: PathBuf,
    process: Option<Background>,
}

impl SyslogNg {
    /// With its files in this directory.
    pub fn start(dir: &Path, configuration: &str) -> Result<Self> {
        // As Debian's /etc/syslog-ng/syslog-ng.conf does before it includes others.
        let main = format!("@version: 3.38\n{configuration}");
        fs::write(dir.join("syslog-ng.conf"), main)?;
        let mut syslog_ng = Self {
            dir: dir.to_owned(),
            process: None,
        };
        Side::start(&mut syslog_ng)?;
        Ok(syslog_ng)
    }
}

impl Side for SyslogNg {
    fn start(&mut self) -> Result<()> {
        let mut command = program("usr/sbin/syslog-ng")?;
        command
            .args(["--foreground", "--stderr", "--no-caps"])
            .arg("--module-path")
            .arg(directories("usr/lib/syslog-ng", "")?);
        for (option, file) in [
            ("--cfgfile", "syslog-ng.conf"),
            ("--persist-file", "syslog-ng.persist"),
            ("--pidfile", "syslog-ng.pid"),
            ("--control", "syslog-ng.ctl"),
        ] {
            command.arg(option).arg(self.dir.join(file));
        }
        self.process = Some(Background::start(command, &self.dir, "syslog-ng")?);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            // While Kafka is away, it does not end by SIGTERM.
            process.stop()?;
        }
        Ok(())
    }
}

impl Shipper for SyslogNg {
    fn take(&mut self) -> Option<Background> {
        self.process.take()
    }
}
