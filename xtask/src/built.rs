//! What cargo has built, by what it says of it (`--message-format=json`).

use std::path::PathBuf;

use serde_json::Value;

/// The programs of a kind, `test` or `bench`, by the names of their targets.
pub fn programs(messages: &str, kind: &str) -> impl Iterator<Item = (String, PathBuf)> {
    messages.lines().filter_map(move |line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let target = &message["target"];
        let is_wanted = target["kind"][0] == kind;
        let program = message["executable"].as_str().filter(|_| is_wanted)?;
        Some((target["name"].as_str()?.to_owned(), program.into()))
    })
}
