//! What lives on from agent to agent: the next one adopts it, or ends it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use tracing::warn;

use super::{Config, block_on, ending, start};
use crate::{
    engine::Timeouts,
    record::Format,
    sink::Output,
    source::live::{Pins, Predecessor},
};

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

/// Ends what lives on in the directory that is named: the programs are detached, and the
/// connections that are still open become records.
///
/// # Errors
///
/// When nothing lives there, or what lives there cannot be read.
pub fn detach(config: &DetachConfig) -> Result<()> {
    block_on(async {
        let pins = Pins::open(&config.pin)?;
        let predecessor = Predecessor::of(&pins)?;
        let Some(predecessor) = predecessor else {
            bail!("nothing lives on in {}", config.pin.display());
        };
        let settings = predecessor.settings(config.log_level);
        let config = Config {
            inside: predecessor.inside,
            outside: predecessor.outside,
            output: config.output.clone(),
            format: config.format,
            timeouts: Timeouts {
                close_on_first_fin: settings.close_on_first_fin,
                ..Timeouts::default()
            },
            hook: None,
            settings,
            pin: Some(config.pin.clone()),
        };
        end(&config, pins).await
    })
}

/// Ends a predecessor whose maps this agent cannot use.
pub(super) async fn make_room(pins: Pins, config: &Config) -> Result<Pins> {
    let Some(predecessor) = Predecessor::of(&pins)? else {
        return Ok(pins);
    };
    if predecessor.fits(&config.settings, &config.inside, &config.outside) {
        return Ok(pins);
    }
    warn!("what lives on was made with other settings: its connections are recorded and end here");
    let settings = predecessor.settings(config.settings.log_level);
    let config = Config {
        inside: predecessor.inside,
        outside: predecessor.outside,
        timeouts: Timeouts {
            close_on_first_fin: settings.close_on_first_fin,
            ..config.timeouts
        },
        settings,
        ..config.clone()
    };
    end(&config, pins).await?;
    Pins::open(config.pin.as_deref().context("it was there before")?)
}

/// Adopts what lives on, and ends it.
async fn end(config: &Config, pins: Pins) -> Result<()> {
    let mut driver = start(config, Some(pins))?;
    ending::finish(&mut driver, None).await?;
    driver.unpin()
}
