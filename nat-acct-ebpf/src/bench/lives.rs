//! The beginning and the end of connections as they are mostly noted: an element of the kernel's hash
//! for a SYN, the ring buffer for each SYN, FIN and RST, and counting as in [`textbook`].

use aya_ebpf::{
    bindings::BPF_ANY,
    helpers::bpf_ktime_get_ns,
    macros::map,
    maps::{Array, HashMap, PerCpuArray, RingBuf},
    programs::TcContext,
};

use crate::textbook::{self, Counted, Sums};

/// The slot of each connection that was opened.
#[map]
static OPENED: HashMap<[u32; 3], u32> = HashMap::with_max_entries(1, 0);

/// What was counted of it.
#[map]
static OPENED_SUMS: PerCpuArray<Sums> = PerCpuArray::with_max_entries(1, 0);

/// The slot of the next one.
#[map]
static NEXT: Array<u32> = Array::with_max_entries(1, 0);

/// What user space is told.
#[map]
static TOLD: RingBuf = RingBuf::with_byte_size(4096, 0);

/// An event that says all itself.
#[repr(C)]
struct Told {
    at_ns: u64,
    key: [u32; 3],
    flags: u32,
}

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
/// FIN, SYN and RST.
const WORTH_TELLING: u8 = 0x07;

/// A segment on the inside.
#[inline(always)]
pub fn inside(context: &TcContext, is_from_client: bool) -> Option<()> {
    let counted = read(context, is_from_client)?;
    let slot = if opens(&counted) {
        open(&counted)?
    } else {
        // SAFETY: copied at once, and nobody changes it.
        *unsafe { OPENED.get(counted.key) }?
    };
    let sums = OPENED_SUMS.get_ptr_mut(slot)?;
    // SAFETY: this processor's own.
    textbook::add(unsafe { &mut *sums }, &counted);
    if is_worth_telling(&counted) {
        tell(&counted);
    }
    Some(())
}

/// A segment on the outside.
#[inline(always)]
pub fn outside(context: &TcContext) -> Option<()> {
    let counted = textbook::read(context)?;
    if opens(&counted) {
        tell(&counted);
    }
    Some(())
}

/// Reads a packet on the inside; its key is that of the client's packets.
#[inline(always)]
pub fn read(context: &TcContext, is_from_client: bool) -> Option<Counted> {
    let mut counted = textbook::read(context)?;
    if !is_from_client {
        let [source, destination, ports] = counted.key;
        counted.key = [destination, source, ports.rotate_left(16)];
    }
    Some(counted)
}

#[inline(always)]
pub fn is_worth_telling(counted: &Counted) -> bool {
    counted.flags & WORTH_TELLING != 0
}

#[inline(always)]
pub fn opens(counted: &Counted) -> bool {
    counted.flags & (SYN | ACK) == SYN
}

#[inline(always)]
fn open(counted: &Counted) -> Option<u32> {
    let next = NEXT.get_ptr_mut(0)?;
    // SAFETY: programs are run one at a time.
    let slot = unsafe { *next };
    // SAFETY: likewise.
    unsafe { *next = slot + 1 };
    OPENED.insert(counted.key, slot, BPF_ANY.into()).ok()?;
    Some(slot)
}

#[inline(always)]
fn tell(counted: &Counted) {
    send(Told {
        // SAFETY: the helper has no precondition.
        at_ns: unsafe { bpf_ktime_get_ns() },
        key: counted.key,
        flags: u32::from(counted.flags),
    });
}

/// Puts an event into the ring buffer.
#[inline(always)]
pub fn send<T: 'static>(event: T) {
    if let Some(mut entry) = TOLD.reserve(0) {
        entry.write(event);
        entry.submit(0);
    }
}
