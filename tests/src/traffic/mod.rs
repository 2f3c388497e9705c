//! Traffic through the gateway, one kind a file. Each function returns the
//! truth about the connections it made, from what both endpoints counted; none
//! looks at packets.

pub mod connect;
pub mod conversation;
pub mod curl;
pub mod half_close;
pub mod held;
pub mod http;
pub mod iperf3;
mod isn;
pub mod many;
pub mod mixed;
pub mod mptcp;
mod relay;
pub mod scp;
pub mod socket;

use std::sync::atomic::{AtomicU64, Ordering};

/// So many bytes that do not repeat and are the same in every run.
#[must_use]
pub fn payload(bytes: u64) -> Vec<u8> {
    let words = bytes.div_ceil(8);
    let mut payload: Vec<u8> = (0..words)
        .flat_map(|word| scramble(word).to_le_bytes())
        .collect();
    payload.truncate(bytes.try_into().expect("fits into memory"));
    payload
}

/// A text that no other traffic of this process has, so that a server's log
/// can be searched for it.
#[must_use]
pub fn unique_tag() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("tag{:08}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The finalizer of `SplitMix64`.
pub(crate) fn scramble(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
