//! The proof: which sighting belongs to an opening, given all openings and sightings with the same
//! remote, ISN and opener.
//!
//! A packet is seen on the side where it enters before the side where it leaves. So a SYN that
//! leaves by the outside cannot belong to a client that opened later, nor one that entered there
//! to a client that opened before. A client (an inside 4-tuple) has one translated address, and a
//! translated address has one client. What these leave open is ambiguous.

use nat_acct_common::layout::{FlowKey, OutsideKey, Sender};

/// An opening on the inside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub slot: u32,
    pub opened_ns: u64,
    /// When the client opened first with this ISN, without a pause in which it was forgotten.
    pub since_ns: u64,
    pub client: FlowKey,
}

/// A SYN on the outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub key: OutsideKey,
    pub first_ns: u64,
    pub last_ns: u64,
    /// Whether a connection that is gone might have been its owner.
    pub tainted: bool,
}

/// What can be said about an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Only this sighting can be the opening's.
    Proved(OutsideKey),
    /// Several can.
    Ambiguous,
    /// None can.
    Absent,
}

/// Finds the sighting of the opening in `slot`.
pub(super) fn sighting_of(slot: u32, openings: &[Opening], sightings: &[Sighting]) -> Answer {
    let Some(opening) = openings.iter().find(|opening| opening.slot == slot) else {
        return Answer::Absent;
    };
    let mut claims = Claims::new(openings, sightings);
    claims.eliminate();
    match *claims.of(&opening.client) {
        [] => Answer::Absent,
        [only] if claims.is_sole(only) => {
            if is_in_time(opening, &sightings[only]) {
                Answer::Proved(sightings[only].key)
            } else {
                Answer::Absent
            }
        }
        _ => Answer::Ambiguous,
    }
}

/// Marks each sighting that the opening in `slot` might own: once the opening is gone, it must not
/// look as if another were the only claimant.
pub(super) fn taint(slot: u32, openings: &[Opening], sightings: &mut [Sighting]) {
    for opening in openings.iter().filter(|opening| opening.slot == slot) {
        for sighting in sightings.iter_mut().filter(|s| may_belong(opening, s)) {
            sighting.tainted = true;
        }
    }
}

/// Which sightings (by number) each client may own.
struct Claims<'a> {
    sightings: &'a [Sighting],
    clients: Vec<(FlowKey, Vec<usize>)>,
}

impl<'a> Claims<'a> {
    fn new(openings: &[Opening], sightings: &'a [Sighting]) -> Self {
        let mut clients: Vec<(FlowKey, Vec<usize>)> = Vec::with_capacity(openings.len());
        for opening in openings {
            let fitting = (0..sightings.len()).filter(|&s| may_belong(opening, &sightings[s]));
            match clients.iter_mut().find(|(key, _)| *key == opening.client) {
                Some((_, claimed)) => {
                    claimed.extend(fitting);
                    claimed.sort_unstable();
                    claimed.dedup();
                }
                None => clients.push((opening.client, fitting.collect())),
            }
        }
        Self { sightings, clients }
    }

    /// A client with a sighting that can be nobody else's has no claim to those that can. (A
    /// client with one claim only may have no sighting at all, its SYN having been dropped.)
    fn eliminate(&mut self) {
        while let Some((client, disputed)) = self.refuted_claim() {
            self.clients[client].1.retain(|&s| s != disputed);
        }
    }

    /// A client and a sighting that it may not claim, because it has one of its own.
    fn refuted_claim(&self) -> Option<(usize, usize)> {
        self.clients
            .iter()
            .enumerate()
            .filter(|(_, (_, claimed))| claimed.iter().any(|&s| self.is_sole(s)))
            .find_map(|(client, (_, claimed))| {
                let disputed = claimed.iter().find(|&&s| !self.is_sole(s))?;
                Some((client, *disputed))
            })
    }

    /// Whether only one client can own the sighting.
    fn is_sole(&self, sighting: usize) -> bool {
        let claimants = self.clients.iter().filter(|(_, c)| c.contains(&sighting));
        !self.sightings[sighting].tainted && claimants.count() == 1
    }

    fn of(&self, client: &FlowKey) -> &[usize] {
        self.clients
            .iter()
            .find(|(key, _)| key == client)
            .map_or(&[], |(_, claimed)| claimed)
    }
}

/// Whether the order of the packets allows that the sighting is the opening's, or was that of an
/// earlier opening of the same client.
fn may_belong(opening: &Opening, sighting: &Sighting) -> bool {
    match Sender::from_u8(sighting.key.opener) {
        Sender::Client => opening.since_ns <= sighting.first_ns,
        Sender::Remote => opening.opened_ns >= sighting.first_ns,
    }
}

/// Whether the SYN was seen on the outside for this opening, not only for an earlier one of the
/// same client.
fn is_in_time(opening: &Opening, sighting: &Sighting) -> bool {
    match Sender::from_u8(sighting.key.opener) {
        Sender::Client => opening.opened_ns <= sighting.last_ns,
        Sender::Remote => opening.opened_ns >= sighting.first_ns,
    }
}
