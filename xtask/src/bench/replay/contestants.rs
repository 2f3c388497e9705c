//! Who takes part: a program, how it is run, and what it reads. Ours are here, and the floor below
//! all of them.

use std::path::{Path, PathBuf};

use super::inputs::Inputs;
use crate::bench::traffic::{Captures, Sums};
use crate::process::Cmd;

pub struct Contestant {
    pub name: &'static str,
    /// That of Debian; ours is in none.
    pub package: Option<&'static str>,
    /// `None` if the program is missing.
    pub cmd: Option<Cmd>,
    /// Of all captures that it reads.
    pub packets: u64,
    /// What is removed before each run.
    pub writes: Option<PathBuf>,
    pub role: Role,
    /// What it does, for the page.
    pub remark: &'static str,
}

pub enum Role {
    /// Its records have to add up to this.
    Ours(Sums),
    /// It is compared with the one of ours that has this name.
    Beside(&'static str),
}

pub const USUAL: &str = "nat-acct replay";
pub const LONGER: &str = "nat-acct replay, longer";
pub const WHOLE: &str = "nat-acct replay, whole packets";

/// Ours, and the floor.
pub fn ours(agent: &Path, inputs: &Inputs, scratch: &Path) -> Vec<Contestant> {
    let replay = |name, captures, remark| nat_acct(name, agent, captures, scratch, remark);
    vec![
        cat(&inputs.usual),
        replay(USUAL, &inputs.usual, "both captures to records in JSON"),
        replay(LONGER, &inputs.longer, "the same with longer captures"),
        replay(
            WHOLE,
            &inputs.whole,
            "the same with captures of whole packets",
        ),
    ]
}

/// What every program has to do at least.
fn cat(captures: &Captures) -> Contestant {
    let cmd = Cmd::new("cat").args([&*path(&captures.inside), &path(&captures.outside)]);
    Contestant {
        name: "cat",
        package: Some("coreutils"),
        cmd: Some(cmd),
        packets: captures.packets(),
        writes: None,
        role: Role::Beside(USUAL),
        remark: "reads both captures and does nothing: the floor",
    }
}

fn nat_acct(
    name: &'static str,
    agent: &Path,
    captures: &Captures,
    scratch: &Path,
    remark: &'static str,
) -> Contestant {
    let writes = scratch.join("records.json");
    let cmd = Cmd {
        program: path(agent),
        ..Cmd::default()
    };
    let cmd = cmd
        .arg("replay")
        .args(["--inside", &path(&captures.inside)])
        .args(["--outside", &path(&captures.outside)])
        .args(["--output", &path(&writes)]);
    Contestant {
        name,
        package: None,
        cmd: Some(cmd),
        packets: captures.packets(),
        writes: Some(writes),
        role: Role::Ours(captures.truth),
        remark,
    }
}

/// For a command line.
pub fn path(path: &Path) -> String {
    path.display().to_string()
}
