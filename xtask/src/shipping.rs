//! The programs that records are shipped by and to, for the tests. They are unpacked in
//! `target/shipping`, not installed: rsyslog and syslog-ng do not go together on one machine.

use std::fs;

use anyhow::{Result, bail};
use nat_acct_tests::clickhouse;

use crate::apt;
use crate::archive::Archive;
use crate::process::{Cmd, root};

/// Packages that may be installed together.
const PACKAGES: [&[&str]; 2] = [
    &["rsyslog", "rsyslog-elasticsearch", "rsyslog-kafka", "kcat"],
    &[
        "syslog-ng-core",
        "syslog-ng-mod-http",
        "syslog-ng-mod-rdkafka",
    ],
];
/// ClickHouse as a Python package. What it depends on is only for data frames.
const CLICKHOUSE: &str = "chdb-core==26.9.0";

/// Sees to it that the shippers are there; quick and silent when they are.
pub fn ensure_shippers() -> Result<()> {
    let dir = root().join("target/shipping");
    for packages in PACKAGES {
        let complete = dir.join(packages.join("+"));
        let is_installed = packages.iter().all(|package| apt::installed(package));
        if is_installed || complete.exists() {
            continue;
        }
        let names = packages.join(", ");
        if !apt::present() {
            bail!("install these packages of Debian's, or what brings the same: {names}");
        }
        println!("==> {names}, unpacked in target/shipping");
        let archive = Archive::of_this_machine(&dir)?;
        if archive.unpack_with_dependencies(packages).is_err() {
            // The lists are missing, or name versions that the mirror no longer has.
            apt::update()?;
            archive.unpack_with_dependencies(packages)?;
        }
        fs::write(complete, "")?;
    }
    Ok(())
}

/// The same for ClickHouse, half a gigabyte.
pub fn ensure_clickhouse() -> Result<()> {
    let python = clickhouse::environment();
    let complete = python.join("complete");
    if complete.exists() {
        return Ok(());
    }
    println!("==> ClickHouse, in target/shipping/python");
    if !apt::installed("python3-venv") {
        apt::install(&["python3-venv"])?;
    }
    Cmd::new("python3 -m venv --clear")
        .arg(python.display().to_string())
        .run()?;
    Cmd::of(&python.join("bin/pip"))
        .args(["install", "--quiet", "--no-deps", CLICKHOUSE])
        .run()?;
    Ok(fs::write(complete, "")?)
}
