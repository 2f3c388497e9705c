//! What is there before any program runs: a lab, and the agent's binary.

use std::path::PathBuf;

use anyhow::Result;
use nat_acct_tests::Lab;

use crate::{agent, build_ebpf, lab, tools};

pub fn set_up() -> Result<(Lab, PathBuf)> {
    lab::require_root()?;
    tools::ensure()?;
    build_ebpf::ensure()?;
    let agent = agent::build()?;
    Ok((Lab::up()?, agent))
}
