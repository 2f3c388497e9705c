//! What counters in the bucket itself would gain at most: a table as ours, but what is counted is in
//! the cache line of the key. The additions would have to be atomic, which these are not. It knows
//! nothing of connections either.

use aya_ebpf::{Global, macros::map, maps::Array, programs::TcContext};

use crate::textbook::{self, Counted, Sums};

/// Number of buckets less one; the number is a power of two.
#[unsafe(no_mangle)]
pub static BUCKET_MASK: Global<u32> = Global::new(0);

#[map]
static BUCKETS: Array<Bucket> = Array::with_max_entries(1, 0);

/// Packets that found no bucket.
#[map]
static MISSED: Array<u32> = Array::with_max_entries(1, 0);

#[repr(C)]
struct Bucket {
    key: [u32; 3],
    padding: u32,
    sums: Sums,
    rest: [u64; 3],
}

/// How far a key may be from its place.
const PROBES: u32 = 32;

#[inline(always)]
pub fn count(context: &TcContext) -> Option<()> {
    add(&textbook::read(context)?)
}

#[inline(always)]
pub fn add(counted: &Counted) -> Option<()> {
    // SAFETY: programs are run one at a time.
    let bucket = unsafe { &mut *find(&counted.key)?.bucket };
    textbook::add(&mut bucket.sums, counted);
    Some(())
}

/// Where a key is.
pub struct Found {
    pub number: u32,
    bucket: *mut Bucket,
}

/// Looks for a key, which is put into the table if it is not there.
#[inline(always)]
pub fn find(key: &[u32; 3]) -> Option<Found> {
    let [source, destination, ports] = *key;
    let addresses = u64::from(source) << 32 | u64::from(destination);
    let hash = spread(spread(addresses) ^ u64::from(ports)) as u32;
    for step in 0..PROBES {
        let number = hash.wrapping_add(step) & BUCKET_MASK.load();
        let at = BUCKETS.get_ptr_mut(number)?;
        // SAFETY: programs are run one at a time.
        let bucket = unsafe { &mut *at };
        if bucket.key[2] == 0 {
            bucket.key = *key;
        }
        if bucket.key == *key {
            return Some(Found { number, bucket: at });
        }
    }
    let missed = MISSED.get_ptr_mut(0)?;
    // SAFETY: programs are run one at a time.
    unsafe { *missed += 1 };
    None
}

/// Knuth, TAOCP vol. 3, section 6.4.
#[inline(always)]
const fn spread(bits: u64) -> u64 {
    let product = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 32
}
