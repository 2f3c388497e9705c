//! A virtual machine that boots a kernel, runs a script and is gone. It has no network card, and of
//! the host's files it can change only those in the shared directory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::initramfs::{self, Init};
use super::kernel::Kernel;
use super::programs::Programs;
use crate::process::Cmd;

/// Lines of the kernel's own output that are shown when something went wrong.
const LAST_LINES: usize = 20;

const INIT: Init = Init {
    script: include_str!("init.sh"),
    modules: &["virtio_pci", "9pnet_virtio", "9p", "overlay"],
};

/// What is needed to start it.
pub struct Machine<'a> {
    pub programs: &'a Programs,
    pub kernel: &'a Kernel,
    /// For the initramfs and the kernel's messages.
    pub dir: &'a Path,
    /// The shared directory: `/run/vm` inside, with the script `run.sh`.
    pub share: &'a Path,
}

impl Machine<'_> {
    /// Boots, and passes on each line that the script writes, until the script has ended the
    /// machine. After `limit` the machine is ended in any case.
    pub fn run(&self, limit: Duration, line: impl FnMut(&str)) -> Result<()> {
        let initramfs = initramfs::make(self.dir, &INIT, self.kernel, self.programs)?;
        let qemu = qemu(self.programs)?
            .arg("-no-reboot")
            .arg("-kernel")
            .arg(self.kernel.image.display().to_string())
            .arg("-initrd")
            .arg(initramfs.display().to_string())
            .arg("-append")
            .arg(self.command_line())
            .arg("-serial")
            .arg(format!("file:{}", self.console().display()))
            .args(["-serial", "stdio"]);
        let qemu = shared(qemu, "host", Path::new("/"), ",readonly=on");
        let qemu = shared(qemu, "share", self.share, "");
        run(&qemu, limit, line).with_context(|| self.last_messages())
    }

    /// The end of what the kernel wrote to its console.
    pub fn last_messages(&self) -> String {
        let text = fs::read(self.console()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        format!("the kernel's last messages:\n{}", last.join("\n"))
    }

    /// What the kernel does not know it gives to the first process as its environment. A panic ends
    /// the machine.
    fn command_line(&self) -> String {
        format!(
            "console=ttyS0 quiet panic=-1 MODULES={}",
            self.kernel.modules.display()
        )
    }

    fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }
}

/// QEMU with the processors and the memory of a machine that has nothing else yet.
pub fn qemu(programs: &Programs) -> Result<Cmd> {
    Ok(programs
        .qemu()?
        .args(["-accel", accelerator(), "-cpu", "max"])
        .args(["-smp", "2", "-m", "1536M"])
        .args(["-nodefaults", "-no-user-config", "-display", "none"]))
}

/// Runs it until it ends, and passes on each line of its standard output. After `limit` it is ended
/// in any case.
pub fn run(qemu: &Cmd, limit: Duration, mut line: impl FnMut(&str)) -> Result<()> {
    let qemu = qemu
        .command()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut qemu = Ended(qemu.context("cannot run QEMU")?);
    let output = qemu.0.stdout.take().context("no pipe")?;
    let (lines, received) = channel();
    std::thread::spawn(move || {
        let whole = BufReader::new(output).lines().map_while(Result::ok);
        whole.for_each(|line| drop(lines.send(line)));
    });
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match received.recv_timeout(left) {
            Ok(text) => line(text.trim_end()),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => bail!("not done after {limit:?}"),
        }
    }
    let status = qemu.0.wait()?;
    ensure!(status.success(), "QEMU failed ({status})");
    Ok(())
}

/// A directory of the host as a 9p device.
fn shared(qemu: Cmd, tag: &str, path: &Path, options: &str) -> Cmd {
    qemu.arg("-fsdev")
        .arg(format!(
            "local,id={tag},path={},security_model=none,multidevs=remap{options}",
            path.display()
        ))
        .arg("-device")
        .arg(format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"))
}

/// KVM only where the processor offers it: the device can be there without.
fn accelerator() -> &'static str {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let offers = |line: &str| {
        line.starts_with("flags") && line.split(' ').any(|flag| flag == "svm" || flag == "vmx")
    };
    if Path::new("/dev/kvm").exists() && processor.lines().any(offers) {
        "kvm"
    } else {
        "tcg"
    }
}

/// Ends the process that was started, and no other.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
