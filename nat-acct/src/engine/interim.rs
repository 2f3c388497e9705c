//! Records of connections that go on: of the start, as soon as the translated address is known, and
//! then one each time that a while has passed. What is said in them is the worry of [`super::summary`].

/// Which records are made of connections that go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interim {
    /// Whether one is made when the translated address is known.
    pub starts: bool,
    /// The time from one to the next, from the opening on.
    pub every_ns: Option<u64>,
}

impl Interim {
    /// Whether none is made.
    pub(super) fn is_none(&self) -> bool {
        !self.starts && self.every_ns.is_none()
    }
}

/// The first look for a translated address that no event tells of; the age of the connection doubles
/// from one look to the next.
const FIRST_LOOK_NS: u64 = 100_000_000;

/// What has been told of a connection, and what is to be told.
#[derive(Default)]
pub(super) struct Told {
    start: Start,
    update_is_due: bool,
    /// How many times [`Interim::every_ns`] had passed when an update was last due.
    periods: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Start {
    #[default]
    Unknown,
    Due,
    Told,
}

impl Told {
    /// Whether there should be a record of the start once the translated address is known.
    pub(super) fn wants_start(&self, interim: &Interim) -> bool {
        interim.starts && self.start == Start::Unknown
    }

    /// Takes note that the translated address is known.
    pub(super) fn note_start(&mut self) {
        self.start = Start::Due;
    }

    /// Has the start told again if it was, because another address may be known now.
    pub(super) fn forget_start(&mut self) {
        if self.start == Start::Told {
            self.start = Start::Unknown;
        }
    }

    /// Takes note of the time, `age_ns` after the opening.
    pub(super) fn note_age(&mut self, interim: &Interim, age_ns: u64) {
        let periods = interim.every_ns.map_or(0, |every_ns| age_ns / every_ns);
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        if periods > self.periods {
            self.periods = periods;
            self.update_is_due = true;
        }
    }

    /// How old the connection is when it should be looked at again.
    pub(super) fn next_look_age_ns(&self, interim: &Interim, age_ns: u64) -> Option<u64> {
        let start_ns = self
            .wants_start(interim)
            .then_some(age_ns.saturating_mul(2).max(FIRST_LOOK_NS));
        let next = u64::from(self.periods) + 1;
        let update_ns = interim
            .every_ns
            .map(|every_ns| every_ns.saturating_mul(next));
        start_ns.into_iter().chain(update_ns).min()
    }

    /// Whether a record is to be made.
    pub(super) fn is_due(&self) -> bool {
        self.start_is_due() || self.update_is_due
    }

    /// Whether one of the start is to be made.
    pub(super) fn start_is_due(&self) -> bool {
        self.start == Start::Due
    }

    /// Whether one in between is to be made.
    pub(super) fn update_is_due(&self) -> bool {
        self.update_is_due
    }

    /// Takes note that what was due was told; the start only if its address was still known.
    pub(super) fn tell(&mut self, address_is_known: bool) {
        if self.start == Start::Due {
            self.start = if address_is_known {
                Start::Told
            } else {
                Start::Unknown
            };
        }
        self.update_is_due = false;
    }
}
