//! scp over ssh, the case of the worked example. ssh does not count its bytes,
//! so a relay that does opens the connection for it.

use std::fs;
use std::net::SocketAddr;
use std::sync::PoisonError;

use anyhow::{Context, Result, ensure};

use super::relay::Relay;
use super::{payload, unique_tag};
use crate::lab::{Family, Lab, Ns, output};
use crate::server::{Connection, Sshd};
use crate::truth::{Count, Truth};
use crate::wait::{PATIENCE, wait_until};

/// Copies a file of this size from the client to the remote.
pub fn upload(lab: &Lab, sshd: &Sshd, client: Ns, family: Family, size: u64) -> Result<Truth> {
    let tag = unique_tag();
    let source = lab.dir().join(&tag);
    fs::write(&source, payload(size))?;
    let target = sshd.incoming().join(&tag);

    let turn = sshd.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let before = sshd.connections().len();
    let remote = SocketAddr::new(Ns::Remote.address(family), Sshd::PORT);
    let relay = Relay::new(lab)?;
    let mut scp = lab.command(client, "scp");
    scp.args(sshd.client_options())
        .arg("-o")
        .arg(format!("ProxyCommand={}", relay.proxy_command()));
    scp.arg(&source)
        .arg(format!("root@[{}]:{}", remote.ip(), target.display()));
    let relayed = lab.enter(client, || {
        std::thread::scope(|scope| {
            let relayed = scope.spawn(|| relay.serve(remote));
            output(&mut scp)?;
            relayed.join().expect("the relay's thread")
        })
    })?;
    let seen = wait_for_connection(sshd, before)?;
    drop(turn);

    ensure!(fs::metadata(&target)?.len() == size, "scp did not copy all");
    Ok(Truth {
        label: format!("scp {size} B"),
        client: client.address(family),
        client_port: Some(relayed.local.port()),
        remote,
        translated: seen.address,
        translated_port: Some(seen.port),
        sent: Count::Exact(relayed.sent),
        received: Count::Exact(relayed.received),
        reasons: &["fin"],
    })
}

/// The one that came after so many others.
fn wait_for_connection(sshd: &Sshd, before: usize) -> Result<Connection> {
    wait_until(PATIENCE, "sshd's log line", || {
        Ok(sshd.connections().get(before).copied())
    })
    .context("scp went through, but sshd does not say from where")
}
