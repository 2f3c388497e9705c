//! What the kernel says of a socket that is still there (`struct tcp_info` of
//! include/uapi/linux/tcp.h, as `ss` prints it).

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
}

/// The counters of the only connection on this local port.
pub fn counters(lab: &Lab, ns: Ns, port: u16) -> Result<Counters> {
    let said = lab.run(ns, &format!("ss -Htni sport = :{port}"))?;
    ensure!(
        said.matches("bytes_sent:").count() <= 1 && said.contains("segs_out:"),
        "not one connection on port {port}: {said}"
    );
    Ok(Counters {
        bytes_sent: number(&said, "bytes_sent")?,
        bytes_retransmitted: number(&said, "bytes_retrans")?,
        bytes_received: number(&said, "bytes_received")?,
        segments_out: number(&said, "segs_out")?,
        segments_in: number(&said, "segs_in")?,
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
