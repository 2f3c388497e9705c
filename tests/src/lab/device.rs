//! The lab's devices between a client and the remote, and their offloads and statistics.

use anyhow::Result;

use super::{INSIDE, Lab, Ns, OUTSIDE};

/// Every device of the lab on which packets between clients and remote go.
pub const DEVICES: [(Ns, &str); 7] = [
    (Ns::Client1, "eth0"),
    (Ns::Client2, "eth0"),
    (Ns::Gateway, "port1"),
    (Ns::Gateway, "port2"),
    (Ns::Gateway, INSIDE),
    (Ns::Gateway, OUTSIDE),
    (Ns::Remote, "eth0"),
];

/// Switches offloads of all devices, in the words of `ethtool -K`: `tso off gro on`.
pub fn offload(lab: &Lab, switches: &str) -> Result<()> {
    for (ns, device) in DEVICES {
        lab.run(ns, &format!("ethtool -K {device} {switches}"))?;
    }
    Ok(())
}

/// Each segment goes alone, as it would on a wire.
pub fn send_segments_one_by_one(lab: &Lab) -> Result<()> {
    offload(lab, "tso off gso off gro off")
}

/// A device's counter, by its name in `/sys/class/net/*/statistics`.
pub fn statistic(lab: &Lab, ns: Ns, device: &str, name: &str) -> Result<u64> {
    let path = format!("/sys/class/net/{device}/statistics/{name}");
    Ok(lab.run(ns, &format!("cat {path}"))?.trim().parse()?)
}

/// Packets between the first client and the remote that were seen on the inside
/// and did not arrive, because the receiver's processor had too many waiting.
pub fn dropped_behind_inside(lab: &Lab) -> Result<u64> {
    Ok(statistic(lab, Ns::Gateway, OUTSIDE, "tx_dropped")?
        + statistic(lab, Ns::Gateway, "port1", "tx_dropped")?)
}
