//! systemd takes the unit of the package, and finds it shut in.

use std::{env, fs, path::PathBuf, process::Command};

use nat_acct::cli::DEFAULT_FILE;

const UNIT: &str = include_str!("../../packaging/nat-acct.service");
/// In tenths. docs/OPERATIONS.md says 2.0; other versions of systemd score otherwise.
const MOST_EXPOSED: &str = "25";

#[test]
fn systemd_takes_it() {
    let unit = Unit::new("verify");
    let done = analyze(&["verify", "--man=no"], &unit);
    assert_eq!(done, (true, String::new()));
}

#[test]
fn it_is_shut_in() {
    let unit = Unit::new("security");
    let threshold = format!("--threshold={MOST_EXPOSED}");
    let (is_shut_in, text) = analyze(
        &["security", "--offline=yes", "--no-pager", &threshold],
        &unit,
    );
    assert!(is_shut_in, "{text}");
}

#[test]
fn it_reads_the_file_that_the_package_brings() {
    let start = format!("ExecStart=/usr/bin/nat-acct run --config {DEFAULT_FILE}\n");
    assert!(UNIT.contains(&start));
}

/// The unit with a program that is there.
struct Unit {
    dir: PathBuf,
    file: PathBuf,
}

impl Unit {
    fn new(test: &str) -> Self {
        let dir = env::temp_dir().join(format!("nat-acct-unit-{test}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a directory");
        let file = dir.join("nat-acct.service");
        let text = UNIT.replace("/usr/bin/nat-acct", env!("CARGO_BIN_EXE_nat-acct"));
        fs::write(&file, text).expect("a file");
        Self { dir, file }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Whether it was content, and all that it said.
fn analyze(args: &[&str], unit: &Unit) -> (bool, String) {
    let done = Command::new("systemd-analyze")
        .args(args)
        .arg(&unit.file)
        .output();
    let done = done.expect("systemd-analyze, of Debian's package systemd");
    let said = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}
