//! The lab's devices between a client and the remote, and their offloads and statistics.

use anyhow::{Context, Result};

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

/// The devices behind the inside interface, as a packet between the first client
/// and the remote goes, cut super-packets up, so that each segment reaches its
/// host, and a counter there, alone.
pub fn cut_up_behind_inside(lab: &Lab) -> Result<()> {
    for device in [OUTSIDE, "port1"] {
        let off = format!("ethtool -K {device} tso off gso off gro off");
        lab.run(Ns::Gateway, &off)?;
    }
    Ok(())
}

/// A device's counter, by its name in `/sys/class/net/*/statistics`.
pub fn statistic(lab: &Lab, ns: Ns, device: &str, name: &str) -> Result<u64> {
    let path = format!("/sys/class/net/{device}/statistics/{name}");
    Ok(lab.run(ns, &format!("cat {path}"))?.trim().parse()?)
}

impl Lab {
    /// The Ethernet address of a device.
    pub fn ethernet_address(&self, ns: Ns, device: &str) -> Result<[u8; 6]> {
        let shown = self.run(ns, &format!("cat /sys/class/net/{device}/address"))?;
        let bytes = shown
            .trim()
            .split(':')
            .map(|byte| u8::from_str_radix(byte, 16));
        let bytes: Vec<_> = bytes.collect::<Result<_, _>>()?;
        bytes.try_into().ok().context("not an Ethernet address")
    }
}

/// What the inside interface has carried, a super-packet counted as one.
pub fn bundles(lab: &Lab) -> Result<u64> {
    Ok(statistic(lab, Ns::Gateway, INSIDE, "rx_packets")?
        + statistic(lab, Ns::Gateway, INSIDE, "tx_packets")?)
}

/// Packets from the first client to the remote, and back, that were seen on the
/// inside and did not arrive, because too many waited for a processor.
pub fn dropped_behind_inside(lab: &Lab) -> Result<(u64, u64)> {
    let dropped = |device| statistic(lab, Ns::Gateway, device, "tx_dropped");
    Ok((dropped(OUTSIDE)?, dropped("port1")?))
}
