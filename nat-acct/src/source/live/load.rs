//! Loading the programs: sizes and constants are set here, then the kernel verifies them.

use anyhow::{Context as _, Error, Result};
use aya::{
    Ebpf, EbpfLoader, include_bytes_aligned,
    programs::{ProgramError, SchedClassifier},
};
use nat_acct_common::layout::{Seed, buckets_for};
use tracing::debug;

use super::{
    counters,
    pins::{self, Pins},
};

static OBJECT: &[u8] = include_bytes_aligned!(env!("NAT_ACCT_EBPF_OBJECT"));

/// Spare buckets where chance may have its way with few connections.
const SPARES_OF_FEW: u32 = 1024;

/// How large the maps are, and what the programs are told.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections at a time.
    pub max_connections: u32,
    /// Size of the ring buffer in bytes: a power of two and a multiple of the page size.
    pub ring_bytes: u32,
    /// Whether the first FIN ends a connection.
    pub close_on_first_fin: bool,
    /// Most verbose level of what the programs log.
    pub log_level: tracing::Level,
}

impl Settings {
    /// Slots are numbered from 1.
    pub(super) const fn slots(&self) -> u32 {
        self.max_connections + 1
    }

    /// Openings that may wait for an answer at a time: so many that a flood of them leaves half of
    /// the slots to connections.
    pub(super) const fn permits(&self) -> u32 {
        self.max_connections.div_ceil(2)
    }

    /// Buckets of all sets of the flow table.
    pub(super) const fn buckets(&self) -> u32 {
        buckets_for(self.max_connections)
    }

    /// Places: buckets of all sets, and behind them spare ones.
    pub(super) fn places(&self) -> u32 {
        self.buckets() + self.spares()
    }

    /// Spare buckets, for connections that find their set of buckets full: an eighth. With twice as
    /// many buckets as connections and a hash that spreads like chance they are 0.84 % (a Poisson
    /// distribution of mean 4); of 16,384 connections with addresses and ports in a row never more than
    /// 1.2 %, with hundreds of seeds.
    pub(super) fn spares(&self) -> u32 {
        let of_few = self.max_connections.min(SPARES_OF_FEW);
        self.max_connections.div_ceil(8).max(of_few)
    }

    /// Buckets in all sets less one.
    pub(super) const fn bucket_mask(&self) -> u32 {
        self.buckets() - 1
    }
}

/// Makes the maps, or takes those that live on in `pins`, and loads the programs.
///
/// # Errors
///
/// When the kernel lacks something that the object needs, refuses a program, or refuses us.
pub(super) fn load(settings: &Settings, seed: Seed, pins: Option<&Pins>) -> Result<Ebpf> {
    let bucket_mask = settings.bucket_mask();
    let places = settings.places();
    let close_on_first_fin = u8::from(settings.close_on_first_fin);
    let log_level = log_level(settings.log_level) as u8;
    let mut loader = EbpfLoader::new();
    loader
        .override_global("SEED", seed.0.as_flattened(), true)
        .override_global("BUCKET_MASK", &bucket_mask, true)
        .override_global("PLACES", &places, true)
        .override_global("CLOSE_ON_FIRST_FIN", &close_on_first_fin, true)
        .override_global(aya_log::LEVEL, &log_level, false)
        .map_max_entries("FLOWS", places)
        .map_max_entries("OVERFLOW", settings.spares())
        .map_max_entries("CONNECTIONS", settings.slots())
        .map_max_entries("COUNTERS", counters::elements(places)?)
        .map_max_entries("FREE_SLOTS", settings.max_connections)
        .map_max_entries("SPARES", settings.spares())
        .map_max_entries("PERMITS", settings.permits())
        .map_max_entries("OUTSIDE_SYNS", settings.max_connections)
        .map_max_entries("EVENTS", settings.ring_bytes);
    if let Some(pins) = pins {
        pins.make()?;
        for name in pins::MAPS {
            loader.map_pin_path(name, pins.map(name));
        }
    }
    let mut ebpf = loader.load(OBJECT).context("cannot load the eBPF object")?;
    for (name, program) in ebpf.programs_mut() {
        let program: &mut SchedClassifier = program
            .try_into()
            .with_context(|| format!("the eBPF program {name} is no classifier"))?;
        program.load().map_err(|error| refused(name, error))?;
    }
    Ok(ebpf)
}

/// The verifier explains itself at length; its last sentence says why.
fn refused(name: &str, error: ProgramError) -> Error {
    let what = format!("the kernel refuses the eBPF program {name}");
    let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    else {
        return Error::new(error).context(what);
    };
    let log = verifier_log.to_string();
    debug!("the verifier says of {name}:\n{log}");
    let is_verdict = |line: &&str| {
        let figures = ["processed ", "verification time ", "stack depth "];
        !line.is_empty() && !figures.iter().any(|figure| line.starts_with(figure))
    };
    let verdict = log.lines().map(str::trim).rev().find(is_verdict);
    let verdict = verdict.unwrap_or("no reason given");
    Error::new(io_error).context(format!("{what} ({verdict})"))
}

/// The same level for the programs, whose log comes by the `log` facade.
fn log_level(level: tracing::Level) -> log::Level {
    match level {
        tracing::Level::ERROR => log::Level::Error,
        tracing::Level::WARN => log::Level::Warn,
        tracing::Level::INFO => log::Level::Info,
        tracing::Level::DEBUG => log::Level::Debug,
        tracing::Level::TRACE => log::Level::Trace,
    }
}
