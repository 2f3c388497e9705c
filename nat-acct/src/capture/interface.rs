//! An interface as a capture describes it.

use super::{Link, clock::Clock};

/// What a capture says of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number in the capture, or in its section of the capture.
    pub number: u32,
    /// Its name, if the capture says it: pcapng may, pcap never does.
    pub name: Option<String>,
    /// What its packets start with.
    pub link: Link,
    /// The most bytes that were to be captured of a packet; 0 for no limit.
    pub snap_len: u32,
    pub(super) clock: Clock,
}
