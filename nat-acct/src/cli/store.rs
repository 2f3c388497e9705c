//! `nat-acct store`: its options, and what they mean.

use std::{ffi::OsString, path::PathBuf};

use clap::Subcommand;
use jiff::SignedDuration;

use super::UsageError;
use crate::store::{DEFAULT_DIR, ImportConfig, Input, parse_age};

/// What to do with a store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Put records into a store.
    ///
    /// Lines that are no records are reported with file and line number, and kept in the store's
    /// directory in the file rejected.jsonl; the exit status is then 1. What was imported before changes
    /// nothing.
    Import(ImportArgs),
    /// Throw away what was recorded longer ago than this.
    Keep(KeepArgs),
    /// Find out whether records are missing, by their numbers, and whether files are damaged. The exit
    /// status is 1 if so.
    Check(StoreArgs),
}

/// Which store.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    /// The directory of the store.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DIR)]
    pub store: PathBuf,
}

/// The options of `store import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Which store.
    #[command(flatten)]
    pub store: StoreArgs,

    /// Go on with what is written to the files, also when they are rotated, until SIGINT or SIGTERM.
    /// What was rotated away since the last time is found, as long as its name begins with that of the
    /// file and a dot or a hyphen, also compressed.
    #[arg(long)]
    pub follow: bool,

    /// Records, a line each, in either format, also compressed by gzip or zstd; `-` is standard input.
    #[arg(value_name = "FILE|-", required = true)]
    pub files: Vec<OsString>,
}

/// The options of `store keep`.
#[derive(Debug, clap::Args)]
pub struct KeepArgs {
    /// Which store.
    #[command(flatten)]
    pub store: StoreArgs,

    /// How long to keep records, such as 180d. Files are thrown away whole, an hour each.
    #[arg(value_name = "TIME", value_parser = parse_age)]
    pub age: SignedDuration,
}

/// What the options of an import mean.
pub(super) fn import_config(args: ImportArgs) -> Result<ImportConfig, UsageError> {
    let inputs: Vec<_> = args.files.into_iter().map(input).collect();
    if args.follow && inputs.contains(&Input::Stdin) {
        return Err(UsageError::StdinFollowed);
    }
    Ok(ImportConfig {
        store: args.store.store,
        inputs,
        follow: args.follow,
    })
}

pub(super) fn input(typed: OsString) -> Input {
    if typed == "-" {
        Input::Stdin
    } else {
        Input::File(typed.into())
    }
}
