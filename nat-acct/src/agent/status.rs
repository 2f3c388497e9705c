//! `nat-acct status`: what lives on, for people.

use std::{fmt::Write as _, path::Path};

use anyhow::{Result, bail};

use crate::{clock, record::Stamp, source::live::Status};

/// Describes what lives on in `pin`.
///
/// # Errors
///
/// When nothing lives there, or it cannot be read.
pub fn status(pin: &Path) -> Result<String> {
    let Some(status) = Status::of(pin)? else {
        bail!("nothing lives on in {}", pin.display());
    };
    let stamp = Stamp::new::<&str>(clock::read(), &[], &[]);
    Ok(describe(&status, pin, &stamp))
}

fn describe(status: &Status, pin: &Path, stamp: &Stamp) -> String {
    let agent = if status.has_agent {
        "an agent runs"
    } else {
        "no agent runs: the programs go on counting"
    };
    let maker = &status.maker;
    let lines = [
        format!("{}: {agent}", pin.display()),
        format!("since {}", stamp.wall_clock(status.made_ns)),
        format!("inside {}", maker.places.inside.join(", ")),
        format!("outside {}", maker.places.outside.join(", ")),
        format!(
            "{} connections of at most {}; {} of them wait for an answer",
            status.connections, maker.max_connections, status.half_open
        ),
        format!("{} records so far", status.records),
        format!(
            "in no record: {} packets with {} payload bytes of connections opened before",
            status.unknown.packets, status.unknown.payload_bytes
        ),
    ];
    let mut text = String::new();
    for line in lines {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
    }
    text
}
