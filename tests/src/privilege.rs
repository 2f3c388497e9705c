//! What a lab test does when it may not make network namespaces.

use nix::unistd::geteuid;

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

/// Whether this process runs as root.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}
