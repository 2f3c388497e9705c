//! The configuration is read again: what can change while the agent runs does, and the log says what
//! cannot.

use anyhow::Result;
use tracing::{error, info, warn};

use super::{Config, driver::Driver, service};
use crate::{cli::RELOADED, engine::Timeouts, log};

/// Reads the configuration as it was read at the start.
pub type Read<'a> = dyn Fn() -> Result<Config> + 'a;

pub(super) struct Reload<'a> {
    /// What is in effect.
    config: Config,
    read: &'a Read<'a>,
}

impl<'a> Reload<'a> {
    pub(super) fn new(config: &Config, read: &'a Read<'a>) -> Self {
        Self {
            config: config.clone(),
            read,
        }
    }

    /// Whether there is something to be read again.
    pub(super) fn has_file(&self) -> bool {
        self.config.file.is_some()
    }

    /// Reads the file, and does what it says. One that is wrong changes nothing.
    pub(super) fn again(&mut self, driver: &mut Driver) {
        service::reloading();
        match (self.read)() {
            Ok(config) => self.take(config, driver),
            Err(error) => error!("the configuration stays as it is: {error:#}"),
        }
        service::ready(&self.config.doing());
    }

    fn take(&mut self, config: Config, driver: &mut Driver) {
        driver.set_timeouts(Timeouts {
            // The programs in the kernel know it, too.
            close_on_first_fin: self.config.timeouts.close_on_first_fin,
            ..config.timeouts
        });
        log::set_level(config.settings.log_level);
        let changed = changed(&self.config, &config);
        let is_done = |name: &String| RELOADED.contains(&name.as_str());
        let (done, left): (Vec<_>, Vec<_>) = changed.into_iter().partition(is_done);
        for name in &done {
            let values = config.options.get(name).cloned();
            let values = values.unwrap_or_default();
            self.config.options.insert(name.clone(), values);
        }
        info!(changed = ?done, "the configuration was read again");
        if !left.is_empty() {
            warn!(changed = ?left, "these take effect when the agent is started again");
        }
    }
}

/// The options that one has otherwise than the other.
fn changed(before: &Config, after: &Config) -> Vec<String> {
    let names = before.options.keys().chain(after.options.keys());
    let differs = |name: &&String| before.options.get(*name) != after.options.get(*name);
    let mut names: Vec<_> = names.filter(differs).cloned().collect();
    names.sort();
    names.dedup();
    names
}
