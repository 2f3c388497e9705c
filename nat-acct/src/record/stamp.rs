//! What turns the engine's words into those of the outside world: wall-clock times and names of
//! interfaces. It reads no clock; whoever makes the stamp has read one.

use std::{ffi::OsStr, sync::Arc};

use jiff::Timestamp;

use super::{
    Interface, Remotes, Run,
    identifier::Source,
    wall_clock::{self, Change, Reading, WallClock},
};

/// The conversion from a source's clock to the wall clock, what tells its connections from those
/// of other sources, the names of the interfaces, and whether remotes are told.
#[derive(Clone, Debug)]
pub struct Stamp {
    clock: WallClock,
    source: Source,
    run: Run,
    inside: Vec<Arc<str>>,
    outside: Vec<Arc<str>>,
    remotes: Remotes,
}

impl Stamp {
    /// `clock` may be a fixed offset: the wall clock's nanoseconds since the Unix epoch when the
    /// source's clock shows 0. The names are in the order of the command line.
    pub fn new<S: AsRef<OsStr>>(clock: impl Into<WallClock>, inside: &[S], outside: &[S]) -> Self {
        Self {
            clock: clock.into(),
            source: Source::new(0),
            run: Run::default(),
            inside: names(inside),
            outside: names(outside),
            remotes: Remotes::Told,
        }
    }

    /// For a source whose clock begins anew at each boot: the identifier of this one, so that
    /// connections of two boots differ.
    #[must_use]
    pub fn of_boot(self, boot_id: u128) -> Self {
        Self {
            source: Source::new(boot_id),
            ..self
        }
    }

    /// For records that say this of remotes.
    #[must_use]
    pub fn telling(self, remotes: Remotes) -> Self {
        Self { remotes, ..self }
    }

    /// For records that are numbered as those of `run`.
    #[must_use]
    pub fn of_run(self, run: Run) -> Self {
        Self { run, ..self }
    }

    /// Takes note of what the clocks show, and says what became of the wall clock.
    pub fn observe(&mut self, reading: Reading) -> Change {
        self.clock.observe(reading)
    }

    /// The wall-clock time at `source_ns` of the source's clock, in whole microseconds.
    pub fn wall_clock(&self, source_ns: u64) -> Timestamp {
        wall_clock::timestamp(self.clock.at(source_ns))
    }

    /// What tells connections of the source from those of others.
    pub(super) fn source(&self) -> Source {
        self.source
    }

    /// What records say of remotes.
    pub(super) fn remotes(&self) -> Remotes {
        self.remotes
    }

    /// Whose numbers records have.
    pub(super) fn run(&self) -> Run {
        self.run
    }

    /// The name of an interface.
    pub fn name(&self, interface: Interface) -> Arc<str> {
        match interface {
            Interface::Inside(number) => name(&self.inside, number),
            Interface::Outside(number) => name(&self.outside, number),
        }
    }
}

/// Linux allows any bytes but `/` and white space in a name; what is not UTF-8 is replaced.
fn names<S: AsRef<OsStr>>(names: &[S]) -> Vec<Arc<str>> {
    names
        .iter()
        .map(|name| name.as_ref().to_string_lossy().into())
        .collect()
}

/// A record with a number in place of a name is better than none.
fn name(names: &[Arc<str>], number: usize) -> Arc<str> {
    names
        .get(number)
        .cloned()
        .unwrap_or_else(|| format!("#{number}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_name_stays_a_number() {
        let stamp = Stamp::new(0, &["br0", "br1"], &["eth1"]);
        assert_eq!(&*stamp.name(Interface::Inside(1)), "br1");
        assert_eq!(&*stamp.name(Interface::Outside(0)), "eth1");
        assert_eq!(&*stamp.name(Interface::Outside(7)), "#7");
    }
}
