//! Where the engine's events come from.

pub mod live;
pub mod memory;
