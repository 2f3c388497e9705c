//! The record of a connection: what the engine says of it, and what the sinks write. It knows
//! neither the kernel nor the formats' consumers.

mod closed;
mod compact;
mod ecs;
mod format;
mod identifier;
mod schema;
mod stamp;
mod stamped;
mod values;
mod wall_clock;
mod words;

pub use closed::{Closed, Direction, End, Endpoint, Interface, Match, Sums, Totals, Translated};
pub use compact::Compact;
pub use ecs::Ecs;
pub use format::Format;
pub use identifier::Identifier;
pub use schema::schema;
pub use stamp::Stamp;
pub use stamped::Record;
pub use wall_clock::{Change, Reading, WallClock};
