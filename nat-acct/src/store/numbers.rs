//! Which numbers of which run are there, and so which are not. A number that is missing is a
//! connection that is missing, which was recorded between the records beside it.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use crate::{
    clock,
    record::{Kind, Run, Told, time},
};

/// The numbers that are there, by run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(BTreeMap<Run, OfRun>);

/// What is known of a run. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfRun {
    pub span: Span,
    /// The earliest connection with a record of its start, and the newest.
    pub starts: Option<Span>,
    /// The translated addresses, and from when to when there are records with them. Of IPv6, the
    /// network of 64 bits.
    pub addresses: BTreeMap<IpAddr, Span>,
    /// In order, with a gap between any two.
    pub ranges: Vec<Range>,
}

/// From when to when something is known to have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// The earliest start of a connection: the agent was there.
    pub since_us: i64,
    /// When the newest record was made.
    pub until_us: i64,
}

/// Numbers without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub first: u64,
    pub last: u64,
    /// When the record with the first of them was made.
    pub first_us: i64,
    /// When the one with the last was.
    pub last_us: i64,
}

/// Numbers that are missing. Times are microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Whose they are.
    pub run: Run,
    /// The first that is missing.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// When the record before them was made; `None` if they are the first of their run.
    pub from_us: Option<i64>,
    /// When the record after them was made.
    pub until_us: i64,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            run, first, last, ..
        } = self;
        match last - first {
            0 => write!(f, "record {first} of agent {run}, made ")?,
            more => write!(
                f,
                "{} records of agent {run}, {first} to {last}, made ",
                more + 1
            )?,
        }
        let until = time(self.until_us);
        match self.from_us {
            Some(from_us) => write!(f, "between {} and {until}", time(from_us)),
            None => write!(f, "before {until}"),
        }
    }
}

/// Whether a record was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It has a number that was missing, or none.
    First,
    /// Its number was there.
    Before,
}

impl Numbers {
    /// Takes note of a record.
    pub(crate) fn add(&mut self, told: &Told) -> Seen {
        let span = Span {
            since_us: told.connection.start_us,
            until_us: told.written_us,
        };
        let of_run = self.0.entry(told.run).or_insert_with(|| OfRun {
            span,
            ..OfRun::default()
        });
        of_run.span.join(span);
        if let Some(translated) = told.connection.translated {
            let known = of_run.addresses.entry(network(translated.ip));
            known.or_insert(span).join(span);
        }
        if told.kind == Kind::Start {
            let start = Span {
                until_us: span.since_us,
                ..span
            };
            of_run.starts.get_or_insert(start).join(start);
        }
        match told.sequence {
            Some(number) => of_run.add(number, told.written_us),
            None => Seen::First,
        }
    }

    /// All gaps, by run and number.
    pub fn gaps(&self) -> Vec<Gap> {
        let runs = self.0.iter();
        runs.flat_map(|(run, of_run)| of_run.gaps(*run)).collect()
    }

    /// The runs that are known to have translated to this address.
    pub(crate) fn knowing(&self, address: IpAddr) -> impl Iterator<Item = &OfRun> {
        let network = network(address);
        let runs = self.0.values();
        runs.filter(move |of_run| of_run.addresses.contains_key(&network))
    }

    /// The runs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (Run, &OfRun)> {
        self.0.iter().map(|(run, of_run)| (*run, of_run))
    }

    pub(crate) fn of(&self, run: Run) -> Option<&OfRun> {
        self.0.get(&run)
    }

    pub(crate) fn insert(&mut self, run: Run, of_run: OfRun) {
        self.0.insert(run, of_run);
    }
}

impl Span {
    /// Nothing is known to have been since before the clock was set.
    fn join(&mut self, other: Self) {
        let since_us = [self.since_us, other.since_us];
        let is_set = |us: &i64| clock::is_set(i128::from(*us) * 1_000);
        let by_set_clock = since_us.into_iter().filter(is_set).min();
        self.since_us = by_set_clock.unwrap_or(since_us[0].min(since_us[1]));
        self.until_us = self.until_us.max(other.until_us);
    }
}

/// Where each client has an IPv6 address of its own, only their network is known to be translated to.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

impl OfRun {
    /// The first number that is there and the last, if there is one.
    pub(crate) fn first_and_last(&self) -> Option<(u64, u64)> {
        Some((self.ranges.first()?.first, self.ranges.last()?.last))
    }

    fn add(&mut self, number: u64, written_us: i64) -> Seen {
        // Mostly it is the next.
        if let Some(newest) = self.ranges.last_mut()
            && newest.last.checked_add(1) == Some(number)
        {
            newest.last = number;
            newest.last_us = written_us;
            return Seen::First;
        }
        let behind = self.ranges.partition_point(|range| range.first <= number);
        if behind > 0 && number <= self.ranges[behind - 1].last {
            return Seen::Before;
        }
        let fresh = Range {
            first: number,
            last: number,
            first_us: written_us,
            last_us: written_us,
        };
        self.ranges.insert(behind, fresh);
        self.join(behind);
        if let Some(before) = behind.checked_sub(1) {
            self.join(before);
        }
        Seen::First
    }

    /// Makes one range of that at `index` and the next, if nothing is between.
    fn join(&mut self, index: usize) {
        let Some(&next) = self.ranges.get(index + 1) else {
            return;
        };
        let range = &mut self.ranges[index];
        if range.last.checked_add(1) == Some(next.first) {
            range.last = next.last;
            range.last_us = next.last_us;
            self.ranges.remove(index + 1);
        }
    }

    fn gaps(&self, run: Run) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut before: Option<Range> = None;
        for range in &self.ranges {
            let first = before.map_or(0, |before| before.last + 1);
            if first < range.first {
                gaps.push(Gap {
                    run,
                    first,
                    last: range.first - 1,
                    from_us: before.map(|before| before.last_us),
                    until_us: range.first_us,
                });
            }
            before = Some(*range);
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order_are_one_range() {
        let orders: [&[u64]; 5] = [
            &[0, 1, 2, 3],
            &[3, 2, 1, 0],
            &[0, 2, 1, 3],
            &[3, 0, 1, 2, 2],
            &[1, 3, 0, 2, 1],
        ];
        for order in orders {
            let of_run = of(order);
            let whole = Range {
                first: 0,
                last: 3,
                first_us: 0,
                last_us: 30,
            };
            assert_eq!(of_run.ranges, [whole], "{order:?}");
            assert_eq!(of_run.gaps(Run(1)), []);
        }
    }

    #[test]
    fn what_is_missing_is_named_with_what_is_beside_it() {
        let gaps = of(&[2, 3, 7, u64::MAX]).gaps(Run(1));
        let gap = |first, last, from_us, until_us| Gap {
            run: Run(1),
            first,
            last,
            from_us,
            until_us,
        };
        let expect = [
            gap(0, 1, None, 20),
            gap(4, 6, Some(30), 70),
            gap(8, u64::MAX - 1, Some(70), -10),
        ];
        assert_eq!(gaps, expect);
    }

    fn of(numbers: &[u64]) -> OfRun {
        let mut of_run = OfRun::default();
        for number in numbers {
            of_run.add(*number, (*number as i64).wrapping_mul(10));
        }
        of_run
    }
}
