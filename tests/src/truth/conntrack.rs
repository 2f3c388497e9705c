//! What the gateway's own connection tracking says.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::lab::{Lab, Ns};

/// The address to which the remote answers, for the only connection from this
/// address of a client.
pub fn translated(lab: &Lab, client: SocketAddr) -> Result<SocketAddr> {
    let family = if client.is_ipv4() { "ipv4" } else { "ipv6" };
    let (ip, port) = (client.ip(), client.port());
    let entry = lab.run(
        Ns::Gateway,
        &format!("conntrack -L -f {family} -p tcp --orig-src {ip} --orig-port-src {port}"),
    )?;
    answered_to(&entry).with_context(|| format!("conntrack says {entry:?}"))
}

/// Of a line with `src=… dst=… sport=… dport=…` twice: as sent, and as answered.
fn answered_to(entry: &str) -> Option<SocketAddr> {
    let last = |name| {
        entry
            .split_whitespace()
            .rev()
            .find_map(|word| word.strip_prefix(name))
    };
    let (ip, port): (&str, &str) = (last("dst=")?, last("dport=")?);
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::answered_to;

    #[test]
    fn the_second_pair_is_the_answer() {
        let entry = "tcp 6 119 TIME_WAIT src=192.0.2.1 dst=198.51.100.1 sport=1 dport=80 \
                     src=198.51.100.1 dst=203.0.113.1 sport=80 dport=4711 [ASSURED] use=1";
        let expect = ([203, 0, 113, 1], 4711).into();
        assert_eq!(answered_to(entry), Some(expect));
    }
}
