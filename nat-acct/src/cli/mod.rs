//! The command line: what was typed becomes what is meant, or one line that says why not. Nothing
//! is opened and no interface is looked up here.

mod accounting;
mod args;
mod config;
mod duration;
pub mod exit;
mod parse;
mod replay;
mod usage;

pub use args::Args;
pub use config::{HookChoice, Invocation, RunConfig};
pub use parse::{Refusal, parse};
pub use usage::UsageError;
