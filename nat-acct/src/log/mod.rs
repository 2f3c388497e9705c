//! The log: one line per event on standard error, in UTC. Records of the `log` facade, which the
//! programs in the kernel arrive by, are part of it. What is worth a line is not decided here.

mod told;

use std::{
    env,
    io::{self, IsTerminal},
    sync::OnceLock,
};

use tracing::Level;
use tracing_subscriber::{
    Registry, filter::Targets, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use self::told::Keep;
pub use self::told::{Line, Told, told};

/// The loader of programs: of every relocation it tells, which nobody asked for.
const LOADER: [&str; 2] = ["aya", "aya_obj"];
/// What it calls the kernel by. What it warns of comes as an error, too, if it matters.
const SYSTEM_CALLS: &str = "aya::sys";

/// What is let through, for [`set_level`].
static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Starts the log with events of `level` and graver. A second call is without effect.
pub fn init(level: Level) {
    let (targets, filter) = reload::Layer::new(targets(level));
    let lines = fmt::layer()
        .compact()
        .with_target(false)
        .with_ansi(is_coloured())
        .with_writer(io::stderr);
    // An error says that there is a log already, which is what was wanted.
    if tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .with(Keep)
        .try_init()
        .is_ok()
    {
        let _ = FILTER.set(filter);
    }
}

/// From now on, events of `level` and graver. What the programs in the kernel log stays as it was
/// when they were loaded.
pub fn set_level(level: Level) {
    if let Some(filter) = FILTER.get() {
        // The log lives as long as the program.
        let _ = filter.reload(targets(level));
        log::set_max_level(as_log(level));
    }
}

fn targets(level: Level) -> Targets {
    let of_loader = LOADER.map(|target| (target, level.min(Level::WARN)));
    Targets::new()
        .with_default(level)
        .with_targets(of_loader)
        .with_target(SYSTEM_CALLS, Level::ERROR)
}

fn as_log(level: Level) -> log::LevelFilter {
    match level {
        Level::ERROR => log::LevelFilter::Error,
        Level::WARN => log::LevelFilter::Warn,
        Level::INFO => log::LevelFilter::Info,
        Level::DEBUG => log::LevelFilter::Debug,
        Level::TRACE => log::LevelFilter::Trace,
    }
}

/// Colours are for people, and not for those who say no: <https://no-color.org>.
fn is_coloured() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
