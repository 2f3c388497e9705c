//! What is wrong with a capture, and where: the first place and a count for each kind, so that a
//! damaged file gives a line, not a thousand.

use std::{fmt, io};

use thiserror::Error;

use crate::one_line::one_line;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Kind {
    /// Nothing to read at all.
    #[error("there is nothing to read")]
    Empty,
    /// Neither pcap nor pcapng.
    #[error("this is no capture (neither pcap nor pcapng, also when decompressed)")]
    NoCapture,
    /// The input ends where something must follow.
    #[error("the capture is cut off here, within a packet or a header")]
    CutOff,
    /// The input cannot be read, or not be decompressed.
    #[error("cannot read on from here: {0}")]
    Unreadable(String),
    /// A length that no packet has.
    #[error("the capture is damaged from here on: a length of {0} bytes")]
    Length(u32),
    /// A section of pcapng with an unknown byte order.
    #[error("the capture is damaged from here on: a section in no known byte order")]
    ByteOrder,
    /// A block of pcapng that contradicts itself.
    #[error("a damaged block was passed over")]
    Block,
    /// A packet of an interface that was not described.
    #[error("a packet of an interface that is not described was passed over")]
    UnknownInterface,
    /// More bytes captured than the snap length allows.
    #[error("a packet with more bytes captured than the capture's snap length was taken as it is")]
    BeyondSnapLength,
    /// More bytes captured than the packet had.
    #[error("a packet with more bytes captured than it had was taken as it is")]
    BeyondOriginal,
    /// A link type that is not understood.
    #[error("packets of link type {0} are not understood and were passed over")]
    LinkType(u32),
}

impl Kind {
    pub(super) fn unreadable(error: &io::Error) -> Self {
        Self::Unreadable(one_line(&error.to_string()))
    }

    /// Whether packets were lost that the file holds or should hold.
    pub fn loses_input(&self) -> bool {
        match self {
            Self::BeyondSnapLength | Self::BeyondOriginal => false,
            Self::Empty
            | Self::NoCapture
            | Self::CutOff
            | Self::Unreadable(_)
            | Self::Length(_)
            | Self::ByteOrder
            | Self::Block
            | Self::UnknownInterface
            | Self::LinkType(_) => true,
        }
    }
}

/// Something that went wrong, once or several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub kind: Kind,
    /// Where for the first time: bytes from the beginning, of the decompressed capture if it is
    /// compressed.
    pub offset: u64,
    /// How often.
    pub times: u64,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}", self.offset)?;
        match self.times - 1 {
            0 => {}
            1 => write!(f, " and once more")?,
            more => write!(f, " and {more} times more")?,
        }
        write!(f, ": {}", self.kind)
    }
}

#[derive(Debug, Default)]
pub(super) struct Troubles(Vec<Trouble>);

impl Troubles {
    pub(super) fn note(&mut self, kind: Kind, offset: u64) {
        match self.0.iter_mut().find(|trouble| trouble.kind == kind) {
            Some(known) => known.times += 1,
            None => self.0.push(Trouble {
                kind,
                offset,
                times: 1,
            }),
        }
    }

    pub(super) fn list(&self) -> &[Trouble] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_each_kind() {
        let mut troubles = Troubles::default();
        troubles.note(Kind::Block, 100);
        troubles.note(Kind::CutOff, 120);
        check(
            &troubles,
            "at byte 100: a damaged block was passed over; \
             at byte 120: the capture is cut off here, within a packet or a header",
        );
        troubles.note(Kind::Block, 140);
        troubles.note(Kind::CutOff, 160);
        troubles.note(Kind::CutOff, 180);
        check(
            &troubles,
            "at byte 100 and once more: a damaged block was passed over; \
             at byte 120 and 2 times more: the capture is cut off here, within a packet or a header",
        );
    }

    fn check(troubles: &Troubles, expect: &str) {
        let lines: Vec<_> = troubles.list().iter().map(ToString::to_string).collect();
        assert_eq!(lines.join("; "), expect);
    }
}
