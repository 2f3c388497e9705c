//! What is counted for a connection: one element for each processor and place, all places of a
//! processor together. Where it is follows from the 4-tuple alone, so a processor can fetch it
//! while it still waits for the bucket.

use core::ops::AddAssign;

use super::{PerSender, Sender, manifest::described};
use crate::{memory::Shared, packet::Segment};

/// The counters of a connection on one processor.
#[repr(C)]
#[derive(Default)]
pub struct Counters(PerSender<VolumeCells>);

#[repr(C)]
#[derive(Default)]
struct VolumeCells {
    payload_bytes: Shared<u64>,
    ip_bytes: Shared<u64>,
    packets: Shared<u64>,
}

const _: () = assert!(size_of::<Counters>() == 48);

impl Counters {
    /// Adds a segment. Only the program on this element's own processor writes it.
    #[inline(always)]
    pub fn add(&self, segment: &Segment, payload: u32, sender: Sender) {
        let volume = self.0.get(sender);
        add(&volume.payload_bytes, payload);
        add(&volume.ip_bytes, segment.ip_bytes);
        add(&volume.packets, segment.packets);
    }

    /// Where the counters of `place` are, of so many places, that the processor with this number
    /// writes.
    #[inline(always)]
    pub const fn index(processor: u32, places: u32, place: u32) -> u32 {
        processor.wrapping_mul(places).wrapping_add(place)
    }

    /// Counts from 0 again. Nobody may be counting.
    pub fn clear(&self) {
        for sender in [Sender::Client, Sender::Remote] {
            let volume = self.0.get(sender);
            volume.payload_bytes.set(0);
            volume.ip_bytes.set(0);
            volume.packets.set(0);
        }
    }

    /// What was counted so far.
    pub fn volumes(&self) -> PerSender<Volume> {
        PerSender([Sender::Client, Sender::Remote].map(|sender| {
            let cells = self.0.get(sender);
            Volume {
                payload_bytes: cells.payload_bytes.get(),
                ip_bytes: cells.ip_bytes.get(),
                packets: cells.packets.get(),
            }
        }))
    }
}

#[inline(always)]
fn add(cell: &Shared<u64>, amount: u32) {
    cell.set(cell.get() + u64::from(amount));
}

/// What one end of a connection sent, as seen on the inside.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// TCP payload, retransmissions included.
    pub payload_bytes: u64,
    /// Bytes of the IP datagrams.
    pub ip_bytes: u64,
    /// IP datagrams.
    pub packets: u64,
}

described! { Volume as "volume": payload_bytes, ip_bytes, packets }

impl AddAssign for Volume {
    fn add_assign(&mut self, other: Self) {
        self.payload_bytes += other.payload_bytes;
        self.ip_bytes += other.ip_bytes;
        self.packets += other.packets;
    }
}
