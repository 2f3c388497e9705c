//! On which side a packet was captured: that of its file, or that of its interface.

use super::{
    config::{Source, Which},
    seen::Side,
};
use crate::capture::{Interface, Link};

/// How the packets of a capture are told apart.
pub(super) enum Sides {
    /// All were captured on this side.
    Whole(Side),
    /// Interfaces tell.
    ByInterface(Selection),
}

pub(super) struct Selection {
    wanted: Vec<Wanted>,
    /// What was found for each interface of the capture.
    known: Vec<Option<Option<Side>>>,
}

struct Wanted {
    which: Which,
    side: Side,
    found: bool,
}

impl Sides {
    pub(super) fn by_interface(inside: &[Which], outside: &[Which]) -> Self {
        let inside = (0..)
            .zip(inside)
            .map(|(zone, which)| (Side::Inside(zone), which));
        let outside = (0..)
            .zip(outside)
            .map(|(zone, which)| (Side::Outside(zone), which));
        let wanted = inside.chain(outside).map(|(side, which)| Wanted {
            which: which.clone(),
            side,
            found: false,
        });
        Self::ByInterface(Selection {
            wanted: wanted.collect(),
            known: Vec::new(),
        })
    }

    /// The side of a packet from the interface with this place and description; `index` is the
    /// number in the packet's own header.
    #[inline]
    pub(super) fn of(
        &mut self,
        place: usize,
        description: &Interface,
        index: Option<u32>,
    ) -> Option<Side> {
        match self {
            Self::Whole(side) => Some(*side),
            Self::ByInterface(selection) => match index {
                Some(index) => selection.find(|which| *which == Which::Number(index)),
                None => selection.of(place, description),
            },
        }
    }

    /// Whether the outside, or a part of it, is in the capture.
    pub(super) fn include_outside(&self) -> bool {
        let is_outside = |side: &Side| matches!(side, Side::Outside(_));
        match self {
            Self::Whole(side) => is_outside(side),
            Self::ByInterface(selection) => selection
                .wanted
                .iter()
                .any(|wanted| is_outside(&wanted.side)),
        }
    }

    /// Why interfaces cannot tell in a capture that begins with this one.
    pub(super) fn refusal(&self, first: &Interface, is_pcapng: bool) -> Option<&'static str> {
        match (self, first.link) {
            (Self::Whole(_), _) | (Self::ByInterface(_), Link::LinuxSll2) => None,
            (Self::ByInterface(_), Link::LinuxSll) => Some(
                "LINUX_SLL does not say by which interface a packet came: capture with `tcpdump \
                 -i any -y LINUX_SLL2`, or give two captures (--inside FILE --outside FILE)",
            ),
            (Self::ByInterface(_), Link::Ethernet | Link::Ip | Link::Unknown(_)) => (!is_pcapng)
                .then_some(
                    "pcap holds one interface and not its name: give two captures (--inside FILE \
                     --outside FILE), or one in pcapng",
                ),
        }
    }

    /// The interfaces that were asked for and not found.
    pub(super) fn missing(&self, described: &[Interface]) -> Vec<String> {
        let Self::ByInterface(selection) = self else {
            return Vec::new();
        };
        let is_missing = |wanted: &&Wanted| {
            !wanted.found
                && !described
                    .iter()
                    .any(|interface| is(interface, &wanted.which))
        };
        let missing = selection.wanted.iter().filter(is_missing);
        missing.map(|wanted| wanted.which.to_string()).collect()
    }

    /// What to call the interfaces of a side in records.
    pub(super) fn name(&self, which: &Which, described: &[Interface]) -> String {
        let described = described.iter().find(|interface| is(interface, which));
        let name = described.and_then(|interface| interface.name.clone());
        name.unwrap_or_else(|| which.to_string())
    }
}

impl Selection {
    #[inline]
    fn of(&mut self, place: usize, description: &Interface) -> Option<Side> {
        if let Some(Some(known)) = self.known.get(place) {
            return *known;
        }
        let side = self.find(|which| is(description, which));
        self.known.resize(self.known.len().max(place + 1), None);
        self.known[place] = Some(side);
        side
    }

    fn find(&mut self, is: impl Fn(&Which) -> bool) -> Option<Side> {
        let wanted = self.wanted.iter_mut().find(|wanted| is(&wanted.which))?;
        wanted.found = true;
        Some(wanted.side)
    }
}

/// Whether a description is meant. With LINUX_SLL2 the numbers are those of packets.
fn is(interface: &Interface, which: &Which) -> bool {
    match which {
        Which::Name(name) => interface.name.as_ref() == Some(name),
        Which::Number(number) => interface.number == *number && interface.link != Link::LinuxSll2,
    }
}

/// What to call the interface of a whole capture in records.
pub(super) fn name_of_whole(source: &Source, described: &[Interface]) -> String {
    let name = described
        .first()
        .and_then(|interface| interface.name.clone());
    name.unwrap_or_else(|| source.stem())
}
