//! Which connection the next packet is of.

use aya_ebpf::{helpers::bpf_ktime_get_ns, macros::map, maps::Array};

/// Written by user space before each run: see [`Plan`]'s fields.
#[map]
static PLAN: Array<Plan> = Array::with_max_entries(1, 0);

/// What is drawn. The bench has the same layout.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Plan {
    /// State of the generator (Marsaglia, Xorshift RNGs, 2003); not 0.
    state: u64,
    /// Packets so far.
    turn: u32,
    /// The first connection.
    first: u32,
    /// Connections to draw from; 0 to take them in order.
    drawn_from: u32,
    /// The sequence number of the first packet.
    seq: u32,
    /// By how much the number grows every 64 packets.
    step: u32,
    /// Not 0 if a packet may begin before the one before it is done.
    back_to_back: u32,
}

/// What goes into the packet.
pub struct Drawn {
    pub address: u32,
    pub port: u16,
    pub seq: u32,
}

impl Drawn {
    /// Both ports, in a segment of the client.
    #[inline(always)]
    pub fn client_ports(&self) -> u32 {
        u32::from(self.port) << 16 | REMOTE_PORT
    }

    /// Both ports, in a segment of the remote.
    #[inline(always)]
    pub fn remote_ports(&self) -> u32 {
        REMOTE_PORT << 16 | u32::from(self.port)
    }
}

/// Connections of one address. The bench fills its tables by the same rule.
const PER_ADDRESS_BITS: u32 = 6;
const FIRST_ADDRESS: u32 = 0x0a00_0000;
const FIRST_PORT: u16 = 40_000;
const REMOTE_PORT: u32 = 80;

#[inline(always)]
pub fn next() -> Option<Drawn> {
    let plan = PLAN.get_ptr_mut(0)?;
    // SAFETY: programs are run one at a time.
    let plan = unsafe { &mut *plan };
    if plan.back_to_back == 0 {
        // The clock is read when all before it is done. Without that a processor begins with the
        // next packet while it waits for memory, which it hardly can in life: there is a whole
        // network stack between two packets.
        // SAFETY: the helper has no precondition.
        unsafe { bpf_ktime_get_ns() };
    }
    let number = plan.number();
    let seq = plan.seq.wrapping_add((plan.turn >> 6) * plan.step);
    plan.turn += 1;
    Some(Drawn {
        address: FIRST_ADDRESS + (number >> PER_ADDRESS_BITS),
        port: FIRST_PORT + (number & ((1 << PER_ADDRESS_BITS) - 1)) as u16,
        seq,
    })
}

impl Plan {
    #[inline(always)]
    fn number(&mut self) -> u32 {
        let mut x = self.state;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.state = x;
        let drawn = ((x >> 32) * u64::from(self.drawn_from)) >> 32;
        if self.drawn_from == 0 {
            self.first + self.turn
        } else {
            self.first + drawn as u32
        }
    }
}
