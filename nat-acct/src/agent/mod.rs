//! `nat-acct run`: sets up the source, the engine and the sink, and runs until a signal comes. The
//! loop waits; what there is to do is in [`driver`].

mod addresses;
mod boot;
mod driver;
mod inheritance;
mod interfaces;
mod losses;
mod privilege;
mod recorder;
mod signals;
mod sweep;
mod unknown;
mod unwritten;

use std::{future, os::fd::AsRawFd, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{Interest, unix::AsyncFd},
    task::JoinHandle,
    time,
};
use tracing::{info, warn};

use self::{
    driver::Driver,
    recorder::{Recorder, RecorderError},
    signals::{Meaning, Signals},
};
use crate::{
    clock,
    engine::{Engine, Timeouts},
    netlink::{Changes, group},
    record::{End, Format, Stamp},
    sink::{Output, Sink},
    source::live::{Hook, Live, Pins, Predecessor, Settings, check_interfaces, grace},
};

/// How often to look for losses, and for what events may have missed.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(250);

/// What the agent is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names of the inside interfaces.
    pub inside: Vec<String>,
    /// Names of the outside interfaces.
    pub outside: Vec<String>,
    /// Where records go.
    pub output: Output,
    /// How they are written.
    pub format: Format,
    /// When connections end.
    pub timeouts: Timeouts,
    /// Where the programs are attached; `None` for what the kernel has.
    pub hook: Option<Hook>,
    /// How the programs are loaded.
    pub settings: Settings,
    /// Where programs and maps live on when the agent ends.
    pub pin: Option<PathBuf>,
}

impl Config {
    fn interfaces(&self) -> Vec<&str> {
        let all = self.inside.iter().chain(&self.outside);
        all.map(String::as_str).collect()
    }

    /// What adopts the maps of that agent.
    fn succeeding(&self, predecessor: Predecessor) -> Self {
        let settings = predecessor.settings(self.settings.log_level);
        Self {
            inside: predecessor.inside,
            outside: predecessor.outside,
            hook: predecessor.hook,
            timeouts: Timeouts {
                close_on_first_fin: settings.close_on_first_fin,
                ..self.timeouts
            },
            settings,
            ..self.clone()
        }
    }
}

/// What is to be ended, and what to do with its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachConfig {
    /// Where programs and maps live on.
    pub pin: PathBuf,
    /// Where records go.
    pub output: Output,
    /// How they are written.
    pub format: Format,
    /// The least grave events that are logged.
    pub log_level: tracing::Level,
}

impl DetachConfig {
    /// What writes records and follows nothing.
    fn for_records(&self) -> Config {
        Config {
            inside: Vec::new(),
            outside: Vec::new(),
            output: self.output.clone(),
            format: self.format,
            timeouts: Timeouts::default(),
            hook: None,
            settings: Settings {
                max_connections: 1,
                ring_bytes: 1 << 16,
                close_on_first_fin: false,
                log_level: self.log_level,
            },
            pin: Some(self.pin.clone()),
        }
    }
}

/// Runs the agent until SIGINT or SIGTERM, or until nobody reads the records any more.
///
/// # Errors
///
/// When the programs cannot be loaded or attached, or a map cannot be read.
pub fn run(config: &Config) -> Result<()> {
    block_on(async {
        let mut signals = Signals::listen()?;
        let pins = config.pin.as_deref().map(Pins::open).transpose()?;
        let pins = match pins {
            Some(pins) => Some(make_room(pins, config).await?),
            None => None,
        };
        let mut driver = start(config, pins)?;
        info!("attached");
        serve(&mut driver, &mut signals, &config.output).await
    })
}

/// Ends what lives on in the directory that is named: the programs are detached, and the
/// connections that are still open become records.
///
/// # Errors
///
/// When nothing lives there, or what lives there cannot be read.
pub fn detach(config: &DetachConfig) -> Result<()> {
    block_on(async {
        let nothing = || format!("nothing lives on in {}", config.pin.display());
        ensure!(config.pin.exists(), nothing());
        let pins = Pins::open(&config.pin)?;
        let (inherited, predecessor) = (pins.inherited()?, Predecessor::of(&pins)?);
        ensure!(!inherited.is_empty() || predecessor.is_some(), nothing());
        for inherited in inherited {
            inheritance::settle(&config.for_records(), &inherited).await?;
        }
        match predecessor {
            Some(predecessor) => end(&config.for_records().succeeding(predecessor), pins).await,
            None => Ok(()),
        }
    })
}

fn block_on(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    match runtime.block_on(work) {
        Err(error) if is_closed(&error) => Ok(()),
        result => result,
    }
}

/// Ends a predecessor whose maps this agent cannot use.
async fn make_room(pins: Pins, config: &Config) -> Result<Pins> {
    for inherited in pins.inherited()? {
        // What cannot begin does not end what is there.
        check_interfaces(&config.interfaces())?;
        inheritance::settle(config, &inherited).await?;
    }
    let Some(predecessor) = Predecessor::of(&pins)? else {
        return Ok(pins);
    };
    if predecessor.fits(
        &config.settings,
        &config.inside,
        &config.outside,
        config.hook,
    ) {
        return Ok(pins);
    }
    check_interfaces(&config.interfaces())?;
    warn!("what lives on was made with other settings: its connections are recorded and end here");
    end(&config.succeeding(predecessor), pins).await?;
    Pins::open(config.pin.as_deref().context("it was there before")?)
}

