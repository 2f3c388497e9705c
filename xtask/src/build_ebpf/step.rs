//! The steps of both routes: what each is for, the command line it stands for,
//! and carrying it out.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::facts::{self, DEBIAN_CARGO, DEBIAN_RUSTC, Facts, TARGET};
use super::route::Route;
use crate::apt;
use crate::process::{Cmd, cargo_bin, find};

/// The linker's version that was tried.
const LINKER_VERSION: &str = "0.13.0";
const COMPILER_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "libstd-rust-web-dev-bpf"];

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Debian's compiler with `core` for the target.
    InstallCompiler,
    /// LLVM's development files, to make the linker with.
    InstallLlvm,
    /// rustup's nightly with the source of `core`.
    AddNightly,
    /// bpf-linker, made with the LLVM of the compiler.
    InstallLinker,
    /// The object.
    Build,
}

impl Step {
    /// What it is for.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::InstallCompiler => "a compiler with core for eBPF, from Debian",
            Self::InstallLlvm => "the LLVM of that compiler",
            Self::AddNightly => "a nightly compiler with the source of core, from rustup",
            Self::InstallLinker => "bpf-linker for the LLVM of that compiler (about a minute)",
            Self::Build => "the kernel programs",
        }
    }

    /// Does it.
    pub fn run(self, route: Route, facts: &Facts) -> Result<()> {
        // A step before this one may have brought the compiler.
        let llvm = llvm_now(route).map(|llvm| llvm.to_string());
        let llvm = || {
            llvm.clone()
                .context("the compiler does not tell its LLVM version")
        };
        match self {
            Self::InstallCompiler => apt::install(&COMPILER_PACKAGES),
            Self::InstallLlvm => {
                let packages = llvm_packages(&llvm()?);
                apt::install(&packages.each_ref().map(String::as_str))
            }
            Self::AddNightly => add_nightly().run(),
            Self::InstallLinker => {
                let llvm = llvm()?;
                let prefix = PathBuf::from(format!("/usr/lib/llvm-{llvm}")).exists();
                install_linker(&llvm, prefix)
                    .run()
                    .with_context(|| no_linker(route, facts))
            }
            Self::Build => with_linker_on_path(build(route, &[])).run(),
        }
    }

    /// The command line that a person would type.
    pub fn shown(self, route: Route, facts: &Facts) -> String {
        let known = match route {
            Route::Debian => facts.debian,
            Route::Rustup => facts.nightly,
        };
        let llvm = known.map_or("N".to_owned(), |compiler| compiler.llvm.to_string());
        let note = if known.is_none() && matches!(self, Self::InstallLlvm | Self::InstallLinker) {
            match route {
                Route::Debian => "   # N: the LLVM version that `/usr/bin/rustc -vV` names",
                Route::Rustup => "   # N: the LLVM version that `rustc +nightly -vV` names",
            }
        } else {
            ""
        };
        let sudo = if facts.root { "" } else { "sudo " };
        let command = match self {
            Self::InstallCompiler => format!("{sudo}{}", apt::install_command(COMPILER_PACKAGES)),
            Self::InstallLlvm => {
                let packages = llvm_packages(&llvm);
                format!(
                    "{sudo}{}",
                    apt::install_command(packages.iter().map(String::as_str))
                )
            }
            Self::AddNightly => add_nightly().to_string(),
            Self::InstallLinker => install_linker(&llvm, route == Route::Debian).to_string(),
            Self::Build => build(route, &[]).to_string(),
        };
        command + note
    }
}

fn llvm_now(route: Route) -> Option<u32> {
    match route {
        Route::Debian => facts::debian_llvm(),
        Route::Rustup => facts::nightly_llvm(),
    }
}

fn llvm_packages(llvm: &str) -> [String; 2] {
    [format!("llvm-{llvm}-dev"), format!("libpolly-{llvm}-dev")]
}

fn add_nightly() -> Cmd {
    Cmd::new("rustup toolchain install nightly --profile minimal --component rust-src")
}

fn install_linker(llvm: &str, prefix: bool) -> Cmd {
    let cmd = Cmd::new("cargo install bpf-linker --force --no-default-features").args([
        "--version",
        LINKER_VERSION,
        "--features",
        &format!("llvm-{llvm}"),
    ]);
    // Without it the link of bpf-linker looks for another LLVM.
    if prefix {
        cmd.env("LLVM_PREFIX", format!("/usr/lib/llvm-{llvm}"))
    } else {
        cmd
    }
}

fn no_linker(route: Route, facts: &Facts) -> String {
    let packages = match (route, facts.apt) {
        (Route::Rustup, true) => "install llvm-N-dev and libpolly-N-dev of its LLVM version, or ",
        (Route::Rustup, false) | (Route::Debian, _) => "",
    };
    format!("to build it failed; {packages}get a ready-made one by `cargo binstall bpf-linker`")
}

/// Builds the programs that a benchmark runs beside the agent's.
pub fn build_for_bench(route: Route) -> Cmd {
    with_linker_on_path(build(
        route,
        &["--features", "bench", "--bin", "nat-acct-bench"],
    ))
}

fn build(route: Route, what: &[&str]) -> Cmd {
    let cmd = match route {
        Route::Debian => Cmd::new(DEBIAN_CARGO)
            .env("RUSTC", DEBIAN_RUSTC)
            // Unlocks the few unstable features that eBPF needs in a release.
            .env("RUSTC_BOOTSTRAP", "1"),
        Route::Rustup => Cmd::new("cargo +nightly"),
    };
    let cmd = cmd.args([
        "build",
        "--release",
        "-p",
        "nat-acct-ebpf",
        "--target",
        TARGET,
    ]);
    let cmd = cmd
        // bpf-linker does that, and knows what a program may look like.
        .env("CARGO_PROFILE_RELEASE_LTO", "false")
        .args(["--target-dir", "target/ebpf"])
        .args(what.iter().copied());
    match route {
        Route::Debian => cmd,
        Route::Rustup => cmd.args(["-Z", "build-std=core"]),
    }
}

/// `cargo install` may have put it where no PATH leads.
fn with_linker_on_path(cmd: Cmd) -> Cmd {
    if find("bpf-linker").is_some() {
        return cmd;
    }
    let path = std::env::var("PATH").unwrap_or_default();
    cmd.env("PATH", format!("{}:{path}", cargo_bin().display()))
}
