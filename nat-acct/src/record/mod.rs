//! The record of a connection: what the engine says of it, and what the sinks write. It knows
//! neither the kernel nor the formats' consumers.

mod account;
mod compact;
mod ecs;
mod format;
mod identifier;
mod remotes;
mod schema;
mod stamp;
mod stamped;
mod values;
mod wall_clock;
mod words;

pub use account::{
    Account, Direction, End, Endpoint, Interface, Match, Stage, Sums, Totals, Translated,
};
pub use compact::Compact;
pub use ecs::Ecs;
pub use format::Format;
pub use identifier::Identifier;
pub use remotes::Remotes;
pub use schema::schema;
pub use stamp::Stamp;
pub use stamped::Record;
pub use wall_clock::{Change, Reading, WallClock};
