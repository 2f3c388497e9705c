//! A program that runs beside the test and ends with its guard. Only the child
//! that was started is ever signalled.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::{PATIENCE, wait_until};

/// How long a program may take to end after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// A running program. Dropping it ends the program.
pub struct Background {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    killed_on_drop: bool,
}

impl Background {
    /// Starts a command; what it says goes to `<dir>/<name>.out` and `.err`.
    pub fn start(command: Command, dir: &Path, name: &str) -> Result<Self> {
        let stdout = File::create(dir.join(format!("{name}.out")))?;
        Self::start_into(command, stdout, dir, name)
    }

    /// The same with a standard output that is not kept.
    pub fn start_into(
        mut command: Command,
        stdout: impl Into<Stdio>,
        dir: &Path,
        name: &str,
    ) -> Result<Self> {
        let stderr = dir.join(format!("{name}.err"));
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(File::create(&stderr)?)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self {
            child,
            stdout: dir.join(format!("{name}.out")),
            stderr,
            killed_on_drop: true,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// Its standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// Its exit status, if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Sends a signal. The child cannot have been replaced by another process:
    /// its id stays taken until it is waited for.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.ended()?.is_none() {
            kill(Pid::from_raw(self.child.id().cast_signed()), signal)?;
        }
        Ok(())
    }

    /// Waits for its end.
    pub fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let what = format!("the end of process {}", self.pid());
        wait_until(deadline, &what, || self.ended())
    }

    /// SIGTERM, by which it must end, and its exit status.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.wait(PATIENCE)
    }

    /// SIGTERM, and SIGKILL when that does not end it.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.wait(GRACE).or_else(|_| {
            self.child.kill()?;
            Ok(self.child.wait()?)
        })
    }

    /// Ends the guard without ending the program, which ends with its lab.
    pub fn leave_running(mut self) {
        self.killed_on_drop = false;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.killed_on_drop {
            let _ = self.stop();
        }
    }
}

fn read(path: &Path) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
