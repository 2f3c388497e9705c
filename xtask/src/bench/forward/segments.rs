//! Numbers of segments.

use std::ops::{AddAssign, Sub};

/// By who sent them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    pub from_clients: u64,
    pub from_remote: u64,
}

impl Segments {
    pub fn together(self) -> u64 {
        self.from_clients + self.from_remote
    }
}

impl AddAssign for Segments {
    fn add_assign(&mut self, more: Self) {
        self.from_clients += more.from_clients;
        self.from_remote += more.from_remote;
    }
}

impl Sub for Segments {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            from_clients: self.from_clients - before.from_clients,
            from_remote: self.from_remote - before.from_remote,
        }
    }
}