/// Adopts what lives on, and ends it.
async fn end(config: &Config, pins: Pins) -> Result<()> {
    let mut driver = start(config, Some(pins))?;
    finish(&mut driver, None).await?;
    driver.unpin()
}

fn start(config: &Config, pins: Option<Pins>) -> Result<Driver> {
    let (inside, outside) = (&config.inside, &config.outside);
    let stamp = Stamp::new(clock::read(), inside, outside);
    let stamp = stamp.of_boot(boot::id()?);
    let sink = Sink::open(config.output.clone())?;
    let mut live = Live::load(&config.settings, pins).map_err(privilege::explain)?;
    log_programs(&mut live)?;
    let attached = if live.is_adopted() {
        live.attach_again(inside, outside, config.hook)
    } else {
        check_interfaces(&config.interfaces())?;
        live.attach(inside, outside, config.hook)
    };
    interfaces::report(&attached.map_err(privilege::explain)?);
    let engine = Engine::new(config.timeouts);
    let recorder = Recorder::start(sink, stamp, config.format);
    let recorder = recorder.context("cannot start the thread that writes records")?;
    let mut driver = Driver::new(live, engine, recorder);
    driver.catch_up()?;
    Ok(driver)
}

/// Lets what the programs log appear in our log.
fn log_programs(live: &mut Live) -> Result<()> {
    let logger = aya_log::EbpfLogger::init(live.ebpf()).context("cannot read the programs' log")?;
    let mut logger = readable(logger)?;
    tokio::spawn(async move {
        while let Ok(mut ready) = logger.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    });
    Ok(())
}

/// Waits for whatever comes first, has it done, and again.
async fn serve(driver: &mut Driver, signals: &mut Signals, output: &Output) -> Result<()> {
    let written = driver.written();
    let events = readable(driver.events_fd()?)?;
    // What has changed before this is seen by the first look around.
    let interfaces = readable(Changes::listen(group::LINK | group::TC)?)?;
    driver.interfaces_changed()?;
    let mut look_around = time::interval(LOOK_AROUND_EVERY);
    let mut grace: Option<JoinHandle<()>> = None;
    loop {
        driver.pump()?;
        if grace.is_none() && driver.begin_grace() {
            grace = Some(tokio::task::spawn_blocking(grace::wait));
        }
        tokio::select! {
            ready = events.readable() => {
                if driver.drain_events() {
                    ready?.clear_ready();
                }
            }
            changed = interfaces.readable() => {
                let mut changed = changed?;
                changed.get_inner().take();
                changed.clear_ready();
                driver.interfaces_changed()?;
            }
            () = until(driver.next_timeout()) => driver.handle_timeout(),
            () = finished(&mut grace) => driver.end_grace(),
            () = future::ready(()), if driver.has_harvest() => driver.harvest()?,
            _ = look_around.tick() => driver.look_around()?,
            () = written.notified() => {}
            meaning = signals.received() => match (meaning, output) {
                (Meaning::HungUp, Output::File(_)) => driver.reopen(),
                // Nothing can be opened again, and the terminal may be gone.
                (Meaning::HungUp, Output::Standard) | (Meaning::Stop, _) => break,
            },
        }
    }
    info!("stopping");
    if driver.lives_on() {
        info!("the programs go on counting: `nat-acct detach` ends them");
        leave(driver, grace).await
    } else {
        finish(driver, grace).await
    }
}

/// Has what is due written, and leaves the rest to the next agent.
async fn leave(driver: &mut Driver, grace: Option<JoinHandle<()>>) -> Result<()> {
    harvest(driver, grace).await?;
    driver.close().await
}

/// Has the records of the connections that are still open written.
async fn finish(driver: &mut Driver, grace: Option<JoinHandle<()>>) -> Result<()> {
    driver.stop(End::AgentStop)?;
    harvest(driver, grace).await?;
    loop {
        if driver.begin_grace() {
            let grace = tokio::task::spawn_blocking(grace::wait);
            harvest(driver, Some(grace)).await?;
        } else if driver.has_retiring() {
            driver.wait_for_room().await;
        } else {
            return driver.close().await;
        }
    }
}

/// Waits for the grace period, if there is one, and reads what it was for.
async fn harvest(driver: &mut Driver, grace: Option<JoinHandle<()>>) -> Result<()> {
    if let Some(grace) = grace {
        grace.await?;
        driver.end_grace();
    }
    while driver.has_harvest() {
        driver.harvest()?;
        driver.pump()?;
    }
    Ok(())
}

async fn until(due_ns: Option<u64>) {
    match due_ns {
        Some(due_ns) => {
            let wait_ns = due_ns.saturating_sub(clock::monotonic_ns());
            time::sleep(Duration::from_nanos(wait_ns)).await;
        }
        None => future::pending().await,
    }
}

/// Resolves when the grace period is over; never without one.
async fn finished(grace: &mut Option<JoinHandle<()>>) {
    match grace {
        Some(handle) => {
            // A panic of the waiting thread means at worst that it did not wait long.
            let _ = handle.await;
            *grace = None;
        }
        None => future::pending().await,
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(RecorderError::Closed))
}

/// Lets the loop wait until `source` can be read.
fn readable<T: AsRawFd + Send + Sync + 'static>(source: T) -> Result<AsyncFd<T>> {
    // SAFETY: all sources, a ring buffer, an owned descriptor and a socket, keep the same
    // descriptor open for as long as they live.
    let registered = unsafe { AsyncFd::register_with_interest(source, Interest::READABLE) };
    registered.context("cannot wait for the kernel")
}
