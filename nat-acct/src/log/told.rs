//! Counts what is logged at the levels that somebody should read, and keeps the last of it.

use std::{
    fmt::{self, Write as _},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::{clock, one_line::one_line};

/// What was logged since the start.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Lines of the level `error`.
    pub errors: u64,
    /// Lines of the level `warn`.
    pub warnings: u64,
    /// The last line of either.
    pub last: Option<Line>,
}

/// A line that was logged.
#[derive(Clone, Debug)]
pub struct Line {
    /// When, in nanoseconds of the monotonic clock.
    pub at_ns: u64,
    /// How grave it is.
    pub level: Level,
    /// What it says, on one line.
    pub text: String,
}

static TOLD: Mutex<Told> = Mutex::new(Told {
    errors: 0,
    warnings: 0,
    last: None,
});

/// What was logged so far.
pub fn told() -> Told {
    lock().clone()
}

fn lock() -> MutexGuard<'static, Told> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The layer that sees to it.
pub(super) struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::WARN {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let mut told = lock();
        if level == Level::ERROR {
            told.errors += 1;
        } else {
            told.warnings += 1;
        }
        told.last = Some(Line {
            at_ns: clock::monotonic_ns(),
            level,
            text: one_line(&(text.message + &text.fields)),
        });
    }
}

/// The message, and the fields behind it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            // What the `log` facade says of where it was called.
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
