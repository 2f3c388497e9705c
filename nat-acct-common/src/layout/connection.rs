//! What is known of a connection besides its counters: one element of an array for each slot. A
//! connection keeps its slot from its opening until user space has harvested it, also when its
//! 4-tuple has been taken over by another.
//!
//! Each field is written by one kind of packet, so programs on several processors need no lock.

use super::{PerSender, Sender, manifest::described};
use crate::{memory::Shared, packet::Segment};

/// The facts of one connection. A number of 0 stands for "not seen" where nothing else is said.
#[repr(C)]
#[derive(Default)]
pub struct Connection {
    /// When the opening SYN was seen, in nanoseconds of the monotonic clock; 0 for a free slot.
    /// With the slot it identifies the connection.
    pub opened_ns: Shared<u64>,
    /// When the last segment outside the fast path was seen.
    pub last_ns: Shared<u64>,
    /// When the first FIN of each sender was seen.
    pub fin_ns: PerSender<Shared<u64>>,
    /// When the first RST was seen.
    pub rst_ns: Shared<u64>,
    /// When the opening SYN was last seen.
    pub last_syn_ns: Shared<u64>,
    /// The number of its record plus one, once it has one; 0 before. Written by user space.
    pub record_number: Shared<u64>,
    /// Initial sequence number of each sender, if [`Self::has_isn`] says so.
    pub isn: PerSender<Shared<u32>>,
    /// The ISN of a second SYN-ACK with another number, until the opener acknowledges one.
    pub alternate_isn: Shared<u32>,
    /// The sequence number of each sender's first FIN.
    pub fin_seq: PerSender<Shared<u32>>,
    /// The coarse clock at the opening.
    pub opened_ticks: Shared<u32>,
    /// The number of its bucket, where the 4-tuple is, and of its counters.
    pub place_number: Shared<u32>,
    /// Slot of an opening with the same 4-tuple that has not been answered yet.
    pub challenger: Shared<u32>,
    /// Slot of the connection that had the 4-tuple before.
    pub predecessor: Shared<u32>,
    /// Slot of the connection that took the 4-tuple over.
    pub successor: Shared<u32>,
    opener: Shared<u8>,
    /// Whether [`Self::isn`] is known.
    pub has_isn: PerSender<Shared<bool>>,
    /// Whether the sender has sent something past its SYN.
    pub moved: PerSender<Shared<bool>>,
    /// Whether [`Self::alternate_isn`] is meant.
    pub has_alternate: Shared<bool>,
    /// Whether the opener has acknowledged the peer's SYN.
    pub established: Shared<bool>,
    /// Whether each sender was seen to go on after the RST.
    pub alive_after_rst: PerSender<Shared<bool>>,
    /// Whether another connection took the 4-tuple over.
    pub superseded: Shared<bool>,
    /// Whether the peer went on with the older connection after this opening.
    pub challenged: Shared<bool>,
    /// Whether user space has seen another opening with the same ISN to the same remote: then only
    /// who has seen the order of all packets can tell whose a SYN on the outside is. Written by user
    /// space.
    pub isn_is_shared: Shared<bool>,
    padding: [u8; 4],
}

const _: () = assert!(size_of::<Connection>() == 112);

described! {
    Connection as "connection":
    opened_ns, last_ns, fin_ns, rst_ns, last_syn_ns, record_number, isn, alternate_isn,
    fin_seq, opened_ticks, place_number, challenger, predecessor, successor, opener, has_isn, moved,
    has_alternate, established, alive_after_rst, superseded, challenged, isn_is_shared,
}

impl Connection {
    /// Reads something of each cache line, so that the next who reads finds them in the cache; tells
    /// the number of the bucket.
    pub fn fetch(&self) -> u32 {
        // Reads of shared memory are not left out.
        let _ = (
            self.opened_ns.get(),
            self.last_syn_ns.get(),
            self.opener.get(),
        );
        self.place_number.get()
    }

    /// Writes everything that the opening SYN says but its number, its place and
    /// [`Self::opened_ns`], which publishes and comes last.
    #[inline(always)]
    pub(crate) fn begin(&self, opener: Sender, now_ns: u64, ticks: u32) {
        for sender in [Sender::Client, Sender::Remote] {
            self.fin_ns.get(sender).set(0);
            self.has_isn.get(sender).set(false);
            self.moved.get(sender).set(false);
            self.alive_after_rst.get(sender).set(false);
        }
        self.rst_ns.set(0);
        self.last_ns.set(now_ns);
        self.last_syn_ns.set(now_ns);
        self.record_number.set(0);
        self.opened_ticks.set(ticks);
        self.challenger.set(0);
        self.predecessor.set(0);
        self.successor.set(0);
        self.opener.set(opener as u8);
        self.has_alternate.set(false);
        self.established.set(false);
        self.superseded.set(false);
        self.challenged.set(false);
        self.isn_is_shared.set(false);
    }

    /// Who sent the opening SYN.
    #[inline(always)]
    pub fn opener(&self) -> Sender {
        Sender::from_u8(self.opener.get())
    }

    /// Whether `segment` is the opening SYN again: the same ISN, and nothing was sent past it.
    #[inline(always)]
    pub(crate) fn is_opened_by(&self, segment: &Segment, sender: Sender) -> bool {
        self.has_isn.get(sender).get()
            && self.isn.get(sender).get() == segment.seq
            && !self.moved.get(sender).get()
    }

    /// Forgets an RST that was no end.
    pub fn forget_reset(&self) {
        self.rst_ns.set(0);
        for sender in [Sender::Client, Sender::Remote] {
            self.alive_after_rst.get(sender).set(false);
        }
    }

    /// Whether either side has sent a FIN.
    #[inline(always)]
    pub fn has_any_fin(&self) -> bool {
        self.fin_ns.get(Sender::Client).get() | self.fin_ns.get(Sender::Remote).get() != 0
    }

    /// Whether the connection has come to its end, unless stragglers prove otherwise.
    #[inline(always)]
    pub fn has_ended(&self) -> bool {
        let fin = |sender| self.fin_ns.get(sender).get() != 0;
        let alive = |sender| self.alive_after_rst.get(sender).get();
        fin(Sender::Client) && fin(Sender::Remote)
            || self.rst_ns.get() != 0 && !(alive(Sender::Client) && alive(Sender::Remote))
    }
}
