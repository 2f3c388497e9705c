//! `cargo xtask fuzz`: looks for input that breaks the parser, the capture
//! reader or the engine, for a while. Needs the nightly toolchain.

use anyhow::{Result, bail};

use crate::build_ebpf;
use crate::process::{Cmd, cargo, find, root};

const TARGETS: [&str; 3] = ["packet", "capture", "engine"];

#[derive(clap::Args)]
pub struct Args {
    /// How long to look in each target
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    seconds: u32,
    /// Where to look: packet, capture, engine; all of them by default
    #[arg(value_parser = TARGETS)]
    targets: Vec<String>,
}

pub fn run(args: &Args) -> Result<()> {
    build_ebpf::ensure()?;
    ensure_cargo_fuzz()?;
    let mut targets: Vec<&str> = args.targets.iter().map(String::as_str).collect();
    if targets.is_empty() {
        targets = TARGETS.to_vec();
    }
    for target in targets {
        println!("==> {target}, for {} s", args.seconds);
        fuzz(target, args.seconds).run()?;
    }
    Ok(())
}

/// What is found new is not committed by itself: it goes to a folder beside the
/// corpus.
fn fuzz(target: &str, seconds: u32) -> Cmd {
    let folder = root().join("tests/fuzz");
    let found = root().join("target/fuzz-corpus").join(target);
    // libFuzzer wants the folder; if it cannot be made, it says so.
    let _ = std::fs::create_dir_all(&found);
    Cmd::new("rustup run nightly cargo fuzz run --sanitizer none --fuzz-dir")
        .arg(folder.display().to_string())
        .arg(target)
        .arg(found.display().to_string())
        .arg(folder.join("corpus").join(target).display().to_string())
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg("-max_len=4096")
}

fn ensure_cargo_fuzz() -> Result<()> {
    let nightly = Cmd::new("rustup run nightly rustc --version").ask();
    if nightly.is_none() {
        bail!("fuzzing needs the nightly toolchain: rustup toolchain install nightly");
    }
    if find("cargo-fuzz").is_some() {
        return Ok(());
    }
    println!("==> cargo-fuzz");
    Cmd::new(&format!("{} install cargo-fuzz", cargo())).run()
}
