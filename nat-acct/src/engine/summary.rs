//! What the record of a connection says, and its self-check: the sequence numbers prove how long
//! each stream was (rule 9 of the design), so what was counted beyond that was retransmitted, and
//! what is missing was missed.

use nat_acct_common::{
    flow::Facts,
    layout::{Address, PerSender, Sender, Volume},
};

use super::{Counted, matching::Mapping};
use crate::record::{Account, Direction, Endpoint, Stage, Sums, Totals};

/// What is told of a connection whose translated address has become known.
pub(super) fn of_start(facts: &Facts, mapping: &Mapping) -> Account {
    Account {
        end_ns: facts.opened_ns,
        totals: Totals::default(),
        partial: false,
        ..of(facts, PerSender::default(), mapping, Stage::Started)
    }
}

/// What is told of one that goes on. Segments may pass while its counters are read: what is missing of
/// the stream as it was before was missed, and what was counted beyond the stream as it is after was
/// sent twice.
pub(super) fn of_open(counted: &Counted, mapping: &Mapping) -> Account {
    let before = of(&counted.facts, counted.volumes, mapping, Stage::Open);
    let later = Facts {
        stream_bytes: counted.later_stream_bytes,
        ..counted.facts
    };
    Account {
        totals: of(&later, counted.volumes, mapping, Stage::Open).totals,
        ..before
    }
}

/// What is told of a connection at this stage.
pub(super) fn of(
    facts: &Facts,
    volumes: PerSender<Volume>,
    mapping: &Mapping,
    stage: Stage,
) -> Account {
    let sums = |sender| sums(facts, volumes.get(sender), sender);
    let (sent, sent_whole) = sums(Sender::Client);
    let (received, received_whole) = sums(Sender::Remote);
    Account {
        slot: facts.slot,
        identity: facts.opened_ns ^ u64::from(facts.slot).rotate_right(32),
        start_ns: facts.opened_ns,
        end_ns: facts.last_seen_ns,
        stage,
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
