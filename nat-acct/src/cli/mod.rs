//! The command line: what was typed becomes what is meant, or one line that says why not. Nothing
//! but a configuration file is opened, and no interface is looked up here.

mod accounting;
mod args;
mod config;
mod duration;
pub mod exit;
mod file;
mod metrics;
mod parse;
mod replay;
mod rotation;
mod store;
mod usage;
mod who;

pub use args::Args;
pub use config::{HookChoice, Invocation, RunConfig};
pub use file::{DEFAULT_FILE, Key, default_config, explained_keys as keys};
pub use parse::{Refusal, parse};
pub use usage::UsageError;

/// The options that change while the agent runs, when it reads its configuration again. For the
/// others, it has to be started again.
pub const RELOADED: [&str; 5] = [
    "linger",
    "idle-timeout",
    "opening-timeout",
    "closing-timeout",
    "log-level",
];
