//! `nat-acct run`: sets up the source, the engine and the sink, and runs until a signal comes.
//! [`event_loop`] waits; what there is to do is in [`driver`]. What lives on from agent to agent is in
//! [`succession`].

mod addresses;
mod boot;
mod cause_group;
mod chronicle;
mod confinement;
mod driver;
mod ending;
mod endpoint;
mod event_loop;
mod figures;
mod inheritance;
mod interfaces;
mod left_out;
mod losses;
mod metrics;
mod missed;
mod outside;
mod privilege;
mod recorder;
mod reload;
mod service;
mod signals;
mod status;
mod succession;
mod sweep;
mod unknown;
mod unwritten;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tracing::info;

use self::{
    confinement::Files,
    driver::Driver,
    endpoint::{Endpoints, Questions},
    recorder::{Recorder, RecorderError},
    reload::Reload,
    signals::Signals,
};
use crate::{
    clock,
    engine::{Engine, Interim, Timeouts},
    record::{Format, Remotes, Run, Stamp},
    sink::{self, Output, Rotation, Sink},
    source::live::{Live, Pins, Places, Settings},
};

pub use self::{
    endpoint::Address,
    reload::Read,
    status::{State, Status, StatusConfig, status},
    succession::{DetachConfig, detach},
};

/// How long a thread that waits for the kernel is kept for the next time.
const THREADS_LINGER: Duration = Duration::from_millis(100);

/// What the agent is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the programs are attached.
    pub places: Places,
    /// Where records go.
    pub output: Output,
    /// When that is rotated, if it is.
    pub rotation: Option<Rotation>,
    /// How they are written.
    pub format: Format,
    /// What they say of remotes.
    pub remotes: Remotes,
    /// When connections end.
    pub timeouts: Timeouts,
    /// Of which connections that go on there are records.
    pub interim: Interim,
    /// How the programs are loaded.
    pub settings: Settings,
    /// Where programs and maps live on when the agent ends.
    pub pin: Option<PathBuf>,
    /// Where metrics are told, if they are.
    pub metrics: Option<Address>,
    /// The unix socket at which `nat-acct status` asks, if it can.
    pub status_socket: Option<PathBuf>,
    /// Whether the agent shuts itself out of files that it does not go on using.
    pub landlock: bool,
    /// The configuration file that this was read from.
    pub file: Option<PathBuf>,
    /// All options by name, as they would be typed.
    pub options: BTreeMap<String, Vec<OsString>>,
}

impl Config {
    /// The files that are used while the agent runs.
    fn files(&self) -> Files {
        let output = match &self.output {
            Output::Standard => None,
            Output::File(path) => Some(path),
        };
        let written = output.into_iter().flat_map(|path| directories(path));
        let written = written.flat_map(|directory| [directory_around(&directory), directory]);
        let read = self.file.iter().flat_map(|path| directories(path));
        let sockets = match &self.metrics {
            Some(Address::Unix(path)) => Some(path),
            Some(Address::Tcp(_)) | None => None,
        };
        let sockets = sockets.into_iter().chain(&self.status_socket);
        Files {
            written: written.chain(self.pin.clone()).collect(),
            read: read.collect(),
            removed: sockets.flat_map(|path| directories(path)).collect(),
        }
    }

    /// What the agent does, for people.
    fn doing(&self) -> String {
        let Places {
            inside, outside, ..
        } = &self.places;
        let (inside, outside) = (inside.join(", "), outside.join(", "));
        format!("accounting from {inside} to {outside}")
    }
}

/// Where `directory` may be made anew, when it is gone.
fn directory_around(directory: &Path) -> PathBuf {
    let around = directory
        .parent()
        .filter(|around| *around != Path::new("/"));
    around.unwrap_or(directory).to_owned()
}

/// Where a file is. By a symbolic link it may be elsewhere, now or later.
fn directories(path: &Path) -> Vec<PathBuf> {
    let paths = [Some(path.to_owned()), fs::canonicalize(path).ok()];
    let directory = |path: PathBuf| sink::directory(&path).to_owned();
    paths.into_iter().flatten().map(directory).collect()
}

