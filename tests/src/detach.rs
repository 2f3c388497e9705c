//! `nat-acct detach`, as a user would type it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::agent::{binary, parse};
use crate::lab::{Lab, Ns};

/// Ends what lives on in `pin`, of which nothing is left then; the records.
pub fn detach(lab: &Lab, pin: &Path) -> Result<Vec<Value>> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let output = lab.dir().join(format!("detached-{number}.jsonl"));
    let mut command = lab.command(Ns::Gateway, binary()?);
    command.args(["detach", "--pin"]).arg(pin);
    command.arg("--output").arg(&output);
    let done = command.output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{said}");
    ensure!(fs::read_dir(pin)?.next().is_none(), "{said}");
    parse(&fs::read_to_string(output)?)
}
