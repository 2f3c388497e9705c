//! What the record of a connection says, and its self-check: the sequence numbers prove how long
//! each stream was (rule 9 of the design), so what was counted beyond that was retransmitted, and
//! what is missing was missed.

use nat_acct_common::{
    flow::Facts,
    layout::{Address, PerSender, Sender, Volume},
};

use super::matching::Mapping;
use crate::record::{Closed, Direction, End, Endpoint, Sums, Totals};

pub(super) fn of(facts: &Facts, volumes: PerSender<Volume>, mapping: &Mapping, end: End) -> Closed {
    let sums = |sender| sums(facts, volumes.get(sender), sender);
    let (sent, sent_whole) = sums(Sender::Client);
    let (received, received_whole) = sums(Sender::Remote);
    Closed {
        slot: facts.slot,
        identity: facts.opened_ns ^ u64::from(facts.slot).rotate_right(32),
        start_ns: facts.opened_ns,
        end_ns: facts.last_seen_ns,
        end,
        direction: match facts.opener {
            Sender::Client => Direction::Outbound,
            Sender::Remote => Direction::Inbound,
        },
        client: endpoint(facts.key.client, facts.key.client_port),
        remote: endpoint(facts.key.remote, facts.key.remote_port),
        translated: mapping.translated,
        matched: mapping.matched,
        totals: Totals { sent, received },
        partial: !(sent_whole && received_whole) || facts.answer_missed,
        inside: facts.key.zone.interface(),
        vlans: facts.key.zone.vlan().ids(),
    }
}

/// The sums of one direction, and whether the sequence numbers agree that they are whole.
fn sums(facts: &Facts, volume: &Volume, sender: Sender) -> (Sums, bool) {
    let stream_bytes = *facts.stream_bytes.get(sender);
    let retransmitted_bytes = match stream_bytes {
        Some(stream_bytes) => volume.payload_bytes.checked_sub(stream_bytes),
        None => (volume.payload_bytes == 0).then_some(0),
    };
    let fin_fits = facts.fin_ns.get(sender).is_none() || *facts.fin_fits.get(sender);
    let sums = Sums {
        payload_bytes: volume.payload_bytes,
        retransmitted_bytes: retransmitted_bytes.unwrap_or(0),
        ip_bytes: volume.ip_bytes,
        packets: volume.packets,
    };
    (sums, retransmitted_bytes.is_some() && fin_fits)
}

fn endpoint(address: Address, port: u16) -> Endpoint {
    Endpoint {
        ip: address.ip(),
        port,
    }
}
