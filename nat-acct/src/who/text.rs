//! The answer for people. Times are in UTC.

use std::{fmt::Write as _, net::SocketAddr};

use jiff::SignedDuration;

use super::{
    answer::{Answer, Candidate, Client, Verdict},
    coverage::Doubt,
};
use crate::record::{self, Endpoint, Network, time};

/// The answer in some lines.
pub(super) fn render(answer: &Answer) -> String {
    let mut text = String::new();
    for candidate in &answer.candidates {
        let _ = writeln!(text, "{}", line(candidate));
    }
    let verdict = match answer.verdict() {
        Verdict::Found => match answer.client() {
            Some(Client { ip, network }) => {
                let place = place(network.as_deref());
                format!("It was {ip}{place}: {}.", answer.why())
            }
            None if answer.candidates.len() == 1 => format!("Not proved: {}.", answer.why()),
            None => format!("Not unique: {}.", answer.why()),
        },
        Verdict::Nobody => {
            "Nobody: the records of that time are there without a gap, and it is in none of them."
                .to_owned()
        }
        Verdict::NoAnswer => "No answer: nobody was found, but it cannot be ruled out.".to_owned(),
    };
    let _ = writeln!(text, "{verdict}");
    for doubt in &answer.doubts {
        let _ = writeln!(text, "  {}", explain(doubt));
    }
    text
}

fn line(candidate: &Candidate) -> String {
    let connection = &candidate.connection;
    let mut line = format!(
        "{}{} → {} → {}  {} – {}  sent {}  received {}  ",
        endpoint(Some(connection.client)),
        place(connection.network.as_deref()),
        endpoint(connection.translated),
        endpoint(connection.remote),
        time(connection.start_us),
        time(connection.end_us),
        connection.sent_bytes,
        connection.received_bytes,
    );
    line += &match connection.reason {
        Some(reason) => record::written(reason),
        None => "open when it was last told of".to_owned(),
    };
    if connection.partial {
        line += "  counts too low";
    }
    if candidate.distance_us > 0 {
        let distance = SignedDuration::from_micros(candidate.distance_us);
        let _ = write!(line, "  {:.3} s away", distance.as_secs_f64());
    }
    line
}

fn endpoint(known: Option<Endpoint>) -> String {
    known.map_or_else(
        || "?".to_owned(),
        |known| SocketAddr::new(known.ip, known.port).to_string(),
    )
}

/// Where an address is, behind it.
fn place(network: Option<&Network>) -> String {
    network.map_or_else(String::new, |network| format!(" ({network})"))
}

/// Why there may be others, in a sentence.
pub(super) fn explain(doubt: &Doubt) -> String {
    match doubt {
        Doubt::NoAgent => {
            "No agent is known to have translated to that address about that time.".to_owned()
        }
        Doubt::NotThere(spans) => {
            let spans = spans
                .iter()
                .map(|(since, until)| format!("{} – {}", time(*since), time(*until)));
            let spans: Vec<_> = spans.collect();
            format!(
                "There are records with that address only of {}.",
                spans.join(", ")
            )
        }
        Doubt::OpenedBefore(since_us) => format!(
            "Connections that were opened before {}, when the agent began, are in no record.",
            time(*since_us)
        ),
        Doubt::Gap(gap) => format!("Missing: {gap}."),
        Doubt::ThrownAway(since_us) => {
            format!("Records from before {} were thrown away.", time(*since_us))
        }
        Doubt::Open(until_us) => format!(
            "A connection that was still open at {} may have no record: starts (--start-records) are \
             needed from before the time and from after it.",
            time(*until_us)
        ),
        Doubt::Unknown(count) => {
            format!(
                "Of {count} connections at that time, it is not known to what they were translated."
            )
        }
        Doubt::Unproved => {
            "ClickHouse does not know whether records are missing: a store does.".to_owned()
        }
        Doubt::Damaged(what) => format!("Not all could be read: {what}."),
    }
}
