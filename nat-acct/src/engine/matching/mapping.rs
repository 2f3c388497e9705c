//! What the matching has found out about a connection.

use nat_acct_common::layout::{FlowKey, OutsideKey};

use crate::record::{Endpoint, Interface, Match, Translated};

/// What is known about a connection's translated address.
pub(in crate::engine) struct Mapping {
    pub(in crate::engine) matched: Match,
    pub(in crate::engine) translated: Option<Translated>,
}

pub(super) fn outside(sighting: &OutsideKey) -> Translated {
    Translated {
        endpoint: Endpoint {
            ip: sighting.translated.ip(),
            port: sighting.translated_port,
        },
        interface: Interface::Outside(usize::from(sighting.interface)),
    }
}

/// What the other half of a connection between two clients sees instead of the client of this one:
/// its remote.
pub(super) fn inside(other: &FlowKey) -> Translated {
    Translated {
        endpoint: Endpoint {
            ip: other.remote.ip(),
            port: other.remote_port,
        },
        interface: Interface::Inside(other.zone.interface()),
    }
}
