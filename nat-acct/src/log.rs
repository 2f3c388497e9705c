//! The log: one line per event on standard error, in UTC. Records of the `log` facade, which the
//! programs in the kernel arrive by, are part of it. What is worth a line is not decided here.

use std::{
    env,
    io::{self, IsTerminal},
};

use tracing::Level;
use tracing_subscriber::{
    filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// The loader of programs: of every relocation it tells, which nobody asked for.
const LOADER: [&str; 2] = ["aya", "aya_obj"];
/// What it calls the kernel by. What it warns of comes as an error, too, if it matters.
const SYSTEM_CALLS: &str = "aya::sys";

/// Starts the log with events of `level` and graver. A second call is without effect.
pub fn init(level: Level) {
    let of_loader = LOADER.map(|target| (target, level.min(Level::WARN)));
    let targets = Targets::new()
        .with_default(level)
        .with_targets(of_loader)
        .with_target(SYSTEM_CALLS, Level::ERROR);
    let log = fmt()
        .compact()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(is_coloured())
        .with_writer(io::stderr)
        .finish()
        .with(targets);
    // An error says that there is a log already, which is what was wanted.
    let _ = log.try_init();
}

/// Colours are for people, and not for those who say no: <https://no-color.org>.
fn is_coloured() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
