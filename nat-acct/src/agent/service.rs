//! What a service manager is told, if there is one: `sd_notify(3)`. That it does not listen is no
//! reason not to account, so errors are ignored.

use std::{future, time::Duration};

use sd_notify::{NotifyState, notify, watchdog_enabled};
use tokio::time::{self, Interval, MissedTickBehavior};

/// The agent has attached; `doing` is a line for people.
pub(super) fn ready(doing: &str) {
    let _ = notify(&[NotifyState::Ready, NotifyState::Status(doing)]);
}

/// The configuration is read again. [`ready`] follows.
pub(super) fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        let _ = notify(&[NotifyState::Reloading, now]);
    }
}

/// The agent ends in order.
pub(super) fn stopping() {
    let status = NotifyState::Status("writing the records that are due");
    let _ = notify(&[NotifyState::Stopping, status]);
}

/// Has the service manager see that the loop goes round: one that is stuck is ended by it.
pub(super) struct Watchdog(Option<Interval>);

impl Watchdog {
    /// With the limit that the service manager has set, if it has.
    pub(super) fn new() -> Self {
        // Twice as often as it must be, as sd_watchdog_enabled(3) recommends.
        let period = watchdog_enabled().map(|limit| limit / 2);
        let interval = |period: Duration| {
            let mut interval = time::interval(period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        Self(period.filter(|period| !period.is_zero()).map(interval))
    }

    /// Resolves when the service manager is to be told again.
    pub(super) async fn is_due(&mut self) {
        match &mut self.0 {
            Some(interval) => {
                interval.tick().await;
            }
            None => future::pending().await,
        }
    }

    /// Tells it.
    pub(super) fn alive(&self) {
        let _ = notify(&[NotifyState::Watchdog]);
    }
}
