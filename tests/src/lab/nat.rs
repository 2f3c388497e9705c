//! The gateway's translation: masquerade with random ports, so that a client's
//! port and the translated one differ.

use anyhow::Result;

use super::topology::{feed, set};
use super::{Family, Lab, Ns, OUTSIDE};

const RULES: &str = r#"
table inet lab {
    chain prerouting {
        type nat hook prerouting priority dstnat; policy accept;
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        counter comment "all that is forwarded"
    }
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "eth1" counter masquerade fully-random
    }
}
"#;

pub fn build(lab: &Lab) -> Result<()> {
    load(lab, Ns::Gateway, RULES)?;
    // Comes with the conntrack module, which the rules pull in; a kernel
    // without it only lacks a second opinion on IP bytes.
    let _ = set(lab, Ns::Gateway, &[("netfilter/nf_conntrack_acct", "1")]);
    Ok(())
}

pub fn load(lab: &Lab, ns: Ns, rules: &str) -> Result<()> {
    feed(lab.command(ns, "nft").args(["-f", "-"]), rules)
}

pub fn masquerade(lab: &Lab, device: &str) -> Result<()> {
    let rule = format!("add rule inet lab postrouting oifname {device} masquerade fully-random");
    load(lab, Ns::Gateway, &rule)
}

pub fn forward_port(lab: &Lab, port: u16, client: Ns, client_port: u16) -> Result<()> {
    let rule = |protocol, target| {
        format!(
            "add rule inet lab prerouting iifname {OUTSIDE} meta nfproto {protocol} \
             tcp dport {port} dnat {target}:{client_port}\n"
        )
    };
    let v4 = rule("ipv4", format!("ip to {}", client.address(Family::V4)));
    let v6 = rule("ipv6", format!("ip6 to [{}]", client.address(Family::V6)));
    load(lab, Ns::Gateway, &(v4 + &v6))
}
