//! A bond on the inside, alone and together with its member.

use anyhow::Result;
use nat_acct_tests::{Family, Lab, Ns};

use crate::gateway::{Sides, exact, with_devices};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

#[test]
fn a_bond_is_the_inside() -> Result<()> {
    let case = "bond as the inside";
    with_devices(case, &["bond"], |lab| {
        bond(lab)?;
        let sides = Sides {
            inside: &["bond0"],
            outside: "eth1",
        };
        exact(case, lab, &FAMILIES, &sides)
    })
}

/// A bond with one member, the port to the first client, in the place of the bridge.
fn bond(lab: &Lab) -> Result<()> {
    lab.ip(
        Ns::Gateway,
        "link add bond0 type bond mode active-backup
         link set port1 nomaster
         link set port1 down
         link set port1 master bond0",
    )?;
    lab.move_addresses(Ns::Gateway, "br0", "bond0")?;
    lab.wait_up(Ns::Gateway, "bond0")
}
