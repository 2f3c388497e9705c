//! The flow step: what one segment does to the state of its connection. It decides which
//! connection a segment belongs to and notes facts; when a connection ends and what a record says
//! is the engine's business.
//!
//! A packet takes this path: [`observe`] looks up the bucket ([`place`]); a plain segment
//! of an established connection is counted there and then. Everything else goes through
//! [`slow`]: SYNs to [`opening`], the rest to [`stream`] after [`belonging`] has said whose it is.

mod belonging;
mod facts;
mod handle;
mod observe;
mod opening;
mod place;
mod release;
#[cfg(target_has_atomic = "32")]
mod retire;
mod sequence;
mod slow;
mod stream;
mod table;

pub use facts::{CoarseClock, Facts};
pub use observe::{inside, inside_at_once, outside};
pub use release::release;
#[cfg(target_has_atomic = "32")]
pub use retire::{Retired, forget, forgotten, is_found, retire};
pub use table::{Runtime, Table};