/// Runs the agent until SIGINT or SIGTERM, or until nobody reads the records any more. SIGHUP has
/// it `read` its configuration again, if that is from a file.
///
/// # Errors
///
/// When the programs cannot be loaded or attached, or a map cannot be read.
pub fn run(config: &Config, read: &Read<'_>) -> Result<()> {
    block_on(async {
        let mut signals = Signals::listen()?;
        let pins = config.pin.as_deref().map(Pins::open).transpose()?;
        let pins = match pins {
            Some(pins) => Some(succession::make_room(pins, config).await?),
            None => None,
        };
        let endpoints = Endpoints::bind(config.metrics.as_ref(), config.status_socket.as_deref())?;
        let prepared = Prepared::attach(config, pins)?;
        let files = config.landlock.then(|| config.files());
        confinement::enter(files.as_ref()).await?;
        let mut driver = prepared.drive(config)?;
        let mut questions = Questions::new();
        endpoints.answer(&questions, &driver.occupancy());
        info!("attached");
        service::ready(&config.doing());
        let mut reload = Reload::new(config, read);
        let (signals, output) = (&mut signals, &config.output);
        let served =
            event_loop::serve(&mut driver, signals, output, &mut reload, &mut questions).await;
        if served.is_err() {
            // The first error is the one to be said.
            let _ = driver.write_rest().await;
        }
        served
    })
}

fn block_on(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // No thread that was started before may be used when privileges were given up.
        .thread_keep_alive(THREADS_LINGER)
        .build()
        .context("cannot start the event loop")?;
    match runtime.block_on(work) {
        Err(error) if is_closed(&error) => Ok(()),
        result => result,
    }
}

/// Starts an agent that keeps what it was allowed at the start.
fn start(config: &Config, pins: Option<Pins>) -> Result<Driver> {
    Prepared::attach(config, pins)?.drive(config)
}

/// Programs that count, and a sink that is open.
struct Prepared {
    live: Live,
    sink: Sink,
    stamp: Stamp,
}

impl Prepared {
    fn attach(config: &Config, pins: Option<Pins>) -> Result<Self> {
        let Places {
            inside, outside, ..
        } = &config.places;
        let stamp = Stamp::new(clock::read(), inside, outside).telling(config.remotes);
        let boot_id = boot::id()?;
        let stamp = stamp.of_boot(boot_id);
        let sink = Sink::open(config.output.clone())?;
        let mut live = Live::load(&config.settings, pins).map_err(privilege::explain)?;
        log_programs(&mut live)?;
        let attached = if live.is_adopted() {
            live.attach_again(&config.places)
        } else {
            config.places.check()?;
            live.attach(&config.places)
        };
        interfaces::report(&attached.map_err(privilege::explain)?);
        let stamp = stamp.of_run(Run::of_tables(boot_id, live.number()));
        Ok(Self { live, sink, stamp })
    }

    /// Starts the thread that writes, and takes in what there is already.
    fn drive(self, config: &Config) -> Result<Driver> {
        let rotation = config.rotation.as_ref();
        let recorder = Recorder::start(self.sink, self.stamp, config.format, rotation)?;
        let mut engine = Engine::new(config.timeouts);
        engine.set_interim(config.interim);
        engine.reserve(config.settings.max_connections as usize);
        let mut driver = Driver::new(self.live, engine, recorder);
        driver.catch_up()?;
        Ok(driver)
    }
}

/// Lets what the programs log appear in our log.
fn log_programs(live: &mut Live) -> Result<()> {
    let logger = aya_log::EbpfLogger::init(live.ebpf()).context("cannot read the programs' log")?;
    let mut logger = event_loop::readable(logger)?;
    tokio::spawn(async move {
        while let Ok(mut ready) = logger.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    });
    Ok(())
}

fn is_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(RecorderError::Closed))
}
