//! What lives on from agent to agent: the next one adopts it, or ends it.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use tracing::warn;

use super::{Config, block_on, ending, inheritance, start};
use crate::{
    engine::{Interim, Timeouts},
    record::{Format, Remotes},
    sink::Output,
    source::live::{Inherited, Pins, Places, Predecessor, Settings},
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
    /// What they say of remotes.
    pub remotes: Remotes,
    /// The least grave events that are logged.
    pub log_level: tracing::Level,
}

impl DetachConfig {
    /// What writes records and follows nothing.
    fn for_records(&self) -> Config {
        Config {
            places: Places::default(),
            output: self.output.clone(),
            format: self.format,
            remotes: self.remotes,
            timeouts: Timeouts::default(),
            interim: Interim::default(),
            settings: Settings {
                max_connections: 1,
                ring_bytes: 1 << 16,
                close_on_first_fin: false,
                log_level: self.log_level,
            },
            pin: Some(self.pin.clone()),
            rotation: None,
            metrics: None,
            status_socket: None,
            landlock: false,
            file: None,
            options: BTreeMap::new(),
        }
    }
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
        let (inherited, predecessor) = (Inherited::of(&pins)?, Predecessor::of(&pins)?);
        ensure!(!inherited.is_empty() || predecessor.is_some(), nothing());
        for inherited in inherited {
            inheritance::settle(&config.for_records(), &inherited).await?;
        }
        match predecessor {
            Some(predecessor) => end(&succeeding(&config.for_records(), predecessor), pins).await,
            None => Ok(()),
        }
    })
}

/// Ends what this agent cannot adopt.
pub(super) async fn make_room(pins: Pins, config: &Config) -> Result<Pins> {
    for inherited in Inherited::of(&pins)? {
        // What cannot begin does not end what is there.
        config.places.check()?;
        inheritance::settle(config, &inherited).await?;
    }
    let Some(predecessor) = Predecessor::of(&pins)? else {
        return Ok(pins);
    };
    if predecessor.fits(&config.settings, &config.places) {
        return Ok(pins);
    }
    config.places.check()?;
    warn!("what lives on was made with other settings: its connections are recorded and end here");
    end(&succeeding(config, predecessor), pins).await?;
    Pins::open(config.pin.as_deref().context("it was there before")?)
}

/// `config` with what makes it adopt the maps of `predecessor`.
fn succeeding(config: &Config, predecessor: Predecessor) -> Config {
    let settings = predecessor.settings(config.settings.log_level);
    Config {
        places: predecessor.places,
        timeouts: Timeouts {
            close_on_first_fin: settings.close_on_first_fin,
            ..config.timeouts
        },
        settings,
        // Threads of the start would keep what it was allowed.
        rotation: None,
        ..config.clone()
    }
}

/// Adopts what lives on, and ends it.
async fn end(config: &Config, pins: Pins) -> Result<()> {
    let mut driver = start(config, Some(pins))?;
    ending::finish(&mut driver, None).await?;
    driver.unpin()
}
