//! The record of a connection: what the engine says of it, and what the sinks write. It knows
//! neither the kernel nor the formats' consumers.

mod account;
mod compact;
mod digits;
mod ecs;
mod format;
mod identifier;
mod remotes;
mod run;
mod schema;
mod stamp;
mod stamped;
mod told;
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
pub use run::Run;
pub use schema::schema;
pub use stamp::Stamp;
pub use stamped::Record;
pub use told::{Connection, Network, NoRecord, Told, read};
pub use values::time;
pub use wall_clock::{Change, Reading, WallClock};
pub use words::{Kind, Matched, Opened, Reason, written};
