//! What people use now: `zstdcat | rg` over the compressed lines. It finds all that ever had the endpoint;
//! who reads the lines looks at the times.

use std::{fs::File, time::Duration};

use anyhow::{Result, ensure};

use super::{Asked, load::Loaded, questions::Questions};
use crate::{
    bench::{
        measure::{Outcome, measure},
        packages,
    },
    process::{Cmd, find},
};

/// All of the lines are read for each.
const QUESTIONS: usize = 3;
const LIMIT: Duration = Duration::from_secs(600);

pub fn ask(questions: &Questions, loaded: &Loaded) -> Result<Option<Asked>> {
    packages::install(&[("rg", "ripgrep")]);
    if find("rg").is_none() {
        return Ok(None);
    }
    let log = File::create(loaded.lines.with_extension("log"))?;
    let (mut warm_ms, mut peak_bytes) = (Vec::new(), 0);
    for question in questions.iter().take(QUESTIONS) {
        let pipe = format!(
            "zstd -dc {} | rg -F '\"x\":\"{}:{}\"'",
            loaded.lines.display(),
            question.ip,
            question.port
        );
        let took = measure(&Cmd::new("sh -c").arg(pipe), LIMIT, &log)?;
        ensure!(took.outcome == Outcome::Done, "rg found nothing");
        warm_ms.push(took.wall_s * 1e3);
        peak_bytes = peak_bytes.max(took.peak_bytes);
    }
    Ok(Some(Asked {
        name: "zstd -dc, rg -F",
        version: packages::version("ripgrep").unwrap_or_default(),
        imported: Vec::new(),
        warm_ms,
        cold_ms: Vec::new(),
        peak_bytes,
        bytes_a_record: loaded.compressed_bytes as f64 / loaded.records as f64,
        remark: "all that ever had the endpoint, three questions; both programs on one CPU"
            .to_owned(),
    }))
}
