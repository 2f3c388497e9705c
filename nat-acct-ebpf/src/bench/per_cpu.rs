//! What counters of each processor take, and nothing else: the table of [`in_bucket`](crate::in_bucket), and by place in
//! it, in an array with a part for each processor, three additions. It knows nothing of connections.

use aya_ebpf::{helpers::bpf_get_smp_processor_id, macros::map, maps::Array, programs::TcContext};

use crate::in_bucket::{self, BUCKET_MASK};
use crate::textbook::{self, Sums};

/// Of both ways, one of which is added to, as many on each processor as there are buckets.
#[map]
static PARTS: Array<[Sums; 2]> = Array::with_max_entries(1, 0);

#[inline(always)]
pub fn count(context: &TcContext) -> Option<()> {
    let counted = textbook::read(context)?;
    let found = in_bucket::find(&counted.key)?;
    let buckets = BUCKET_MASK.load() + 1;
    let sums = PARTS.get_ptr_mut(processor() * buckets + found.number)?;
    // SAFETY: this processor's own.
    textbook::add(unsafe { &mut (*sums)[0] }, &counted);
    Some(())
}

#[inline(always)]
fn processor() -> u32 {
    // SAFETY: the helper has no precondition.
    unsafe { bpf_get_smp_processor_id() }
}
