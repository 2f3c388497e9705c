//! The closed vocabularies of the record, as they are written. Both formats share them; the
//! engine's own types carry no serialisation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Direction, End, Match, Stage};

/// What the record reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Action {
    /// The translated address of a connection has become known.
    #[serde(rename = "nat-session-start")]
    Start,
    /// A connection goes on.
    #[serde(rename = "nat-session-update")]
    Update,
    /// A connection has ended.
    #[serde(rename = "nat-session-end")]
    End,
}

/// The same in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The translated address of a connection has become known.
    Start,
    /// A connection goes on.
    Update,
    /// A connection has ended.
    #[default]
    End,
}

/// The protocol above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP.
    Tcp,
}

/// Which side opened the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Opened {
    /// The client, on the inside.
    #[default]
    Outbound,
    /// The remote, through a port forward (DNAT).
    Inbound,
}

/// Why the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Both sides sent FIN; with `--close-on first-fin`, one did.
    Fin,
    /// RST.
    Rst,
    /// Established, then silent for the idle timeout.
    Idle,
    /// The opening was not answered, or the answer was not acknowledged.
    Unanswered,
    /// Another connection with the same addresses and ports was opened.
    Reused,
    /// One side sent FIN, then both were silent for the closing timeout.
    Closing,
    /// The agent was stopped while the connection was open.
    AgentStop,
    /// The capture ended while the connection was open.
    CaptureEnd,
    /// The table of connections was full, and the connection lost its place.
    TableFull,
}

/// How the translated address was found, or why there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Matched {
    /// By the initial sequence number of the SYN, which is the same inside and outside.
    #[default]
    Sequence,
    /// Several connections could have been meant, or nothing proves which, or the outside was not wholly
    /// seen: no translated address.
    Ambiguous,
    /// No SYN left towards the remote and no answer came: in general, the gateway dropped it.
    Blocked,
    /// The other endpoint has an address of the gateway itself.
    Local,
    /// The gateway answers in place of the remote, or translates the remote's address.
    Intercepted,
    /// By the initial sequence numbers of both ends: the SYN left by an inside interface, because
    /// both ends are inside. Each has a record of the same bytes, one outbound and one inbound.
    Hairpin,
}

impl End {
    /// All reasons for which a running agent ends connections.
    pub const OF_AGENT: [Self; 7] = [
        Self::Fin,
        Self::Rst,
        Self::Idle,
        Self::Unanswered,
        Self::Reused,
        Self::Closing,
        Self::AgentStop,
    ];

    /// As it is written in records.
    pub fn word(self) -> String {
        written(Reason::from(self))
    }
}

impl Match {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Sequence,
        Self::Hairpin,
        Self::Ambiguous,
        Self::Blocked,
        Self::Local,
        Self::Intercepted,
    ];

    /// As it is written in records.
    pub fn word(self) -> String {
        written(Matched::from(self))
    }

    /// Whether the translated address was found.
    pub const fn is_found(self) -> bool {
        match self {
            Self::Sequence | Self::Hairpin => true,
            Self::Ambiguous | Self::Blocked | Self::Local | Self::Intercepted => false,
        }
    }
}

impl Kind {
    /// Whether the connection has ended.
    pub fn is_end(&self) -> bool {
        *self == Self::End
    }
}

impl Opened {
    /// Whether the client opened the connection.
    pub fn is_outbound(&self) -> bool {
        *self == Self::Outbound
    }
}

impl Matched {
    /// Whether the translated address was found by sequence number.
    pub fn is_sequence(&self) -> bool {
        *self == Self::Sequence
    }
}

/// A word is a string in JSON.
pub fn written(word: impl Serialize) -> String {
    let written = serde_json::to_value(word).ok();
    let text = written.as_ref().and_then(serde_json::Value::as_str);
    text.unwrap_or_default().to_owned()
}

impl From<Stage> for Action {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Started => Self::Start,
            Stage::Open => Self::Update,
            Stage::Ended(_) => Self::End,
        }
    }
}

impl From<Action> for Kind {
    fn from(action: Action) -> Self {
        match action {
            Action::Start => Self::Start,
            Action::Update => Self::Update,
            Action::End => Self::End,
        }
    }
}

impl From<Stage> for Kind {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Started => Self::Start,
            Stage::Open => Self::Update,
            Stage::Ended(_) => Self::End,
        }
    }
}

impl From<Direction> for Opened {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Outbound => Self::Outbound,
            Direction::Inbound => Self::Inbound,
        }
    }
}

impl From<End> for Reason {
    fn from(end: End) -> Self {
        match end {
            End::Fin => Self::Fin,
            End::Rst => Self::Rst,
            End::Idle => Self::Idle,
            End::Unanswered => Self::Unanswered,
            End::Reused => Self::Reused,
            End::Closing => Self::Closing,
            End::AgentStop => Self::AgentStop,
            End::CaptureEnd => Self::CaptureEnd,
        }
    }
}

impl From<Match> for Matched {
    fn from(matched: Match) -> Self {
        match matched {
            Match::Sequence => Self::Sequence,
            Match::Ambiguous => Self::Ambiguous,
            Match::Blocked => Self::Blocked,
            Match::Local => Self::Local,
            Match::Intercepted => Self::Intercepted,
            Match::Hairpin => Self::Hairpin,
        }
    }
}
