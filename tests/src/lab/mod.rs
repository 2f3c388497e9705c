//! The gateway in network namespaces: two clients behind a bridge, a remote
//! beyond a masquerading interface, no way to the world outside. A lab is torn
//! down when it is dropped, and what a killed run left is removed by the next.

mod address;
mod background;
pub mod big_tcp;
mod bpf_dir;
pub mod device;
mod disk;
mod enter;
pub mod foreign;
pub mod hooks;
mod leftovers;
mod listening;
pub mod loss;
mod nat;
mod packet_socket;
pub mod second;
mod topology;
pub mod tun;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

pub use address::{Family, INSIDE, Ns, OUTSIDE, translated};
pub use background::Background;
pub use disk::Disk;
pub use packet_socket::{Cut, Hints, PacketSocket};

/// The name of the lab that people make by hand.
pub const DEFAULT_NAME: &str = "nat-acct";

/// A running lab.
pub struct Lab {
    name: String,
    dir: PathBuf,
    torn_down_on_drop: bool,
}

impl Lab {
    /// A lab under a name of its own, so that tests can run side by side.
    pub fn up() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        leftovers::sweep();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::up_named(&format!("{DEFAULT_NAME}-{}-{count}", std::process::id()))
    }

    /// A lab under this name, in the place of an earlier one.
    pub fn up_named(name: &str) -> Result<Self> {
        tear_down(name);
        let dir = dir_of(name);
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let lab = Self {
            name: name.to_owned(),
            dir,
            torn_down_on_drop: true,
        };
        topology::build(&lab)?;
        nat::build(&lab)?;
        Ok(lab)
    }

    /// Ends the guard without ending the lab; [`tear_down`] finds it by name.
    pub fn leave_up(mut self) {
        self.torn_down_on_drop = false;
    }

    /// A directory that goes with the lab.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name of a namespace, as `ip netns` knows it.
    #[must_use]
    pub fn netns(&self, ns: Ns) -> String {
        netns_of(&self.name, ns)
    }

    /// A command that will run in the namespace, without input.
    pub fn command(&self, ns: Ns, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.netns(ns)])
            .arg(program)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command line (words separated by blanks) in the namespace to its
    /// end; returns its standard output.
    pub fn run(&self, ns: Ns, command_line: &str) -> Result<String> {
        let mut words = command_line.split_whitespace();
        let program = words.next().context("an empty command line")?;
        output(self.command(ns, program).args(words))
    }

    /// Runs a closure in the namespace, on a thread of its own: sockets that it
    /// makes belong there, also those of threads that it starts.
    pub fn enter<T: Send>(&self, ns: Ns, inside: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        enter::enter(&self.netns(ns), inside)
    }

    /// Writes settings below `/proc/sys/net` of the namespace.
    pub fn set(&self, ns: Ns, settings: &[(&str, &str)]) -> Result<()> {
        topology::set(self, ns, settings)
    }

    /// Has the gateway's netfilter look at routed packets only, not at bridged
    /// ones. Otherwise it drops malformed packets in the bridge, and `reject`
    /// writes its RST right to a port of the bridge, past `br0`.
    pub fn leave_bridge_to_itself(&self) {
        for name in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"] {
            // Where there is no such setting, the kernel has no such netfilter.
            let _ = self.set(Ns::Gateway, &[(&format!("bridge/{name}"), "0")]);
        }
    }

    /// Adds nftables rules in a namespace, in the syntax of `nft -f`. The
    /// gateway has the table `inet lab` with the chains `prerouting`, `forward`
    /// and `postrouting`; elsewhere there is none.
    pub fn nft(&self, ns: Ns, rules: &str) -> Result<()> {
        nat::load(self, ns, rules)
    }

    /// Forwards a TCP port of the gateway's outside addresses to a client.
    pub fn forward_port(&self, port: u16, client: Ns, client_port: u16) -> Result<()> {
        nat::forward_port(self, port, client, client_port)
    }

    /// Makes [`INSIDE`] or [`OUTSIDE`] again after it was deleted, with its
    /// addresses and another index.
    pub fn bring_back(&self, interface: &str) -> Result<()> {
        topology::bring_back(self, interface)
    }

    /// Adds an inside interface with a client behind it: a
    /// [`Ns::Neighbour`] or a [`Ns::Twin`].
    pub fn second_inside(&self, client: Ns) -> Result<()> {
        second::inside(self, client)
    }

    /// Adds an outside interface to the same remote, which masquerades what is
    /// routed by [`second::SECOND_TABLE`].
    pub fn second_outside(&self) -> Result<()> {
        second::outside(self)
    }

    /// The namespaces that there are.
    #[must_use]
    pub fn namespaces(&self) -> Vec<Ns> {
        let exists = |ns: &Ns| Path::new("/run/netns").join(self.netns(*ns)).exists();
        Ns::ALL.into_iter().filter(exists).collect()
    }

    /// A directory for pinned eBPF objects, which goes with the lab. `ip netns
    /// exec` hides the machine's own.
    pub fn bpf_dir(&self) -> Result<PathBuf> {
        bpf_dir::mounted(&self.dir)
    }

    /// A small disk of its own, which goes with the lab.
    pub fn disk(&self, bytes: u64) -> Result<Disk> {
        Disk::mount(&self.dir, bytes)
    }

    /// Waits until something listens on this TCP port.
    pub fn wait_listening(&self, ns: Ns, port: u16) -> Result<()> {
        listening::wait(self, ns, port)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.torn_down_on_drop {
            tear_down(&self.name);
        }
    }
}

/// Removes a lab and all that runs in it; no lab of this name is no error.
pub fn tear_down(name: &str) {
    leftovers::remove(name);
}

/// Runs a command to its end; its standard output, or an error with what it
/// said.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let done = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("{command:?}: {}: {}", done.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn netns_of(name: &str, ns: Ns) -> String {
    format!("{name}-{}", ns.suffix())
}

fn dir_of(name: &str) -> PathBuf {
    std::env::temp_dir().join("nat-acct-lab").join(name)
}
