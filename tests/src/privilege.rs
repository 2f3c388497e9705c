//! What a lab test does when it may not make network namespaces; and an agent
//! that may do next to nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use nix::unistd::geteuid;

use crate::agent::{Agent, binary};
use crate::lab::{INSIDE, Lab, Ns, OUTSIDE, output};

/// Debian's nobody and nogroup.
pub const NOBODY: u32 = 65534;

/// Whether this process may make a lab. If not, says on standard error that
/// the test is skipped and why, and the test returns at once:
///
/// ```no_run
/// # use nat_acct_tests::require_root;
/// if !require_root() {
///     return;
/// }
/// ```
///
/// # Panics
///
/// Where `CI=true` a lab test must run, so there the lack of root is a failure.
#[must_use]
pub fn require_root() -> bool {
    if is_root() {
        return true;
    }
    let test = std::thread::current();
    let test = test.name().unwrap_or("lab test");
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test}: a lab test needs root, and under CI=true it must not be skipped"
    );
    eprintln!("{test}: SKIPPED, network namespaces and eBPF need root");
    false
}

/// Runs a test in a lab of its own, or says that it is skipped.
///
/// # Panics
///
/// As [`require_root`].
pub fn in_a_lab(test: impl FnOnce(&Lab) -> Result<()>) -> Result<()> {
    if !require_root() {
        return Ok(());
    }
    test(&Lab::up()?)
}

/// Whether this process runs as root.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Starts the agent as nobody, with these capabilities and no way to get others,
/// and does not wait. Its file of records is in a directory where it may make others.
pub fn as_nobody(lab: &Lab, capabilities: &[&str]) -> Result<Agent> {
    let binary = binary_for_all(lab)?;
    fs::set_permissions(lab.dir(), fs::Permissions::from_mode(0o777))?;
    let only: String = capabilities
        .iter()
        .flat_map(|capability| [",+", capability])
        .collect();
    let mut setpriv = lab.command(Ns::Gateway, "setpriv");
    setpriv
        .args(["--reuid", &NOBODY.to_string()])
        .args(["--regid", &NOBODY.to_string(), "--clear-groups"])
        .arg(format!("--inh-caps=-all{only}"))
        .arg(format!("--ambient-caps=-all{only}"))
        .arg(format!("--bounding-set=-all{only}"))
        .arg("--no-new-privs")
        .arg(binary)
        .args(["run", "--inside", INSIDE, "--outside", OUTSIDE]);
    Agent::spawn_command(lab, setpriv)
}

/// Starts the agent with this configuration file and the rights that its service has: root with no
/// other capabilities than loading takes; waits until it has attached.
pub fn as_the_service(lab: &Lab, config: &Path) -> Result<Agent> {
    let mut setpriv = lab.command(Ns::Gateway, "setpriv");
    setpriv
        .args(["--inh-caps=-all", "--no-new-privs"])
        .arg("--bounding-set=-all,+bpf,+net_admin,+perfmon")
        .arg(binary()?)
        .args(["run", "--config"])
        .arg(config);
    let mut agent = Agent::spawn_command(lab, setpriv)?;
    agent.wait_attached()?;
    Ok(agent)
}

/// A copy of the agent that nobody can run, wherever it was built. A file that this process had open
/// for writing could be open yet in a child of another thread, and could not be run then.
fn binary_for_all(lab: &Lab) -> Result<PathBuf> {
    let copy = lab.dir().join("nat-acct");
    output(Command::new("cp").arg(binary()?).arg(&copy))?;
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
    Ok(copy)
}
