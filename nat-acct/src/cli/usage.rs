//! What is wrong with a command line, in one line that says what and where.

use std::{ffi::OsString, path::PathBuf};

use thiserror::Error;

use crate::one_line::one_line;

/// Why the options do not agree with each other.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UsageError {
    /// The same interface twice.
    #[error("{1} {name} is also {0} {name}: name each interface once", name = .2.display())]
    InterfaceTwice(&'static str, &'static str, OsString),
    /// An interface without a name.
    #[error("{0} wants the name of an interface")]
    NamelessInterface(&'static str),
    /// More interfaces on one side than the programs know.
    #[error("more than {1} times {0}")]
    ManyInterfaces(&'static str, usize),
    /// The same capture, or the same interface of one, twice.
    #[error("{0} {name} was given before: name each capture or interface once", name = .1.display())]
    CaptureTwice(&'static str, OsString),
    /// A capture or an interface without a name.
    #[error("{0} wants a capture, or an interface in one")]
    NamelessCapture(&'static str),
    /// Rotated files are to be removed, but none are made.
    #[error("--keep-for and --keep-size want --rotate-size or --rotate-every")]
    KeepWithoutRotation,
    /// Rotation of what has no name.
    #[error("--rotate-size and --rotate-every want a file as --output")]
    RotationOfStandardOutput,
    /// A ring buffer that the kernel would refuse.
    #[error("--ring-bytes {0} is not a power of two, at least {1} (a page)")]
    RingSize(u32, u32),
    /// Standard input has no name by which to find it again.
    #[error("--follow follows files, not standard input")]
    StdinFollowed,
    /// A configuration file that cannot be read.
    #[error("cannot read {}: {cause}", one_line(&path.to_string_lossy()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// A configuration file with something wrong in it.
    #[error("{}:{line}: {what}", one_line(&path.to_string_lossy()))]
    Configuration {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// What the parser of options says, already in one line.
    #[error("{0}")]
    Option(String),
}

impl UsageError {
    /// What clap would say in a paragraph and a screen of usage.
    pub(super) fn of_clap(error: &clap::Error) -> Self {
        let said = error.render().to_string();
        let mut paragraphs = said.split("\n\n").map(joined);
        let what = paragraphs.next().unwrap_or_default();
        let what = what.strip_prefix("error: ").unwrap_or(&what);
        let tips =
            paragraphs.filter_map(|paragraph| Some(paragraph.strip_prefix("tip: ")?.to_owned()));
        let parts: Vec<_> = std::iter::once(what.to_owned()).chain(tips).collect();
        Self::Option(parts.join("; "))
    }
}

fn joined(paragraph: &str) -> String {
    let lines: Vec<_> = paragraph.lines().map(str::trim).collect();
    lines.join(" ").trim().to_owned()
}
