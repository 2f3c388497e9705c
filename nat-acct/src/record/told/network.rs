//! Where on the inside a client is: the same address may be that of another host elsewhere.

use std::{fmt, sync::Arc};

/// What is behind an interface of the gateway, or in a VLAN there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    /// Name of the inside interface.
    pub interface: String,
    /// Identifiers of the VLANs, as records spell them; `None` if packets are not tagged.
    pub vlans: Option<String>,
}

impl Network {
    pub(crate) fn shared(interface: String, vlans: Option<String>) -> Arc<Self> {
        Arc::new(Self { interface, vlans })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.interface)?;
        match &self.vlans {
            Some(vlans) => write!(f, ", VLAN {vlans}"),
            None => Ok(()),
        }
    }
}
