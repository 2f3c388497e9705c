//! VLANs on the inside: the device of a VLAN, and the trunk below it, where frames are tagged.

use anyhow::Result;
use nat_acct_tests::{Family, Lab, Ns};

use crate::gateway::{Sides, exact, with_devices};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

#[test]
fn a_vlan_is_the_inside() -> Result<()> {
    with_vlan("VLAN device as the inside", "br0.10")
}

#[test]
fn a_trunk_is_the_inside() -> Result<()> {
    with_vlan("trunk with tagged frames as the inside", "br0")
}

#[test]
fn a_vlan_in_a_vlan_is_the_inside() -> Result<()> {
    with_vlan_in_vlan("QinQ device as the inside", "br0.100.10")
}

#[test]
fn a_trunk_with_two_tags_is_the_inside() -> Result<()> {
    with_vlan_in_vlan("trunk with frames of two tags as the inside", "br0")
}

fn with_vlan(case: &str, inside: &str) -> Result<()> {
    with_devices(case, &["vlan"], |lab| {
        for (ns, trunk) in ENDS {
            let vlan = format!("{trunk}.10");
            lab.ip(
                ns,
                &format!("link add link {trunk} name {vlan} type vlan id 10"),
            )?;
            lab.move_addresses(ns, trunk, &vlan)?;
        }
        check(case, lab, inside)
    })
}

fn with_vlan_in_vlan(case: &str, inside: &str) -> Result<()> {
    with_devices(case, &["vlan"], |lab| {
        for (ns, trunk) in ENDS {
            let outer = format!("{trunk}.100");
            let inner = format!("{outer}.10");
            // A veth carries frames of its MTU with one tag, not with two.
            lab.ip(
                ns,
                &format!(
                    "link add link {trunk} name {outer} type vlan protocol 802.1ad id 100
                     link set {outer} up
                     link add link {outer} name {inner} mtu 1400 type vlan id 10"
                ),
            )?;
            lab.move_addresses(ns, trunk, &inner)?;
        }
        check(case, lab, inside)
    })
}

/// Where tags are put on and taken off.
const ENDS: [(Ns, &str); 2] = [(Ns::Gateway, "br0"), (Ns::Client1, "eth0")];

fn check(case: &str, lab: &Lab, inside: &str) -> Result<()> {
    let sides = Sides {
        inside: &[inside],
        outside: "eth1",
    };
    exact(case, lab, &FAMILIES, &sides)
}
