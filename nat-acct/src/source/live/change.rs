//! What happens to the interfaces while the agent runs, for those who are to know.

use std::fmt;

use nat_acct_common::layout::Direction;

use super::Hook;

/// Something happened to an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The interface.
    pub interface: String,
    /// What happened.
    pub what: What,
}

/// What happens to an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The programs are on it.
    Attached(Hooks),
    /// It is no longer there.
    Gone,
    /// Somebody else has taken a program off.
    TakenOff(Direction),
    /// The programs cannot be attached, for this reason.
    Refused(String),
    /// The program was moved past these programs, next to the wire.
    Moved(Direction, Vec<String>),
    /// These programs may change addresses between the program and the wire.
    Displaced(Direction, Vec<String>),
    /// It carries packets that a program does not see, which these programs are before.
    Hidden(Direction, Vec<String>),
    /// The program sees packets again.
    Visible(Direction),
    /// This flowtable takes packets past it.
    Bypassed(String),
}

/// How the programs on an interface are attached, by direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hooks(pub [Hook; 2]);

impl fmt::Display for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [ingress, egress] = self.0;
        if ingress == egress {
            write!(f, "{ingress}")
        } else {
            write!(f, "{ingress}+{egress}")
        }
    }
}
