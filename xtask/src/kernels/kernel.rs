//! The kernel of a suite: downloaded, unpacked, and kept until somebody removes it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::programs::Programs;
use crate::archive::Archive;
use crate::process::Cmd;
use crate::suite::Suite;

/// The plain flavour: the one for clouds has no 9p.
const PACKAGE: &str = "linux-image-amd64";

/// An unpacked kernel.
pub struct Kernel {
    /// What `uname -r` will say.
    pub release: String,
    /// What is booted.
    pub image: PathBuf,
    /// The directory that belongs at `/lib/modules`.
    pub modules: PathBuf,
}

/// The suite's kernel below `dir`, from the mirror if it is not there yet.
pub fn ensure(dir: &Path, suite: Suite, programs: &Programs) -> Result<Kernel> {
    let complete = dir.join("complete");
    if !complete.exists() {
        println!("==> the kernel of {suite}");
        let archive = Archive::of_suite(dir, suite)?;
        let mut packages = archive.with_dependencies(PACKAGE)?;
        packages.retain(|package| is_part_of_a_kernel(package));
        let root = archive.unpack(&packages)?;
        list_modules(&find(&root)?, &root, programs)?;
        fs::write(complete, "")?;
    }
    find(&dir.join("root"))
}

/// `linux-image-6.1.0-50-amd64`, and where that only depends on other packages,
/// `linux-binary-…`, `linux-modules-…`, `linux-base-…`.
fn is_part_of_a_kernel(package: &str) -> bool {
    let name = package
        .strip_prefix("linux-")
        .and_then(|name| name.strip_suffix("-amd64"));
    let version = name.and_then(|name| name.split_once('-'));
    version.is_some_and(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()))
}

fn find(root: &Path) -> Result<Kernel> {
    let modules = ["usr/lib/modules", "lib/modules"].map(|dir| root.join(dir));
    let modules = modules.into_iter().find(|dir| dir.is_dir());
    let modules = modules.with_context(|| format!("no modules in {}", root.display()))?;
    let release = fs::read_dir(&modules)?
        .next()
        .context("no modules of any kernel")??
        .file_name()
        .into_string()
        .ok()
        .context("the kernel's release is no text")?;
    let images = [
        root.join(format!("boot/vmlinuz-{release}")),
        modules.join(&release).join("vmlinuz"),
    ];
    let image = images.into_iter().find(|file| file.is_file());
    let image = image.with_context(|| format!("no vmlinuz in {}", root.display()))?;
    Ok(Kernel {
        release,
        image,
        modules,
    })
}

/// Writes what modprobe reads.
fn list_modules(kernel: &Kernel, root: &Path, programs: &Programs) -> Result<()> {
    let lib = root.join("lib");
    if !lib.exists() {
        symlink("usr/lib", lib)?;
    }
    Cmd::of(&programs.busybox()?)
        .args(["depmod", "-b"])
        .arg(root.display().to_string())
        .arg(&kernel.release)
        .run()
}

#[cfg(test)]
mod tests {
    use super::is_part_of_a_kernel;

    #[test]
    fn the_parts_of_a_kernel_have_its_version_in_their_names() {
        for part in [
            "linux-image-5.10.0-32-amd64",
            "linux-modules-7.3.4+deb13-amd64",
        ] {
            assert!(is_part_of_a_kernel(part), "{part}");
        }
        for other in ["linux-image-amd64", "linux-base", "initramfs-tools"] {
            assert!(!is_part_of_a_kernel(other), "{other}");
        }
    }
}
