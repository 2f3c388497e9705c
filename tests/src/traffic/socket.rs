//! What the kernel says of a socket that is still there (`struct tcp_info` of
//! include/uapi/linux/tcp.h, as `ss` prints it).

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};

use crate::lab::{Lab, Ns};
use crate::wait::{PATIENCE, wait_until};

/// The counters of a TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Payload bytes that it sent, retransmissions included.
    pub bytes_sent: u64,
    /// How many of them it sent more than once.
    pub bytes_retransmitted: u64,
    /// Payload bytes that it received in order.
    pub bytes_received: u64,
    /// Segments that it sent, as they are on the wire.
    pub segments_out: u64,
    /// Segments that it received.
    pub segments_in: u64,
    /// How many of them came out of order, and were told so by a selective
    /// acknowledgment, a TCP option (RFC 2018).
    pub out_of_order: u64,
}

/// A TCP connection, as one of its sockets knows it; a subflow of Multipath TCP is
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The address of this side.
    pub local: SocketAddr,
    /// The address of the other.
    pub peer: SocketAddr,
    /// What was counted here.
    pub counters: Counters,
}

/// The counters of the only connection on this local port.
pub fn counters(lab: &Lab, ns: Ns, port: u16) -> Result<Counters> {
    let found = matching(lab, ns, &format!("sport = :{port}"))?;
    ensure!(
        found.len() == 1,
        "not one connection on port {port}: {found:?}"
    );
    Ok(found[0].counters)
}

/// All connections of a host that are not closed.
pub fn connections(lab: &Lab, ns: Ns) -> Result<Vec<Connection>> {
    matching(lab, ns, "")
}

fn matching(lab: &Lab, ns: Ns, filter: &str) -> Result<Vec<Connection>> {
    let said = lab.run(ns, &format!("ss -HOtni {filter}"))?;
    let connection = |line| connection(line).with_context(|| format!("ss says {line:?}"));
    said.lines().map(connection).collect()
}

/// Of a line `ESTAB 0 0 192.168.17.11:41000 203.0.113.80:5001 cubic …`
fn connection(line: &str) -> Result<Connection> {
    let mut words = line.split_whitespace().skip(3);
    let mut address = || {
        words
            .next()
            .context("no address")?
            .parse()
            .context("no address")
    };
    Ok(Connection {
        local: address()?,
        peer: address()?,
        counters: Counters {
            bytes_sent: number(line, "bytes_sent")?,
            bytes_retransmitted: number(line, "bytes_retrans")?,
            bytes_received: number(line, "bytes_received")?,
            segments_out: number(line, "segs_out")?,
            segments_in: number(line, "segs_in")?,
            out_of_order: number(line, "rcv_ooopack")?,
        },
    })
}

/// Waits until all that the only connection on this port has sent is acknowledged,
/// so that no packet is under way.
pub fn wait_acknowledged(lab: &Lab, ns: Ns, port: u16) -> Result<()> {
    wait_until(PATIENCE, "acknowledgments", || {
        let said = lab.run(ns, &format!("ss -Htni sport = :{port}"))?;
        Ok((number(&said, "unacked")? == 0).then_some(()))
    })
}

/// Waits until no socket has this port any more: all that it has sent, its FIN as well, is
/// acknowledged.
pub fn wait_closed(lab: &Lab, ns: Ns, port: u16) -> Result<()> {
    wait_until(PATIENCE, "the end of a connection", || {
        let found = matching(lab, ns, &format!("sport = :{port}"))?;
        Ok(found.is_empty().then_some(()))
    })
}

/// Segments that a host has sent again so far, SYN and FIN among them (`RetransSegs` of RFC 4022).
pub fn retransmitted_segments(lab: &Lab, ns: Ns) -> Result<u64> {
    let table = lab.run(ns, "cat /proc/net/snmp")?;
    let mut lines = table.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (lines.next(), lines.next());
    let (names, values) = names.zip(values).context("no line of TCP")?;
    let mut pairs = names.split(' ').zip(values.split(' '));
    let (_, value) = pairs
        .find(|(name, _)| *name == "RetransSegs")
        .context("no RetransSegs")?;
    Ok(value.parse()?)
}

/// ss leaves out what is 0.
fn number(said: &str, name: &str) -> Result<u64> {
    let mut words = said.split_whitespace();
    let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix(':'));
    let value = value.unwrap_or("0").parse();
    value.with_context(|| format!("{name} in {said}"))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_has_its_whole_name() {
        let said = "\t cubic data_segs_out:7 segs_out:12 bytes_sent:9";
        assert_eq!(number(said, "segs_out").unwrap(), 12);
        assert_eq!(number(said, "bytes_retrans").unwrap(), 0);
    }
}
