//! Waits for whatever comes first, and has the driver do it.

use std::{future, io, os::fd::AsRawFd, time::Duration};

use anyhow::{Context as _, Result};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::Notify,
    task::{self, JoinHandle},
    time::{self, Instant},
};
use tracing::info;

use super::{
    driver::Driver,
    ending,
    endpoint::Questions,
    reload::Reload,
    service,
    service::Watchdog,
    signals::{Meaning, Signals},
};
use crate::{
    clock,
    netlink::{Changes, group},
    sink::Output,
    source::live::grace,
};

/// How often to look for losses, and for what events may have missed.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(250);
/// How long events gather before they are taken, what is due before it is done, and what was written
/// before its place is given free: to wake up for one, with cold caches, costs ten times of what is to be
/// done for it. The ring buffer has room for many more.
const GATHERING: Duration = Duration::from_millis(20);

/// Goes on until a signal comes, and then ends in order.
pub(super) async fn serve(
    driver: &mut Driver,
    signals: &mut Signals,
    output: &Output,
    reload: &mut Reload<'_>,
    questions: &mut Questions,
) -> Result<()> {
    let written = driver.written();
    let events = readable(driver.events_fd()?)?;
    // What has changed before this is seen by the first look around.
    let interfaces = readable(Changes::listen(group::LINK | group::TC)?)?;
    driver.interfaces_changed()?;
    let mut look_around = time::interval(LOOK_AROUND_EVERY);
    let mut watchdog = Watchdog::new();
    let mut grace: Option<JoinHandle<()>> = None;
    let mut is_drained = true;
    let mut gathered_from = Instant::now();
    loop {
        driver.pump()?;
        if grace.is_none() && driver.begin_grace() {
            grace = Some(tokio::task::spawn_blocking(grace::wait));
        }
        tokio::select! {
            () = gathered(gathered_from, is_drained, &events, &written, driver.next_timeout()) => {
                is_drained = driver.drain_events();
                driver.handle_timeout();
                if is_drained {
                    clear_ready(&events);
                    gathered_from = Instant::now() + GATHERING;
                }
            }
            changed = interfaces.readable() => {
                let mut changed = changed?;
                changed.get_inner().take();
                changed.clear_ready();
                driver.interfaces_changed()?;
            }
            () = finished(&mut grace) => driver.end_grace(),
            // After each part of what is long, the kernel is asked what else there is.
            () = future::ready(()), if driver.has_harvest() => {
                driver.harvest()?;
                task::yield_now().await;
            }
            () = future::ready(()), if is_drained && driver.is_sweeping() => {
                driver.go_on_sweeping()?;
                task::yield_now().await;
            }
            _ = look_around.tick() => driver.look_around()?,
            () = watchdog.is_due() => watchdog.alive(),
            Some(question) = questions.next() => {
                // What is written by now has ended.
                driver.pump()?;
                question.answer(driver)?;
            }
            meaning = signals.received() => match meaning {
                Meaning::Stop => break,
                Meaning::HungUp => {
                    if reload.has_file() {
                        reload.again(driver);
                    }
                    match output {
                        Output::File(_) => driver.reopen(),
                        Output::Standard if reload.has_file() => {}
                        // Nothing is there to be opened again, and the terminal may be gone.
                        Output::Standard => break,
                    }
                }
            },
        }
    }
    info!("stopping");
    service::stopping();
    if driver.lives_on() {
        info!("the programs go on counting: `nat-acct detach` ends them");
        ending::leave(driver, grace).await
    } else {
        ending::finish(driver, grace).await
    }
}

/// Resolves when there are events, when records were written, or at `due_ns`; but not before this time.
/// If not all were taken, the kernel is not asked: it knows nothing of those that wait here.
async fn gathered<T: AsRawFd>(
    from: Instant,
    is_drained: bool,
    events: &AsyncFd<T>,
    written: &Notify,
    due_ns: Option<u64>,
) {
    time::sleep_until(from).await;
    tokio::select! {
        () = future::ready(()), if !is_drained => {}
        // There is no error while the runtime is there.
        _ = events.readable(), if is_drained => {}
        () = written.notified() => {}
        () = until(due_ns) => {}
    }
}

/// Takes note that there are no events any more, which is what that error says.
fn clear_ready<T: AsRawFd>(events: &AsyncFd<T>) {
    let none: io::Result<()> = Err(io::ErrorKind::WouldBlock.into());
    let _ = events.try_io(Interest::READABLE, |_| none);
}

/// Resolves at this time; never without one.
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

/// Lets the loop wait until `source` can be read.
pub(super) fn readable<T: AsRawFd + Send + Sync + 'static>(source: T) -> Result<AsyncFd<T>> {
    // SAFETY: all sources, a ring buffer, an owned descriptor and a socket, keep the same
    // descriptor open for as long as they live.
    let registered = unsafe { AsyncFd::register_with_interest(source, Interest::READABLE) };
    registered.context("cannot wait for the kernel")
}
