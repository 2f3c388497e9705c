//! A ClickHouse that serves HTTP: its engine from a Python package, the server a few lines of Python.
//! It has the tables of contrib/clickhouse.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::Background;
use crate::wait::{PATIENCE, wait_until};

const TABLES: &str = include_str!("../../../contrib/clickhouse/table.sql");
/// What is inserted here is of fixed days, which the table would forget one day.
const KEEP: &str = "ALTER TABLE nat_acct REMOVE TTL";

/// A ClickHouse in a directory of its own.
pub struct ClickHouse {
    dir: PathBuf,
    port: u16,
    process: Option<Background>,
}

/// The Python environment that has it, if somebody installed it there.
#[must_use]
pub fn environment() -> PathBuf {
    let project = crate_root().parent().unwrap_or(crate_root());
    project.join("target/shipping/python")
}

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl ClickHouse {
    /// Starts one in an empty directory, and makes the tables, which keep all that is inserted.
    ///
    /// # Errors
    ///
    /// When it is not installed, or refuses the tables.
    pub fn with_tables(dir: &Path) -> Result<Self> {
        let mut clickhouse = Self {
            dir: dir.to_owned(),
            port: 0,
            process: None,
        };
        clickhouse.start()?;
        let tables = TABLES.split(";\n").filter(|part| !part.trim().is_empty());
        for statement in tables.chain([KEEP]) {
            clickhouse.query(statement)?;
        }
        Ok(clickhouse)
    }

    /// Starts one that was stopped, at the same port.
    ///
    /// # Errors
    ///
    /// When it ends instead.
    pub fn start(&mut self) -> Result<()> {
        let mut command = Command::new(environment().join("bin/python"));
        command
            .arg(crate_root().join("src/clickhouse/server.py"))
            .arg(self.dir.join("data"))
            .arg(self.port.to_string());
        let mut process = Background::start(command, &self.dir, "clickhouse")
            .context("no ClickHouse: run `cargo xtask test --shipping`")?;
        self.port = wait_until(PATIENCE, "the port of ClickHouse", || {
            if let Some(status) = process.ended()? {
                bail!("{status}: {}", process.stderr());
            }
            let stdout = process.stdout();
            Ok(stdout
                .ends_with('\n')
                .then(|| stdout.trim().parse())
                .transpose()?)
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// It does not handle SIGTERM: as far as it knows, it is killed.
    ///
    /// # Errors
    ///
    /// When it cannot be.
    pub fn stop(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.stop().map(drop))
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What `nat-acct who --clickhouse` takes.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Its process while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Background::pid)
    }

    /// Inserts lines by a statement without them.
    ///
    /// # Errors
    ///
    /// When it takes not all of them; it has none then.
    pub fn insert(&self, insert: &str, lines: &str) -> Result<()> {
        self.post(&[("query", insert)], lines).map(drop)
    }

    /// Runs a statement that answers nothing.
    ///
    /// # Errors
    ///
    /// When it refuses.
    pub fn query(&self, query: &str) -> Result<()> {
        self.post(&[], query).map(drop)
    }

    /// The rows of an answer; names of parameters begin with `param_`.
    ///
    /// # Errors
    ///
    /// When it refuses.
    pub fn rows(&self, query: &str, parameters: &[(&str, &str)]) -> Result<Vec<Value>> {
        let format = [("default_format", "JSONEachRow")];
        let rows = self.post(&[&format, parameters].concat(), query)?;
        let rows = rows.lines().map(serde_json::from_str);
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What it answers; an error if it does not say 200.
    fn post(&self, parameters: &[(&str, &str)], body: &str) -> Result<String> {
        let target = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)));
        let target = target.collect::<Vec<_>>().join("&");
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        write!(
            connection,
            "POST /?{target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut response = String::new();
        connection.read_to_string(&mut response)?;
        let (head, body) = response.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.starts_with("HTTP/1.1 200 "), "{body}");
        Ok(body.to_owned())
    }
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
