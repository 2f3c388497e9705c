//! The commands that need no agent and no privilege: what they say, and how they end.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use jiff::SignedDuration;
use nat_acct::{
    cli::exit,
    clock,
    store::{self, ImportConfig, KeepConfig},
    who::{self, Verdict, WhoConfig},
};

pub fn import(config: &ImportConfig) -> ExitCode {
    match store::import(config) {
        Ok(sums) => {
            let store::Imported {
                records,
                known,
                open,
                rejected,
                unread,
            } = sums;
            let _ = writeln!(
                io::stderr(),
                "nat-acct: {records} records are new, {known} were there; {open} of connections that \
                 were open; {rejected} lines rejected"
            );
            if rejected == 0 && unread == 0 {
                exit::DONE.into()
            } else {
                exit::RUNTIME.into()
            }
        }
        Err(error) => exit::runtime(&error),
    }
}

pub fn keep(store: PathBuf, age: SignedDuration) -> ExitCode {
    let age_us = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    let since_us = clock::wall_us().saturating_sub(age_us);
    match store::keep(&KeepConfig { store, since_us }) {
        Ok(kept) => exit::answered(&format!(
            "{} records in {} files are gone\n",
            kept.records, kept.hours
        )),
        Err(error) => exit::runtime(&error),
    }
}

pub fn check(store: &Path) -> ExitCode {
    match store::check(store) {
        Ok(checked) => {
            let status = if checked.is_complete() {
                exit::DONE
            } else {
                exit::RUNTIME
            };
            exit::answered_with(&checked.to_string(), status)
        }
        Err(error) => exit::runtime(&error),
    }
}

pub fn who(config: &WhoConfig) -> ExitCode {
    match who::who(config) {
        Ok((verdict, said)) => {
            let status = match verdict {
                Verdict::Found => exit::DONE,
                Verdict::Nobody => exit::NOBODY,
                Verdict::NoAnswer => exit::NO_ANSWER,
            };
            exit::answered_with(&said, status)
        }
        Err(error) => exit::failed(&error, exit::NOT_ASKED),
    }
}
