//! What the two ends of a connection send, segment by segment: opening, requests and responses,
//! acknowledgements, now and then a segment twice, and an end. It knows no addresses and no time.

use super::random::Random;

/// Payload of a full segment of Ethernet, with timestamps.
pub const FULL: u32 = 1_448;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Opener,
    Answerer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Syn,
    SynAck,
    Ack,
    Data,
    Fin,
    Rst,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub from: End,
    pub kind: Kind,
    pub seq: u32,
    pub ack: u32,
    pub payload: u32,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Phase {
    Syn,
    /// Nobody answered.
    SynAgain,
    SynAck,
    Established,
    Request,
    Transfer {
        from: End,
        left: u32,
        unacknowledged: u32,
    },
    Rst,
    Fin(End),
    FinOfOther(End),
    LastAck(End),
    Over,
}

pub struct Conversation {
    phase: Phase,
    /// The next sequence numbers of opener and answerer.
    next: [u32; 2],
    exchanges: u32,
    /// Sent once more, as if it had got lost.
    again: Option<Segment>,
}

impl End {
    pub fn other(self) -> Self {
        match self {
            Self::Opener => Self::Answerer,
            Self::Answerer => Self::Opener,
        }
    }
}

impl Conversation {
    pub fn new(random: &mut Random) -> Self {
        Self {
            phase: Phase::Syn,
            next: [random.word() as u32, random.word() as u32],
            exchanges: random.heavy_tailed(8),
            again: None,
        }
    }

    /// The next segment, or `None` at the end.
    pub fn next(&mut self, random: &mut Random) -> Option<Segment> {
        if let Some(again) = self.again.take() {
            return Some(again);
        }
        Some(match self.phase {
            Phase::Syn if random.one_in(100) => {
                let syn = self.send(End::Opener, Kind::Syn, 0, Phase::SynAgain);
                self.again = Some(syn);
                syn
            }
            Phase::Syn => self.send(End::Opener, Kind::Syn, 0, Phase::SynAck),
            Phase::SynAgain | Phase::Over => return None,
            Phase::SynAck => self.send(End::Answerer, Kind::SynAck, 0, Phase::Established),
            Phase::Established => {
                let then = self.exchange_or_end(random);
                self.send(End::Opener, Kind::Ack, 0, then)
            }
            Phase::Request => {
                let then = transfer(End::Answerer, random);
                self.send(End::Opener, Kind::Data, random.between(60, 900), then)
            }
            Phase::Transfer {
                from,
                left,
                unacknowledged,
            } => self.transfer(from, left, unacknowledged, random),
            Phase::Rst => self.send(End::Opener, Kind::Rst, 0, Phase::Over),
            Phase::Fin(end) => self.send(end, Kind::Fin, 0, Phase::FinOfOther(end.other())),
            Phase::FinOfOther(end) => self.send(end, Kind::Fin, 0, Phase::LastAck(end.other())),
            Phase::LastAck(end) => self.send(end, Kind::Ack, 0, Phase::Over),
        })
    }

    /// Whether the ends are parting, which they do without delay.
    pub fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::FinOfOther(_) | Phase::LastAck(_))
    }

    /// Every second segment is acknowledged, and the last one (RFC 1122, 4.2.3.2).
    fn transfer(
        &mut self,
        from: End,
        left: u32,
        unacknowledged: u32,
        random: &mut Random,
    ) -> Segment {
        if left == 0 {
            let then = self.exchange_or_end(random);
            return self.send(from.other(), Kind::Ack, 0, then);
        }
        let go_on = |left, unacknowledged| Phase::Transfer {
            from,
            left,
            unacknowledged,
        };
        if unacknowledged == 2 {
            return self.send(from.other(), Kind::Ack, 0, go_on(left, 0));
        }
        let payload = if left == 1 {
            random.between(1, FULL + 1)
        } else {
            FULL
        };
        let then = go_on(left - 1, unacknowledged + 1);
        let data = self.send(from, Kind::Data, payload, then);
        if random.one_in(200) {
            self.again = Some(data);
        }
        data
    }

    fn exchange_or_end(&mut self, random: &mut Random) -> Phase {
        let Some(left) = self.exchanges.checked_sub(1) else {
            return match random.between(0, 10) {
                0 => Phase::Rst,
                1..6 => Phase::Fin(End::Opener),
                _ => Phase::Fin(End::Answerer),
            };
        };
        self.exchanges = left;
        if random.one_in(5) {
            transfer(End::Opener, random)
        } else {
            Phase::Request
        }
    }

    fn send(&mut self, from: End, kind: Kind, payload: u32, then: Phase) -> Segment {
        self.phase = then;
        let seq = self.next[from as usize];
        let takes = match kind {
            Kind::Syn | Kind::SynAck | Kind::Fin => 1,
            Kind::Ack | Kind::Data | Kind::Rst => payload,
        };
        self.next[from as usize] = seq.wrapping_add(takes);
        let ack = match kind {
            Kind::Syn => 0,
            _ => self.next[from.other() as usize],
        };
        Segment {
            from,
            kind,
            seq,
            ack,
            payload,
        }
    }
}

/// Most transfers are short, and most of the packets belong to long ones.
fn transfer(from: End, random: &mut Random) -> Phase {
    let most = match random.between(0, 100) {
        0 => 5_000,
        1..10 => 500,
        _ => 50,
    };
    Phase::Transfer {
        from,
        left: random.heavy_tailed(most),
        unacknowledged: 0,
    }
}
