//! The store and the question, as commands: what they print, how they end, and what survives when they
//! are killed.

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../common/mod.rs"]
mod common;
mod day;
mod faults;
mod follow;
mod networks;
mod questions;
mod scratch;
