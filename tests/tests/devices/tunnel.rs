//! Tunnels as the inside or the outside: devices whose packets begin with IP.

use anyhow::Result;
use nat_acct_tests::{Family, Lab, Ns};

use crate::gateway::{Sides, exact, with_devices};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
const WIREGUARD: &str = "wg0";
const IPIP: &str = "ipip0";

/// An end of a tunnel: where, on top of what, between which addresses.
struct End {
    ns: Ns,
    below: &'static str,
    address: &'static str,
}

const INSIDE: [End; 2] = [
    End {
        ns: Ns::Gateway,
        below: "br0",
        address: "10.9.0.1",
    },
    End {
        ns: Ns::Client1,
        below: "eth0",
        address: "10.9.0.2",
    },
];
const OUTSIDE: [End; 2] = [
    End {
        ns: Ns::Gateway,
        below: "eth1",
        address: "10.9.0.1",
    },
    End {
        ns: Ns::Remote,
        below: "eth0",
        address: "10.9.0.2",
    },
];

#[test]
fn wireguard_is_the_inside() -> Result<()> {
    let case = "wireguard as the inside";
    with_devices(case, &["wireguard"], |lab| {
        wireguard(lab, &INSIDE)?;
        let sides = Sides {
            inside: &[WIREGUARD],
            outside: "eth1",
        };
        exact(case, lab, &FAMILIES, &sides)
    })
}

#[test]
fn wireguard_is_the_outside() -> Result<()> {
    let case = "wireguard as the outside";
    with_devices(case, &["wireguard"], |lab| {
        wireguard(lab, &OUTSIDE)?;
        lab.masquerade(WIREGUARD)?;
        let sides = Sides {
            inside: &["br0"],
            outside: WIREGUARD,
        };
        exact(case, lab, &FAMILIES, &sides)
    })
}

#[test]
fn ipip_is_the_outside() -> Result<()> {
    let case = "ipip as the outside";
    with_devices(case, &["ipip"], |lab| {
        for [end, other] in both_ways(&OUTSIDE) {
            let (local, remote) = (end.address, other.address);
            lab.ip(
                end.ns,
                &format!("link add {IPIP} type ipip local {local} remote {remote}"),
            )?;
            raise(lab, end, IPIP)?;
        }
        lab.masquerade(IPIP)?;
        let sides = Sides {
            inside: &["br0"],
            outside: IPIP,
        };
        exact(case, lab, &[Family::V4], &sides)
    })
}

fn wireguard(lab: &Lab, ends: &[End; 2]) -> Result<()> {
    const PORT: u16 = 51_820;
    let key = |end: &End| lab.dir().join(format!("{:?}.key", end.ns));
    for end in ends {
        std::fs::write(key(end), lab.run(end.ns, "wg genkey")?)?;
        lab.ip(end.ns, &format!("link add {WIREGUARD} type wireguard"))?;
        let set = format!("wg set {WIREGUARD} listen-port {PORT} private-key");
        lab.run(end.ns, &format!("{set} {}", key(end).display()))?;
    }
    for [end, other] in both_ways(ends) {
        let public = lab.run(other.ns, &format!("wg show {WIREGUARD} public-key"))?;
        lab.run(
            end.ns,
            &format!(
                "wg set {WIREGUARD} peer {} endpoint {}:{PORT} allowed-ips 0.0.0.0/0,::/0",
                public.trim(),
                other.address
            ),
        )?;
        raise(lab, end, WIREGUARD)?;
    }
    Ok(())
}

/// The addresses of the lab on the tunnel, the tunnel's own on the device below it.
fn raise(lab: &Lab, end: &End, tunnel: &str) -> Result<()> {
    lab.move_addresses(end.ns, end.below, tunnel)?;
    lab.ip(
        end.ns,
        &format!("address add {}/24 dev {}", end.address, end.below),
    )
}

fn both_ways([one, other]: &[End; 2]) -> [[&End; 2]; 2] {
    [[one, other], [other, one]]
}
