//! `nat-acct run`: sets up the source, the engine and the sink, and runs until a signal comes. The
//! loop waits; what there is to do is in [`driver`].

mod addresses;
mod boot;
mod driver;
mod losses;
mod privilege;
mod recorder;
mod sweep;

use std::{future, os::fd::AsRawFd, time::Duration};

use anyhow::{Context as _, Result};
use tokio::{
    io::{Interest, unix::AsyncFd},
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
    time,
};
use tracing::info;

use self::{
    driver::Driver,
    recorder::{Recorder, RecorderError},
};
use crate::{
    clock,
    engine::{Engine, Timeouts},
    record::{End, Format, Stamp},
    sink::{Output, Sink},
    source::live::{Hook, Live, Settings, grace},
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
}

/// Runs the agent until SIGINT or SIGTERM, or until nobody reads the records any more.
///
/// # Errors
///
/// When the programs cannot be loaded or attached, or a map cannot be read.
pub fn run(config: &Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    runtime.block_on(async {
        let mut driver = start(config)?;
        match serve(&mut driver, &config.output).await {
            Ok(()) => Ok(()),
            Err(error) if is_closed(&error) => Ok(()),
            Err(error) => {
                // It is the first error that is to be said.
                let _ = driver.write_rest().await;
                Err(error)
            }
        }
    })
}

fn start(config: &Config) -> Result<Driver> {
    for name in config.inside.iter().chain(&config.outside) {
        Live::check_interface(name)?;
    }
    let stamp = Stamp::new(clock::read(), &config.inside, &config.outside);
    let stamp = stamp.of_boot(boot::id()?);
    let sink = Sink::open(config.output.clone())?;
    let mut live = Live::load(&config.settings).map_err(privilege::explain)?;
    log_programs(&mut live)?;
    let hooks = live
        .attach(&config.inside, &config.outside, config.hook)
        .map_err(privilege::explain)?;
    let names = config.inside.iter().chain(&config.outside);
    for (name, hook) in names.zip(hooks) {
        info!(interface = ?name, %hook, "programs are on the interface");
    }
    info!("attached");
    let engine = Engine::new(config.timeouts);
    let recorder = Recorder::start(sink, stamp, config.format);
    let recorder = recorder.context("cannot start the thread that writes records")?;
    Ok(Driver::new(live, engine, recorder))
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
async fn serve(driver: &mut Driver, output: &Output) -> Result<()> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let written = driver.written();
    let events = readable(driver.events_fd()?)?;
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
            () = until(driver.next_timeout()) => driver.handle_timeout(),
            () = finished(&mut grace) => driver.harvest()?,
            _ = look_around.tick() => driver.look_around()?,
            () = written.notified() => {}
            _ = hung_up.recv() => match output {
                Output::File(_) => driver.reopen(),
                // Nothing can be opened again, and the terminal may be gone.
                Output::Standard => break,
            },
            _ = interrupted.recv() => break,
            _ = terminated.recv() => break,
        }
    }
    info!("stopping");
    finish(driver, grace).await
}

/// Has the records of the connections that are still open written.
async fn finish(driver: &mut Driver, grace: Option<JoinHandle<()>>) -> Result<()> {
    driver.stop(End::AgentStop)?;
    if let Some(grace) = grace {
        grace.await?;
        driver.harvest()?;
    }
    loop {
        driver.pump()?;
        if driver.begin_grace() {
            tokio::task::spawn_blocking(grace::wait).await?;
            driver.harvest()?;
        } else if driver.has_retiring() {
            driver.wait_for_room().await;
        } else {
            return driver.close().await;
        }
    }
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
    // SAFETY: both sources, a ring buffer and an owned descriptor, keep the same descriptor open
    // for as long as they live.
    let registered = unsafe { AsyncFd::register_with_interest(source, Interest::READABLE) };
    registered.context("cannot wait for the ring buffer")
}
