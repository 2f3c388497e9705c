//! socat as a server that reads until its client has shut down writing, and
//! only then answers.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::lab::{Background, Lab, Ns};
use crate::traffic::payload;
use crate::wait::{PATIENCE, wait_until};

/// A running socat that answers half-closed connections.
pub struct HalfClose {
    server: Background,
    dir: PathBuf,
    /// Bytes of each answer.
    pub answer_bytes: u64,
}

impl HalfClose {
    /// Where it listens.
    pub const PORT: u16 = 7777;

    /// Starts socat in the remote.
    pub fn start(lab: &Lab, answer_bytes: u64) -> Result<Self> {
        let dir = lab.dir().join("socat");
        fs::create_dir_all(&dir)?;
        fs::write(dir.join("answer"), payload(answer_bytes))?;
        let script = dir.join("script");
        fs::write(&script, script_text(&dir.display().to_string()))?;
        let mut command = lab.command(Ns::Remote, "socat");
        // -t: how long one direction may outlive the other.
        command
            .args(["-t", "60"])
            .arg(format!(
                "TCP6-LISTEN:{},ipv6only=0,fork,reuseaddr,backlog=128",
                Self::PORT
            ))
            .arg(format!("EXEC:/bin/sh {}", script.display()));
        let server = Background::start(command, &dir, "socat")?;
        lab.wait_listening(Ns::Remote, Self::PORT)
            .with_context(|| format!("socat says: {}", server.stderr()))?;
        Ok(Self {
            server,
            dir,
            answer_bytes,
        })
    }

    /// Waits until the server has read this client's bytes (their tag is what
    /// they begin with); returns the translated port and their number.
    pub fn wait_for_request(&self, tag: &[u8]) -> Result<(u16, u64)> {
        wait_until(PATIENCE, "socat's file of what it got", || {
            self.request(tag)
        })
    }

    /// Leaves socat to its lab.
    pub fn leave_running(self) {
        self.server.leave_running();
    }

    fn request(&self, tag: &[u8]) -> Result<Option<(u16, u64)>> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let Some(port) = name.strip_prefix("got.") else {
                continue;
            };
            let bytes = fs::read(&path)?;
            if bytes.starts_with(tag) {
                return Ok(Some((port.parse()?, bytes.len().try_into()?)));
            }
        }
        Ok(None)
    }
}

/// The file gets its name when it is whole.
fn script_text(dir: &str) -> String {
    format!(
        "cat > {dir}/part.$SOCAT_PEERPORT\n\
         mv {dir}/part.$SOCAT_PEERPORT {dir}/got.$SOCAT_PEERPORT\n\
         exec cat {dir}/answer\n"
    )
}
