//! The Debian packages of the programs that are measured beside ours. Whatever cannot be installed
//! is missing in the table, and nothing else is wrong.

use anyhow::Result;
use nat_acct_tests::privilege::is_root;

use crate::apt;
use crate::process::{Cmd, find};

/// Installs packages whose program is missing, where that is possible; none starts a service.
pub fn install(programs: &[(&str, &str)]) {
    let missing = |&&(program, _): &&(&str, &str)| find(program).is_none();
    for (program, package) in programs.iter().filter(missing) {
        println!("==> {program} is missing");
        if let Err(error) = try_install(package) {
            println!("    not measured: {error:#}");
        }
    }
}

fn try_install(package: &str) -> Result<()> {
    anyhow::ensure!(
        is_root() && apt::present(),
        "on Debian: sudo {}",
        apt::install_command([package])
    );
    apt::install(&[package])
}

/// The version of a package.
pub fn version(package: &str) -> Option<String> {
    let version = Cmd::new("dpkg-query -W -f=${Version}").arg(package).ask()?;
    (!version.is_empty()).then_some(version)
}
