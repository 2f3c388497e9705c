//! When a connection is over, and why. Pure functions of its facts.

use nat_acct_common::{flow::Facts, layout::Sender};

use super::SECOND_NS;
use crate::record::End;

/// How long to wait for what may not come, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Silence that ends an established connection.
    pub idle_ns: u64,
    /// Silence that ends an opening.
    pub opening_ns: u64,
    /// Silence that ends a connection on which one side has sent FIN.
    pub closing_ns: u64,
    /// How long after the end stragglers are collected.
    pub linger_ns: u64,
    /// Whether the first FIN ends a connection.
    pub close_on_first_fin: bool,
}

impl Default for Timeouts {
    /// RFC 5382 REQ-5 for the established connection; the others as in the kernel's conntrack
    /// (net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts: SYN_SENT and FIN_WAIT).
    fn default() -> Self {
        Self {
            idle_ns: (2 * 3600 + 4 * 60) * SECOND_NS,
            opening_ns: 120 * SECOND_NS,
            closing_ns: 120 * SECOND_NS,
            linger_ns: SECOND_NS,
            close_on_first_fin: false,
        }
    }
}

/// When the connection will be over if nothing more happens.
pub(super) fn over_ns(facts: &Facts, timeouts: &Timeouts) -> u64 {
    if let Some(end_ns) = end_seen_ns(facts, timeouts) {
        return end_ns + timeouts.linger_ns;
    }
    let silence_ns = match silence(facts) {
        End::Closing => timeouts.closing_ns,
        End::Unanswered => timeouts.opening_ns,
        _ => timeouts.idle_ns,
    };
    facts.last_seen_ns + silence_ns
}

/// When to look again at a connection that will be over at `over_ns`: then, or before, if what makes
/// it wait for something else comes without an event, as the end of the handshake does.
pub(super) fn look_ns(facts: &Facts, over_ns: u64, timeouts: &Timeouts) -> u64 {
    if facts.established {
        over_ns
    } else {
        over_ns.min(facts.last_seen_ns + timeouts.idle_ns)
    }
}

/// Why the connection ended; `stopped` says why if nothing on the wire did.
pub(super) fn reason(facts: &Facts, timeouts: &Timeouts, stopped: Option<End>) -> End {
    if closed_ns(facts, timeouts).is_some() {
        End::Fin
    } else if reset_ns(facts).is_some() {
        End::Rst
    } else if facts.superseded && facts.answered() {
        End::Reused
    } else if facts.superseded {
        End::Unanswered
    } else {
        match stopped {
            // Behind the end of a capture is nothing but silence.
            Some(End::CaptureEnd) if any_fin(facts) => End::Closing,
            Some(stopped) => stopped,
            None => silence(facts),
        }
    }
}

/// When the wire said that the connection is over.
fn end_seen_ns(facts: &Facts, timeouts: &Timeouts) -> Option<u64> {
    let superseded_ns = facts.superseded.then_some(facts.last_seen_ns);
    closed_ns(facts, timeouts)
        .or(reset_ns(facts))
        .or(superseded_ns)
}

fn closed_ns(facts: &Facts, timeouts: &Timeouts) -> Option<u64> {
    let client_ns = *facts.fin_ns.get(Sender::Client);
    let remote_ns = *facts.fin_ns.get(Sender::Remote);
    match (client_ns, remote_ns) {
        (Some(client_ns), Some(remote_ns)) if timeouts.close_on_first_fin => {
            Some(client_ns.min(remote_ns))
        }
        (Some(client_ns), Some(remote_ns)) => Some(client_ns.max(remote_ns)),
        _ if timeouts.close_on_first_fin => client_ns.or(remote_ns),
        _ => None,
    }
}

fn reset_ns(facts: &Facts) -> Option<u64> {
    facts.rst_ns.filter(|_| !facts.rst_refuted)
}

/// What silence means for a connection in this state.
fn silence(facts: &Facts) -> End {
    if any_fin(facts) {
        End::Closing
    } else if facts.established {
        End::Idle
    } else {
        End::Unanswered
    }
}

fn any_fin(facts: &Facts) -> bool {
    facts.fin_ns.0.iter().any(Option::is_some)
}
