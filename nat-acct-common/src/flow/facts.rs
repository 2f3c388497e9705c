//! A connection's facts as plain values, for user space.

use super::{Table, handle::Flow, sequence};
use crate::layout::{Bucket, Connection, FlowKey, PerSender, Sender};

/// The coarse clock by which programs note when they saw a plain segment.
#[derive(Clone, Copy, Debug)]
pub struct CoarseClock {
    /// Nanoseconds of a tick; 0 if the exact clock is in its place.
    pub tick_ns: u64,
    /// About now, in nanoseconds of the monotonic clock: not late by as much as [`Self::LATE_NS`].
    pub now_ns: u64,
}

impl CoarseClock {
    /// How late [`Self::now_ns`] may be.
    pub const LATE_NS: u64 = 1_000_000_000;

    /// The count of ticks has 32 bits, so it begins anew after some weeks (49.7 days, with ticks of a
    /// millisecond), and the same count stands for many times. Of these, and `at_ns` is one, this is the last
    /// that is not after now.
    fn latest_ns(self, at_ns: u64) -> u64 {
        let since_ns = (self.now_ns + Self::LATE_NS).saturating_sub(at_ns);
        let times = since_ns.checked_div(self.tick_ns << 32).unwrap_or(0);
        at_ns + times * (self.tick_ns << 32)
    }
}

/// What is known of a connection at one moment. Times are nanoseconds of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The connection's slot.
    pub slot: u32,
    /// When the opening SYN was seen; with the slot it identifies the connection.
    pub opened_ns: u64,
    /// When the opening SYN was last seen.
    pub last_syn_ns: u64,
    /// The 4-tuple and the zone.
    pub key: FlowKey,
    /// Who sent the opening SYN.
    pub opener: Sender,
    /// Initial sequence number of each sender, if it was seen.
    pub isn: PerSender<Option<u32>>,
    /// Bytes from the ISN to the highest sequence number seen, if the ISN is known.
    pub stream_bytes: PerSender<Option<u64>>,
    /// When each sender's first FIN was seen.
    pub fin_ns: PerSender<Option<u64>>,
    /// Whether each sender's FIN, if there was one, ends the stream as far as it was seen.
    pub fin_fits: PerSender<bool>,
    /// When the first RST was seen.
    pub rst_ns: Option<u64>,
    /// Whether both sides went on after the RST.
    pub rst_refuted: bool,
    /// Whether the opener has acknowledged the peer's SYN.
    pub established: bool,
    /// Whether the opener has gone on as after an answer, though none was seen.
    pub answer_missed: bool,
    /// Whether another connection took the 4-tuple over.
    pub superseded: bool,
    /// Whether the peer went on with an older connection after this opening.
    pub challenged: bool,
    /// Whether user space has noted that another opening has the same ISN to the same remote.
    pub isn_is_shared: bool,
    /// When the last segment was seen. Exact for all but plain segments of established
    /// connections, for which it is right to one tick of the coarse clock.
    pub last_seen_ns: u64,
}

impl Facts {
    /// Reads the facts of the connection in `slot`; `None` if the slot is free.
    pub fn read<T: Table>(table: &T, slot: u32, clock: CoarseClock) -> Option<Self> {
        let Flow {
            connection, bucket, ..
        } = Flow::of_slot(table, slot)?;
        let opened_ns = connection.opened_ns.get();
        if opened_ns == 0 {
            return None;
        }
        let isn = |sender| {
            let known = connection.has_isn.get(sender).get();
            known.then(|| connection.isn.get(sender).get())
        };
        let stream_bytes =
            |sender| isn(sender).map(|isn| sequence::length(isn, bucket.next.get(sender).get()));
        let fin_fits =
            |sender| connection.fin_seq.get(sender).get() == bucket.next.get(sender).get() as u32;
        let time = |ns: u64| (ns != 0).then_some(ns);
        let alive = |sender| connection.alive_after_rst.get(sender).get();
        Some(Self {
            slot,
            opened_ns,
            last_syn_ns: connection.last_syn_ns.get(),
            key: bucket.key(),
            opener: connection.opener(),
            isn: each(isn),
            stream_bytes: each(stream_bytes),
            fin_ns: each(|sender| time(connection.fin_ns.get(sender).get())),
            fin_fits: each(fin_fits),
            rst_ns: time(connection.rst_ns.get()),
            rst_refuted: alive(Sender::Client) && alive(Sender::Remote),
            established: connection.established.get(),
            answer_missed: answer_missed(connection),
            superseded: connection.superseded.get(),
            challenged: connection.challenged.get(),
            isn_is_shared: connection.isn_is_shared.get(),
            last_seen_ns: last_seen_ns(connection, bucket, clock),
        })
    }

    /// Whether both sides have sent a FIN.
    pub fn has_both_fins(&self) -> bool {
        let has_fin = |sender| self.fin_ns.get(sender).is_some();
        has_fin(Sender::Client) && has_fin(Sender::Remote)
    }

    /// Whether the side that was opened to has answered with a SYN of its own.
    pub fn answered(&self) -> bool {
        self.isn.get(self.opener.peer()).is_some()
    }

    /// Whether this was a stray SYN (RFC 5961, section 4): the peer went on with an older connection,
    /// and neither answered nor refused it.
    pub fn is_stray(&self) -> bool {
        self.challenged && !self.answered() && self.rst_ns.is_none()
    }
}

fn answer_missed(connection: &Connection) -> bool {
    let opener = connection.opener();
    connection.moved.get(opener).get() && !connection.has_isn.get(opener.peer()).get()
}

fn each<T>(f: impl Fn(Sender) -> T) -> PerSender<T> {
    PerSender([Sender::Client, Sender::Remote].map(f))
}

fn last_seen_ns(connection: &Connection, bucket: &Bucket, clock: CoarseClock) -> u64 {
    let exact = connection.last_ns.get();
    let ticks = bucket
        .last_seen_ticks
        .get()
        .wrapping_sub(connection.opened_ticks.get());
    // Both ticks began before what they stand for, so this is not after the segment.
    let since_opening_ns = u64::from(ticks.saturating_sub(1)) * clock.tick_ns;
    exact.max(clock.latest_ns(connection.opened_ns.get() + since_opening_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const DAY: u64 = 86_400_000 * MS;

    #[test]
    fn a_count_of_ticks_that_has_begun_anew_is_of_now() {
        let opened_ns = 3 * DAY;
        for tick_ns in [MS, 4 * MS, 10 * MS] {
            for age_ns in [0, DAY, 49 * DAY, 50 * DAY, 99 * DAY, 200 * DAY, 1_000 * DAY] {
                let seen_ns = opened_ns + age_ns;
                let ticks = (age_ns / tick_ns) as u32;
                let coarse_ns = opened_ns + u64::from(ticks) * tick_ns;
                for silent_ns in [0, 7_200_000 * MS, 30 * DAY] {
                    // The clock of whoever reads may be a little behind.
                    let now_ns = seen_ns + silent_ns - MS;
                    let latest_ns = CoarseClock { tick_ns, now_ns }.latest_ns(coarse_ns);
                    assert_eq!(latest_ns, seen_ns, "{tick_ns} {age_ns} {silent_ns}");
                }
            }
        }
    }

    #[test]
    fn where_the_exact_clock_is_in_its_place_there_is_nothing_to_mend() {
        let clock = CoarseClock {
            tick_ns: 0,
            now_ns: 500 * DAY,
        };
        assert_eq!(clock.latest_ns(7), 7);
    }
}
