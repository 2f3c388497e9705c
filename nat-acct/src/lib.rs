//! The agent of `nat-acct`: sources of events, the engine, records, sinks, and the command line.
//! `ARCHITECTURE.md` is the map.

pub mod agent;
pub mod capture;
pub mod cli;
pub mod clock;
mod compression;
pub mod engine;
pub mod log;
mod netlink;
mod one_line;
pub mod record;
pub mod replay;
pub mod sink;
pub mod source;
pub mod store;
pub mod who;
