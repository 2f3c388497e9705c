//! From the day to the store, a part at a time, so that it shows whether the last is as fast as the
//! first; and to compressed lines, for the others.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{Args, day};
use crate::{
    bench::measure::{Outcome, measure},
    process::Cmd,
};

pub const PART: u64 = 1_000_000;
const LIMIT: Duration = Duration::from_secs(600);

/// What loading took, and what became of it.
pub struct Loaded {
    pub records: u64,
    pub store: PathBuf,
    pub store_bytes: u64,
    pub lines: PathBuf,
    pub plain_bytes: u64,
    pub compressed_bytes: u64,
    /// Records a second of each part, by the clock and by the CPU.
    pub rates: Vec<[f64; 2]>,
    pub peak_bytes: u64,
}

pub fn load(args: &Args, agent: &Path, dir: &Path) -> Result<Loaded> {
    let store = dir.join("store");
    let lines = dir.join("day.jsonl.zst");
    let mut parts = Parts::new(agent, dir, &store, &lines)?;
    day::generate(args.records, args.seed, |number, connection| {
        connection.write_compact(number, &mut parts.text)?;
        parts.records += 1;
        if parts.records == PART {
            parts.finish().map_err(std::io::Error::other)?;
        }
        Ok(())
    })?;
    if parts.records > 0 {
        parts.finish()?;
    }
    let Parts {
        compressor,
        rates,
        plain_bytes,
        peak_bytes,
        ..
    } = parts;
    finish(compressor)?;
    Ok(Loaded {
        records: args.records,
        store_bytes: size(&store)?,
        store,
        compressed_bytes: fs::metadata(&lines)?.len(),
        lines,
        plain_bytes,
        rates,
        peak_bytes,
    })
}

struct Parts<'a> {
    agent: &'a Path,
    store: &'a Path,
    part: PathBuf,
    log: File,
    compressor: Child,
    text: Vec<u8>,
    records: u64,
    rates: Vec<[f64; 2]>,
    plain_bytes: u64,
    peak_bytes: u64,
}

impl<'a> Parts<'a> {
    fn new(agent: &'a Path, dir: &Path, store: &'a Path, lines: &Path) -> Result<Self> {
        let compressor = Command::new("zstd")
            .args(["-q", "-3", "-c"])
            .stdin(Stdio::piped())
            .stdout(File::create(lines)?)
            .spawn();
        Ok(Self {
            agent,
            store,
            part: dir.join("part.jsonl"),
            log: File::create(dir.join("log"))?,
            compressor: compressor.context("cannot run zstd")?,
            text: Vec::new(),
            records: 0,
            rates: Vec::new(),
            plain_bytes: 0,
            peak_bytes: 0,
        })
    }

    /// Imports what there is, and has it compressed.
    fn finish(&mut self) -> Result<()> {
        let mut file = BufWriter::new(File::create(&self.part)?);
        file.write_all(&self.text)?;
        file.flush()?;
        let import = Cmd::of(self.agent)
            .args(["store", "import", "--store"])
            .arg(self.store.display().to_string())
            .arg(self.part.display().to_string());
        let took = measure(&import, LIMIT, &self.log)?;
        ensure!(took.outcome == Outcome::Done, "the import failed");
        let rates = [took.wall_s, took.cpu_s].map(|seconds| self.records as f64 / seconds);
        println!("    {:.0} records/s, {:.0} by the CPU", rates[0], rates[1]);
        self.rates.push(rates);
        self.peak_bytes = self.peak_bytes.max(took.peak_bytes);
        self.plain_bytes += self.text.len() as u64;
        let compressor = self
            .compressor
            .stdin
            .as_mut()
            .context("zstd has an input")?;
        compressor.write_all(&self.text)?;
        self.text.clear();
        self.records = 0;
        fs::remove_file(&self.part)?;
        Ok(())
    }
}

fn finish(mut compressor: Child) -> Result<()> {
    drop(compressor.stdin.take());
    ensure!(compressor.wait()?.success(), "zstd failed");
    Ok(())
}

/// The bytes of all files in a directory.
pub fn size(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
