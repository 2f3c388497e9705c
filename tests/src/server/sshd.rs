//! sshd with keys and a configuration of its own. The machine's own ssh set-up
//! is neither read nor changed.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result};

use crate::lab::{Background, Family, Lab, Ns, output};

/// A running sshd.
pub struct Sshd {
    server: Background,
    dir: PathBuf,
    /// Its log does not say which client a connection belongs to, so those who
    /// want to know take turns.
    pub(crate) turn: Mutex<()>,
}

/// A connection in the log of sshd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The peer, as sshd sees it: translated.
    pub address: IpAddr,
    /// The translated port.
    pub port: u16,
}

impl Sshd {
    /// Where it listens.
    pub const PORT: u16 = 22;

    /// Starts sshd in the remote.
    pub fn start(lab: &Lab) -> Result<Self> {
        let dir = lab.dir().join("sshd");
        fs::create_dir_all(dir.join("incoming"))?;
        // Where sshd confines its unprivileged part; Debian's service makes it.
        fs::create_dir_all("/run/sshd")?;
        make_key(&dir, "host_key")?;
        make_key(&dir, "client_key")?;
        fs::copy(dir.join("client_key.pub"), dir.join("authorized_keys"))?;
        fs::write(dir.join("known_hosts"), known_hosts(&dir)?)?;
        let conf = dir.join("sshd_config");
        fs::write(&conf, configuration(&dir.display().to_string()))?;
        let mut command = lab.command(Ns::Remote, "/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(&conf);
        let server = Background::start(command, &dir, "sshd")?;
        lab.wait_listening(Ns::Remote, Self::PORT)
            .with_context(|| format!("sshd says: {}", server.stderr()))?;
        Ok(Self {
            server,
            dir,
            turn: Mutex::new(()),
        })
    }

    /// The connections so far, in the order of their acceptance.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.server.stderr().lines().filter_map(parse).collect()
    }

    /// The options that make `ssh` and `scp` use this server and nothing of the
    /// user's.
    #[must_use]
    pub fn client_options(&self) -> Vec<String> {
        let file = |name: &str| self.dir.join(name).display().to_string();
        let mut options = vec!["-F".into(), "none".into(), "-i".into(), file("client_key")];
        for option in [
            format!("UserKnownHostsFile={}", file("known_hosts")),
            "GlobalKnownHostsFile=/dev/null".into(),
            "StrictHostKeyChecking=yes".into(),
            "IdentitiesOnly=yes".into(),
            "IdentityAgent=none".into(),
            "BatchMode=yes".into(),
            "LogLevel=ERROR".into(),
        ] {
            options.extend(["-o".into(), option]);
        }
        options
    }

    /// A directory on the remote for what is copied there.
    #[must_use]
    pub fn incoming(&self) -> PathBuf {
        self.dir.join("incoming")
    }

    /// Leaves sshd to its lab.
    pub fn leave_running(self) {
        self.server.leave_running();
    }
}

fn make_key(dir: &Path, name: &str) -> Result<()> {
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(dir.join(name));
    output(&mut keygen).map(drop)
}

fn known_hosts(dir: &Path) -> Result<String> {
    let key = fs::read_to_string(dir.join("host_key.pub"))?;
    let [v4, v6] = [Family::V4, Family::V6].map(|family| Ns::Remote.address(family));
    Ok(format!("{v4},{v6} {key}"))
}

fn configuration(dir: &str) -> String {
    let [v4, v6] = [Family::V4, Family::V6].map(|family| Ns::Remote.address(family));
    format!(
        "Port {port}\n\
         ListenAddress {v4}\n\
         ListenAddress {v6}\n\
         HostKey {dir}/host_key\n\
         AuthorizedKeysFile {dir}/authorized_keys\n\
         PidFile none\n\
         LogLevel VERBOSE\n\
         StrictModes no\n\
         UsePAM {pam}\n\
         UseDNS no\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\n\
         Subsystem sftp internal-sftp\n",
        port = Sshd::PORT,
        pam = if root_is_locked() { "yes" } else { "no" },
    )
}

/// sshd without PAM takes `!` before the hash as a locked account and refuses
/// its keys too.
fn root_is_locked() -> bool {
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
    shadow.lines().any(|line| line.starts_with("root:!"))
}

/// `Connection from 203.0.113.1 port 40001 on 203.0.113.80 port 22 …`
fn parse(line: &str) -> Option<Connection> {
    let (address, rest) = line
        .strip_prefix("Connection from ")?
        .split_once(" port ")?;
    let port = rest.split_whitespace().next()?;
    Some(Connection {
        address: address.parse().ok()?,
        port: port.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_log_names_the_translated_port() {
        let line = "Connection from 203.0.113.1 port 40001 on 203.0.113.80 port 22 rdomain \"\"";
        assert_eq!(parse(line).map(|connection| connection.port), Some(40001));
        assert_eq!(parse("Server listening on 203.0.113.80 port 22."), None);
    }
}
