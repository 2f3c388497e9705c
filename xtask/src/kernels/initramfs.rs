//! The initramfs: busybox, the modules without which the host's files cannot be reached, and a
//! script.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::kernel::Kernel;
use super::programs::Programs;
use crate::process::Cmd;

/// What the first process does, and the modules that it needs. Those that a kernel has built in are
/// not among its modules.
pub struct Init {
    pub script: &'static str,
    pub modules: &'static [&'static str],
}

/// Makes it in `dir`; returns the file.
pub fn make(dir: &Path, init: &Init, kernel: &Kernel, programs: &Programs) -> Result<PathBuf> {
    let tree = dir.join("initramfs");
    let _ = fs::remove_dir_all(&tree);
    for part in ["bin", "dev", "modules"] {
        fs::create_dir_all(tree.join(part))?;
    }
    let script = tree.join("init");
    fs::write(&script, init.script)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    fs::copy(programs.busybox()?, tree.join("bin/busybox"))?;
    copy_modules(kernel, init.modules, &tree.join("modules"))?;
    let archive = dir.join("initramfs.cpio");
    let script = format!(
        "find . | bin/busybox cpio -o -H newc >'{}'",
        archive.display()
    );
    let pack = Cmd::new("sh -c").arg(script).within(tree);
    pack.ask().with_context(|| format!("`{pack}` failed"))?;
    Ok(archive)
}

/// Copies the modules, so named that their order is the one in which they can be loaded.
fn copy_modules(kernel: &Kernel, wanted: &[&str], to: &Path) -> Result<()> {
    let modules = kernel.modules.join(&kernel.release);
    let list = modules.join("modules.dep");
    let list = fs::read_to_string(&list).with_context(|| format!("no {}", list.display()))?;
    for (place, module) in in_order(&list, wanted).iter().enumerate() {
        fs::copy(modules.join(module), to.join(format!("{place:02}")))
            .with_context(|| format!("no module {module}"))?;
    }
    Ok(())
}

/// The modules and what they need, each after what it needs itself.
fn in_order<'a>(list: &'a str, wanted: &[&str]) -> Vec<&'a str> {
    let mut order = Vec::new();
    for name in wanted {
        if let Some((path, _)) = lines(list).find(|(path, _)| name_of(path) == *name) {
            add(path, list, &mut order);
        }
    }
    order
}

fn add<'a>(path: &'a str, list: &'a str, order: &mut Vec<&'a str>) {
    if order.contains(&path) {
        return;
    }
    let needs = lines(list).find(|(of, _)| *of == path);
    for need in needs
        .into_iter()
        .flat_map(|(_, needs)| needs.split_whitespace())
    {
        add(need, list, order);
    }
    order.push(path);
}

/// Lines `kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko …`.
fn lines(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| line.split_once(':'))
}

fn name_of(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn a_module_comes_after_what_it_needs() {
        let list = "\
            a/9p.ko.xz: a/9pnet.ko.xz a/netfs.ko.xz\n\
            a/9pnet.ko.xz: a/netfs.ko.xz\n\
            a/9pnet_virtio.ko.xz: a/9pnet.ko.xz\n\
            a/netfs.ko.xz:\n\
            a/other.ko.xz:\n";
        let order = [
            "a/netfs.ko.xz",
            "a/9pnet.ko.xz",
            "a/9pnet_virtio.ko.xz",
            "a/9p.ko.xz",
        ];
        assert_eq!(in_order(list, &["9pnet_virtio", "9p"]), order);
    }
}
