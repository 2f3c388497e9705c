//! The agent that made the maps which live on in a directory.

use anyhow::Result;
use nat_acct_common::layout::{Instance, Names};

use super::{Hook, Places, Settings, pins::Pins};

/// What an agent was told that has left its maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Where it was told to attach programs.
    pub places: Places,
    /// Connections at a time.
    pub max_connections: u32,
    ring_bytes: u32,
    close_on_first_fin: bool,
}

impl Predecessor {
    /// The one whose maps are in `pins`.
    ///
    /// # Errors
    ///
    /// When they are of another ABI, or cannot be read.
    pub fn of(pins: &Pins) -> Result<Option<Self>> {
        let instance = pins.instance()?;
        let instance = instance.as_ref().and_then(|instance| instance.get(0));
        Ok(instance.map(Self::described_by))
    }

    pub(super) fn described_by(instance: &Instance) -> Self {
        Self {
            places: Places {
                inside: names(&instance.inside),
                outside: names(&instance.outside),
                hook: Hook::from_number(instance.hook.get()),
            },
            max_connections: instance.max_connections.get(),
            ring_bytes: instance.ring_bytes.get(),
            close_on_first_fin: instance.close_on_first_fin.get() != 0,
        }
    }

    /// The settings with which its maps can be adopted.
    pub fn settings(&self, log_level: tracing::Level) -> Settings {
        Settings {
            max_connections: self.max_connections,
            ring_bytes: self.ring_bytes,
            close_on_first_fin: self.close_on_first_fin,
            log_level,
        }
    }

    /// Whether an agent with these settings would make the same maps, and attach programs in the
    /// same places.
    pub fn fits(&self, settings: &Settings, places: &Places) -> bool {
        let made = (
            self.max_connections,
            self.ring_bytes,
            self.close_on_first_fin,
        );
        let wanted = (
            settings.max_connections,
            settings.ring_bytes,
            settings.close_on_first_fin,
        );
        made == wanted && self.places == *places
    }
}

pub(super) fn names(names: &Names) -> Vec<String> {
    let text = |name: &[u8; _]| {
        let len = name.iter().position(|&byte| byte == 0);
        String::from_utf8_lossy(&name[..len.unwrap_or(name.len())]).into_owned()
    };
    let all = names.get();
    let all = all.iter().map(text);
    all.take_while(|name| !name.is_empty()).collect()
}
