//! The Debian suites whose kernels are tested, oldest kernel first.

use std::fmt;

use clap::ValueEnum;

/// A suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    Bullseye,
    Bookworm,
    Trixie,
    Sid,
    TrixieBackports,
}

impl Suite {
    pub const ALL: [Self; 5] = [
        Self::Bullseye,
        Self::Bookworm,
        Self::Trixie,
        Self::Sid,
        Self::TrixieBackports,
    ];

    /// The name on the mirror.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bullseye => "bullseye",
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Sid => "sid",
            Self::TrixieBackports => "trixie-backports",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
