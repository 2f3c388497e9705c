//! The least that the beginning and the end of a connection take where each packet is counted, SYN, FIN
//! and RST are told through the ring buffer, and what a lost event said of the outside can be read again:
//! a search in a table as that of [`in_bucket`](crate::in_bucket), events as long as ours, an element
//! of the kernel's hash for a SYN on the outside. It has no lock, slot, permit, facts or numbers.

use aya_ebpf::{
    bindings::BPF_ANY, helpers::bpf_ktime_get_ns, macros::map, maps::HashMap, programs::TcContext,
};

use crate::{in_bucket, lives, textbook};

/// SYNs on the outside, with a key and a value as long as ours.
#[map]
static NOTED: HashMap<[u32; 12], [u64; 2]> = HashMap::with_max_entries(1, 0);

/// A segment on the inside.
#[inline(always)]
pub fn inside(context: &TcContext, is_from_client: bool) -> Option<()> {
    let counted = lives::read(context, is_from_client)?;
    in_bucket::add(&counted)?;
    if lives::is_worth_telling(&counted) {
        lives::send(counted.key[0]);
    }
    Some(())
}

/// A segment on the outside.
#[inline(always)]
pub fn outside(context: &TcContext) -> Option<()> {
    let counted = textbook::read(context)?;
    if lives::opens(&counted) {
        let [source, destination, ports] = counted.key;
        let mut key = [0; 12];
        key[3] = source;
        key[7] = destination;
        key[8] = ports;
        NOTED.insert(key, [0; 2], BPF_ANY.into()).ok()?;
        // SAFETY: the helper has no precondition.
        let at_ns = unsafe { bpf_ktime_get_ns() };
        lives::send((key, at_ns));
    }
    Some(())
}
