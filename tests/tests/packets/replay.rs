//! The cases from captures, by the agent's command `replay`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nat_acct_common::layout::Cause;
use nat_acct_tests::agent;
use nat_acct_tests::cases::{self, Case, Outcome};
use nat_acct_tests::shapes::Way;

use crate::capture::Capture;
use crate::verdict::Verdicts;

/// As long as super-packets get (kernel: include/linux/netdevice.h, GSO_MAX_SIZE).
const LARGEST_FRAME: usize = 500_000;

#[test]
fn replay_agrees_with_the_table() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("nat-acct-packets-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let mut verdicts = Verdicts::new(Way::Replay);
    for case in cases::all(Way::Replay, LARGEST_FRAME) {
        let outcome = show(&case, &dir.join("case.pcapng"));
        verdicts.add(&case, &outcome.with_context(|| case.name)?);
    }
    std::fs::remove_dir_all(&dir)?;
    verdicts.end();
    Ok(())
}

fn show(case: &Case, file: &Path) -> Result<Outcome> {
    let mut capture = Capture::new(BufWriter::new(File::create(file)?))?;
    capture.case(case)?;
    capture.end()?;
    let mut command = Command::new(agent::binary()?);
    command.arg("replay").arg(file);
    command.args(["--inside", "br0", "--outside", "eth1"]);
    if let Some(mtu) = case.mtu {
        command.args(["--mtu", &mtu.to_string()]);
    }
    let done = command.output()?;
    let said = String::from_utf8(done.stderr)?;
    ensure!(done.status.success(), "{said}");
    let records = String::from_utf8(done.stdout)?;
    let lines = records.lines().map(serde_json::from_str);
    Outcome::new(&lines.collect::<Result<Vec<_>, _>>()?, ignored(&said)?)
}

/// From the summary: `… packets read; ignored: not_ip 2, stray 1`.
fn ignored(said: &str) -> Result<BTreeMap<Cause, u64>> {
    let Some((_, list)) = said.split_once("; ignored: ") else {
        return Ok(BTreeMap::new());
    };
    let list = list.lines().next().unwrap_or_default();
    let counted = list.split(", ").map(|one| {
        let (name, packets) = one.split_once(' ').context("a name and a number")?;
        let cause = Cause::ALL.into_iter().find(|cause| cause.name() == name);
        Ok((cause.with_context(|| name.to_owned())?, packets.parse()?))
    });
    counted.collect()
}
