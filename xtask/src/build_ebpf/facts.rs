//! What this machine has for building the kernel programs. Looks, and changes
//! nothing.

use std::path::Path;

use nat_acct_tests::privilege::is_root;

use crate::apt;
use crate::process::{Cmd, cargo_bin, find};

/// The compiler of Debian's packages.
pub const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// The cargo of Debian's packages.
pub const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// The target of the kernel programs.
pub const TARGET: &str = "bpfel-unknown-none";

/// A compiler's version, major and minor.
pub type Version = (u32, u32);

/// All that the choice depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub root: bool,
    pub apt: bool,
    /// Whether apt knows packages at all.
    pub apt_lists: bool,
    /// The version of the compiler that apt would install.
    pub apt_rustc: Option<Version>,
    pub debian: Option<Compiler>,
    pub debian_cargo: bool,
    pub rustup: bool,
    pub nightly: Option<Compiler>,
    pub linker: Linker,
    /// The LLVM versions whose development packages are complete.
    pub llvm_dev: Vec<u32>,
}

/// A compiler that could make the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compiler {
    pub version: Version,
    pub llvm: u32,
    /// Whether `core` for the target is there: ready-made, or as source.
    pub core: bool,
}

/// The bpf-linker on the PATH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linker {
    #[default]
    Missing,
    /// Made with this LLVM.
    With(u32),
    /// It does not tell, as a ready-made static one does not.
    Untold,
}

pub fn gather() -> Facts {
    let debian = compiler(&Cmd::new(DEBIAN_RUSTC), ready_made_core);
    let nightly = find("rustup").and_then(|_| compiler(&nightly_rustc(), core_source));
    let llvms = [debian, nightly]
        .into_iter()
        .flatten()
        .map(|compiler| compiler.llvm);
    let mut llvm_dev: Vec<_> = llvms.filter(|llvm| has_llvm_dev(*llvm)).collect();
    llvm_dev.dedup();
    Facts {
        root: is_root(),
        apt: apt::present(),
        apt_lists: apt::lists_present(),
        apt_rustc: apt::candidate("rustc-web").as_deref().and_then(version),
        debian,
        debian_cargo: Path::new(DEBIAN_CARGO).exists(),
        rustup: find("rustup").is_some(),
        nightly,
        linker: linker(),
        llvm_dev,
    }
}

/// Asks again: the answer changes when the compiler has been installed.
pub fn debian_llvm() -> Option<u32> {
    Some(compiler(&Cmd::new(DEBIAN_RUSTC), |_| false)?.llvm)
}

/// Asks again, as above.
pub fn nightly_llvm() -> Option<u32> {
    Some(compiler(&nightly_rustc(), |_| false)?.llvm)
}

fn nightly_rustc() -> Cmd {
    // rustup asked to run a toolchain that is not there must not fetch it.
    Cmd::new("rustup run nightly rustc").env("RUSTUP_AUTO_INSTALL", "0")
}

fn compiler(rustc: &Cmd, has_core: impl Fn(&Cmd) -> bool) -> Option<Compiler> {
    let text = rustc.clone().arg("-vV").ask()?;
    let (version, llvm) = parse(&text)?;
    Some(Compiler {
        version,
        llvm,
        core: has_core(rustc),
    })
}

fn ready_made_core(rustc: &Cmd) -> bool {
    let asked = rustc
        .clone()
        .args(["--print", "target-libdir", "--target", TARGET]);
    let Some(dir) = asked.ask() else { return false };
    std::fs::read_dir(dir.trim()).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

fn core_source(rustc: &Cmd) -> bool {
    let sysroot = rustc.clone().args(["--print", "sysroot"]).ask();
    let source = "lib/rustlib/src/rust/library/core/src/lib.rs";
    sysroot.is_some_and(|sysroot| Path::new(sysroot.trim()).join(source).exists())
}

fn has_llvm_dev(llvm: u32) -> bool {
    Path::new(&format!("/usr/lib/llvm-{llvm}/bin/llvm-config")).exists()
        && apt::installed(&format!("libpolly-{llvm}-dev"))
}

/// `bpf-linker --version` names no LLVM, so look at what it is linked with.
fn linker() -> Linker {
    let Some(path) = find("bpf-linker").or_else(in_cargo_home) else {
        return Linker::Missing;
    };
    let path = path.display().to_string();
    if Cmd::new(&path).arg("--version").ask().is_none() {
        // As when the library it is linked with has gone.
        return Linker::Missing;
    }
    let libraries = Cmd::new("ldd").arg(path).ask().unwrap_or_default();
    linked_llvm(&libraries).map_or(Linker::Untold, Linker::With)
}

/// Where `cargo install` puts it, which need not be on the PATH.
fn in_cargo_home() -> Option<std::path::PathBuf> {
    let path = cargo_bin().join("bpf-linker");
    path.exists().then_some(path)
}

/// The `22` of `libLLVM.so.22.1` and of `libLLVM-22.so`.
fn linked_llvm(libraries: &str) -> Option<u32> {
    let (_, name) = libraries.split_once("libLLVM")?;
    let digits = name.trim_start_matches(['.', 's', 'o', '-']);
    digits
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Version and LLVM's major out of `rustc -vV`.
fn parse(text: &str) -> Option<(Version, u32)> {
    let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let llvm = field("LLVM version: ")?.split('.').next()?.parse().ok()?;
    Some((version(field("release: ")?)?, llvm))
}

/// `1.96.0+dfsg1-1~deb12u2` is 1.96.
fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split(['.', '-', '+', '~']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustc_names_its_llvm() {
        let text = "rustc 1.96.0\nbinary: rustc\nrelease: 1.96.0\nLLVM version: 22.1.8\n";
        assert_eq!(parse(text), Some(((1, 96), 22)));
        assert_eq!(version("1.96.0+dfsg1-1~deb12u2"), Some((1, 96)));
        assert_eq!(version("1.97.0-nightly"), Some((1, 97)));
    }

    #[test]
    fn a_linker_is_linked_with_its_llvm() {
        assert_eq!(
            linked_llvm("\tlibLLVM.so.22.1 => /usr/lib/llvm-22/lib/libLLVM.so.22.1"),
            Some(22)
        );
        assert_eq!(
            linked_llvm("\tlibLLVM-17.so.1 => /usr/lib/libLLVM-17.so.1"),
            Some(17)
        );
        assert_eq!(linked_llvm("\tlibc.so.6 => /lib/libc.so.6"), None);
    }
}
