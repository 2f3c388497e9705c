//! A segment on its way from a capture to the flow step.

use nat_acct_common::{layout::Sender, packet::Segment};

/// Where a segment was seen; the number is that of the interface, in the order of the command
/// line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Inside(u32),
    Outside(u16),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub time_ns: u64,
    pub side: Side,
    /// `None` for a SYN on the outside of which nobody knows.
    pub sender: Option<Sender>,
    pub segment: Segment,
}
