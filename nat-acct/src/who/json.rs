//! The answer for programs: one JSON object in a line. Fields of records have the names of the ECS
//! format.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Candidate, Verdict},
    coverage::Doubt,
    text::explain,
};
use crate::record::{Endpoint, time};

/// The answer as JSON.
pub(super) fn render(answer: &Answer) -> String {
    let question = &answer.question;
    let spans = question.at.spans.iter();
    let times =
        spans.map(|span| json!({ "from": time(span.from_us), "until": time(span.until_us) }));
    let verdict = match answer.verdict() {
        Verdict::Found => "found",
        Verdict::Nobody => "nobody",
        Verdict::NoAnswer => "no-answer",
    };
    let client = answer.client();
    let network = client.as_ref().and_then(|client| client.network.as_ref());
    let said = json!({
        "question": {
            "ip": question.address,
            "port": question.port,
            "times": times.collect::<Vec<_>>(),
            "within_us": question.within_us,
            "remote": question.remote.map(|remote| json!({ "ip": remote.address, "port": remote.port })),
        },
        "answer": verdict,
        "client": client.as_ref().map(|client| client.ip),
        "inside": network.map(|network| &network.interface),
        "vlan": network.and_then(|network| network.vlans.as_ref()),
        "why": answer.why(),
        "candidates": answer.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "complete": answer.doubts.is_empty(),
        "doubts": answer.doubts.iter().map(doubt).collect::<Vec<_>>(),
    });
    format!("{said}\n")
}

fn candidate(candidate: &Candidate) -> Value {
    let connection = &candidate.connection;
    json!({
        "id": connection.id,
        "start": time(connection.start_us),
        "end": time(connection.end_us),
        "open": connection.reason.is_none(),
        "reason": connection.reason,
        "direction": connection.opened,
        "client": endpoint(connection.client),
        "inside": connection.network.as_ref().map(|network| &network.interface),
        "vlan": connection.network.as_ref().and_then(|network| network.vlans.as_ref()),
        "nat": connection.translated.map(endpoint),
        "remote": connection.remote.map(endpoint),
        "sent": connection.sent_bytes,
        "received": connection.received_bytes,
        "match": connection.matched,
        "partial": connection.partial,
        "distance_us": candidate.distance_us,
    })
}

fn doubt(doubt: &Doubt) -> Value {
    let kind = match doubt {
        Doubt::NoAgent => "no-agent",
        Doubt::NotThere(_) => "not-there",
        Doubt::OpenedBefore(_) => "opened-before",
        Doubt::Gap(_) => "gap",
        Doubt::ThrownAway(_) => "thrown-away",
        Doubt::Open(_) => "open",
        Doubt::Unknown(_) => "unknown",
        Doubt::Damaged(_) => "damaged",
        Doubt::Unproved => "unproved",
    };
    json!({ "kind": kind, "what": explain(doubt) })
}

fn endpoint(endpoint: Endpoint) -> Value {
    json!({ "ip": endpoint.ip, "port": endpoint.port })
}
