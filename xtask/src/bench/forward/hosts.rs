//! Hosts that are there on the wire only: their packets are forged, and what is sent to them is
//! counted where it arrives, and dropped, so that nobody answers.

use std::net::Ipv4Addr;

use anyhow::Result;
use nat_acct_tests::lab::{Family, INSIDE, OUTSIDE, translated};
use nat_acct_tests::truth::nft;
use nat_acct_tests::{Lab, Ns};

use super::segments::Segments;

/// The interface of a client and of the remote.
pub const INTERFACE: &str = "eth0";
pub const REMOTE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 90);
pub const REMOTE_PORT: u16 = 443;
const FIRST_CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 17, 128);
const CLIENTS: u16 = 64;
/// Of the ports; no client has that of another, so the gateway need not change them.
const FIRST_PORT: u16 = 1_024;
pub const MOST_CONNECTIONS: u16 = u16::MAX - FIRST_PORT;

/// The counter, as nftables names it.
const ARRIVED: &str = "netdev forged arrived";

/// Addresses of Ethernet.
pub struct Links {
    pub client: [u8; 6],
    pub inside: [u8; 6],
    pub outside: [u8; 6],
    pub remote: [u8; 6],
}

/// Has the gateway send to them, and translate; the packets that arrive are dropped.
pub fn make(lab: &Lab) -> Result<Links> {
    let links = Links {
        client: lab.ethernet_address(Ns::Client1, INTERFACE)?,
        inside: lab.ethernet_address(Ns::Gateway, INSIDE)?,
        outside: lab.ethernet_address(Ns::Gateway, OUTSIDE)?,
        remote: lab.ethernet_address(Ns::Remote, INTERFACE)?,
    };
    let clients = (0..CLIENTS).map(|client| (client_of(client), INSIDE, links.client));
    for (ip, device, link) in clients.chain([(REMOTE, OUTSIDE, links.remote)]) {
        let [a, b, c, d, e, f] = link;
        let link = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        let command = format!("ip neigh replace {ip} lladdr {link} dev {device} nud permanent");
        lab.run(Ns::Gateway, &command)?;
    }
    let translated = translated(Family::V4);
    lab.nft(
        Ns::Gateway,
        &format!(
            "table ip forged {{
                chain postrouting {{
                    type nat hook postrouting priority srcnat - 1;
                    ip daddr {REMOTE} snat to {translated}
                }}
            }}"
        ),
    )?;
    let is_translated = format!("ip saddr {translated} ip daddr {REMOTE}");
    drop_all(lab, Ns::Remote, &is_translated)?;
    let is_translated_back = format!("ip saddr {REMOTE} ip daddr {FIRST_CLIENT}/26");
    drop_all(lab, Ns::Client1, &is_translated_back)?;
    Ok(links)
}

/// What has arrived until now, and was translated.
pub fn arrived(lab: &Lab) -> Result<Segments> {
    let packets = |ns| Ok::<_, anyhow::Error>(nft::counted(lab, ns, ARRIVED)?.packets);
    Ok(Segments {
        from_clients: packets(Ns::Remote)?,
        from_remote: packets(Ns::Client1)?,
    })
}

/// The client of a connection.
pub fn client(connection: u16) -> (Ipv4Addr, u16) {
    (client_of(connection % CLIENTS), FIRST_PORT + connection)
}

fn client_of(number: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(FIRST_CLIENT) + u32::from(number))
}

fn drop_all(lab: &Lab, ns: Ns, expression: &str) -> Result<()> {
    lab.nft(
        ns,
        &format!(
            "table netdev forged {{
                counter arrived {{ }}
                chain ingress {{
                    type filter hook ingress device {INTERFACE} priority 0;
                    {expression} counter name arrived drop
                }}
            }}"
        ),
    )
}
