//! What is before the IP header.

use nat_acct_common::layout::Cause;
use nat_acct_common::packet::Link;
use nat_acct_common::packet::flag::{ACK, SYN};

use super::Entry;
use super::frame::Side;
use super::scene::Scene;
use super::shape::Shape;
use super::talk::{CLIENT, REMOTE};
use crate::lab::Family::{self, V4, V6};

const VLAN: u16 = 0x8100;
const QINQ: u16 = 0x88a8;
const QINQ_OLD: u16 = 0x9100;

pub const CASES: &[Entry] = &[
    ("Ethernet, IPv4", |scene| converse(scene, Shape::plain(V4))),
    ("Ethernet, IPv6", |scene| converse(scene, Shape::plain(V6))),
    (
        "VLAN (live: in metadata from the client, in the packet to it)",
        |scene| {
            converse(scene, tagged(V4, &[VLAN]));
        },
    ),
    ("VLAN, IPv6", |scene| converse(scene, tagged(V6, &[VLAN]))),
    ("QinQ: 802.1ad around 802.1Q", |scene| {
        converse(scene, tagged(V4, &[QINQ, VLAN]))
    }),
    ("QinQ, IPv6", |scene| {
        converse(scene, tagged(V6, &[QINQ, VLAN]))
    }),
    ("QinQ: 802.1Q around 802.1Q", |scene| {
        converse(scene, tagged(V4, &[VLAN, VLAN]))
    }),
    ("QinQ: 0x9100 around two tags", |scene| {
        converse(scene, tagged(V4, &[QINQ_OLD, VLAN, VLAN]));
    }),
    ("five VLAN tags", five_tags),
    ("PPPoE session, IPv4", |scene| {
        converse(scene, pppoe(V4, &[]))
    }),
    ("PPPoE session, IPv6", |scene| {
        converse(scene, pppoe(V6, &[]))
    }),
    ("PPPoE session in a VLAN", |scene| {
        converse(scene, pppoe(V4, &[VLAN]))
    }),
    ("PPPoE session in QinQ, IPv6", |scene| {
        converse(scene, pppoe(V6, &[QINQ, VLAN]))
    }),
    ("PPPoE session, LCP", lcp),
    ("PPPoE discovery", |scene| other_protocol(scene, 0x8863)),
    ("ARP", |scene| other_protocol(scene, 0x0806)),
    ("no link layer, IPv4", |scene| converse(scene, raw(V4))),
    ("no link layer, IPv6", |scene| converse(scene, raw(V6))),
    ("shortest frames, padded", padded),
];

/// Opens, says something each way, and closes, in packets of this shape.
pub fn converse(scene: &mut Scene, shape: Shape) {
    let mut talk = scene.talk_in(shape);
    talk.open(scene);
    talk.say(scene, CLIENT, ACK, 33);
    talk.say(scene, REMOTE, ACK, 400);
    talk.close(scene);
    scene.expect(talk.record("fin", (33, 0), (400, 0)));
}

pub fn tagged(family: Family, tags: &[u16]) -> Shape {
    Shape {
        tags: tags.to_vec(),
        ..Shape::plain(family)
    }
}

fn pppoe(family: Family, tags: &[u16]) -> Shape {
    Shape {
        pppoe: true,
        ..tagged(family, tags)
    }
}

fn raw(family: Family) -> Shape {
    Shape {
        link: Link::Ip,
        ..Shape::plain(family)
    }
}

/// The fifth is one more than is followed, also where the kernel has taken the first off.
fn five_tags(scene: &mut Scene) {
    let talk = scene.talk_in(tagged(V4, &[VLAN; 5]));
    let syn = talk.segment(CLIENT, SYN, 0);
    scene.add_ignored(talk.frame(Side::Inside, &syn), Cause::NotIp);
}

fn lcp(scene: &mut Scene) {
    let talk = scene.talk_in(pppoe(V4, &[]));
    let mut frame = talk.frame(Side::Inside, &talk.segment(CLIENT, SYN, 0));
    let protocol_at = frame.ip_at - 2;
    frame.bytes[protocol_at..frame.ip_at].copy_from_slice(&[0xc0, 0x21]);
    scene.add_ignored(frame, Cause::NotIp);
}

fn other_protocol(scene: &mut Scene, ether_type: u16) {
    let talk = scene.talk();
    for (side, from) in [(Side::Inside, CLIENT), (Side::Outside, REMOTE)] {
        let mut frame = talk.frame(side, &talk.segment(from, SYN, 0));
        frame.bytes[12..14].copy_from_slice(&ether_type.to_be_bytes());
        scene.add_ignored(frame, Cause::NotIp);
    }
}

/// Padding is no payload.
fn padded(scene: &mut Scene) {
    let shape = Shape {
        padded: true,
        ..Shape::plain(V4)
    };
    let mut talk = scene.talk_in(shape);
    talk.open(scene);
    for payload in [1, 6, 7] {
        talk.say(scene, CLIENT, ACK, payload);
        talk.say(scene, REMOTE, ACK, 0);
    }
    talk.close(scene);
    scene.expect(talk.record("fin", (14, 0), (0, 0)));
}
