//! What a lab test does when it may not make network namespaces.

use anyhow::Result;
use nix::unistd::geteuid;

use crate::lab::Lab;

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
