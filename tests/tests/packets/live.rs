//! The cases through interfaces, while the agent runs: what enters comes by the other end of a veth
//! pair, what leaves is sent on the interface itself.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use nat_acct_common::layout::Cause;
use nat_acct_common::packet::Link;
use nat_acct_tests::cases::{self, Case, Frame, Outcome, Round, Side};
use nat_acct_tests::ignored::{ByCause, Ignored};
use nat_acct_tests::lab::{Cut, Hints, PacketSocket};
use nat_acct_tests::shapes::Way;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Lab, agent, in_a_lab, wait_until};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::Value;

use crate::hooks::{self, Hook, INSIDE, NS, OUTSIDE, Tuns};
use crate::verdict::Verdicts;

/// As much as a packet socket sends at once.
const LARGEST_FRAME: usize = 200_000;
/// Frames of a run that may be on their way; the queue behind a veth holds 1,000.
const AT_ONCE: usize = 64;
/// Longer than a case takes, however busy the machine is.
const LINGER: &str = "3s";

#[test]
fn interfaces_agree_with_the_table() -> Result<()> {
    in_a_lab(|lab| {
        let tuns = hooks::make(lab)?;
        let mut agent = start(lab)?;
        let cases = cases::all(Way::Live, LARGEST_FRAME);
        let ignored = Ignored::of(agent.process().pid())?;
        let ignored = lab.enter(NS, || {
            let wires = Wires::open(tuns, ignored)?;
            wires.send_all(&cases, &agent)
        })?;
        let records = agent.stop()?.records;
        let mut verdicts = Verdicts::new(Way::Live);
        for (case, ignored) in cases.iter().zip(ignored) {
            let own = own(case, &records)?;
            verdicts.add(case, &Outcome::new(&own, ignored)?);
        }
        verdicts.end();
        Ok(())
    })
}

fn start(lab: &Lab) -> Result<Agent> {
    let mut command = lab.command(NS, agent::binary()?);
    command.args(["run", "--linger", LINGER]);
    for name in INSIDE {
        command.args(["--inside", name]);
    }
    for name in OUTSIDE {
        command.args(["--outside", name]);
    }
    let mut agent = Agent::spawn_command(lab, command)?;
    agent.wait_attached()?;
    Ok(agent)
}

/// The records of a case.
fn own(case: &Case, records: &[Value]) -> Result<Vec<Value>> {
    let mut own = Vec::new();
    for record in records {
        let [read] = &agent::closing(std::slice::from_ref(record))?[..] else {
            continue;
        };
        if case.owns(read.client) {
            own.push(record.clone());
        }
    }
    Ok(own)
}

/// Ways to all hooks.
struct Wires {
    tuns: Tuns,
    /// On the interfaces, and on the other ends of those that have one.
    sockets: BTreeMap<String, PacketSocket>,
    ignored: Ignored,
}

impl Wires {
    /// Frames are sent from one processor, so that none overtakes another.
    fn open(tuns: Tuns, ignored: Ignored) -> Result<Self> {
        let mut first = CpuSet::new();
        first.set(0)?;
        sched_setaffinity(Pid::from_raw(0), &first)?;
        let far = [INSIDE[0], OUTSIDE[0]].map(hooks::far_end);
        let names = INSIDE.into_iter().chain(OUTSIDE).map(str::to_owned);
        let open = |name: String| Ok((name.clone(), PacketSocket::open(&name)?));
        Ok(Self {
            tuns,
            sockets: names.chain(far).map(open).collect::<Result<_>>()?,
            ignored,
        })
    }

    /// Sends the rounds of all cases: first that of each, then the second of those that have one.
    /// Returns what was ignored of each case.
    fn send_all(&self, cases: &[Case], agent: &Agent) -> Result<Vec<ByCause>> {
        let mut ignored = vec![ByCause::new(); cases.len()];
        let rounds = cases.iter().map(|case| case.rounds.len()).max();
        for number in 0..rounds.unwrap_or(0) {
            for (case, ignored) in cases.iter().zip(&mut ignored) {
                if let Some(round) = case.rounds.get(number) {
                    self.send_round(case, round, agent, ignored)
                        .with_context(|| case.name)?;
                }
            }
        }
        Ok(ignored)
    }

    fn send_round(
        &self,
        case: &Case,
        round: &Round,
        agent: &Agent,
        ignored: &mut ByCause,
    ) -> Result<()> {
        if round.after_records > 0 {
            wait_for_records(case, round, agent)?;
        }
        let before = self.ignored.by_cause()?;
        let mut markers = 0;
        for frame in &round.frames {
            markers += self.send(frame)?;
        }
        for (cause, after) in self.ignored.by_cause()? {
            let mut grown = after - before.get(&cause).unwrap_or(&0);
            if cause == Cause::NotIp {
                grown -= markers;
            }
            if grown > 0 {
                *ignored.entry(cause).or_default() += grown;
            }
        }
        Ok(())
    }

    /// Sends a frame, as often as it is to be sent, and waits until the programs have seen it.
    /// Returns how many markers were sent for that.
    fn send(&self, frame: &Frame) -> Result<u64> {
        match (hooks::hook(frame), frame.link) {
            (Hook::Egress, _) => self.send_out(frame)?,
            (Hook::Ingress, Link::Ip) => self.send_into_tun(frame)?,
            (Hook::Ingress, Link::Ethernet) if frame.says.is_none() => self.send_invalid(frame)?,
            (Hook::Ingress, Link::Ethernet) => return self.send_in(frame),
        }
        Ok(0)
    }

    /// The programs have seen it when it is sent.
    fn send_out(&self, frame: &Frame) -> Result<()> {
        let socket = self.socket(hooks::interface(frame))?;
        frame.each(frame.whole(), |bytes| socket.send(bytes, hints(frame)))
    }

    /// The programs have seen it when it is written.
    fn send_into_tun(&self, frame: &Frame) -> Result<()> {
        let tun = match frame.side {
            Side::Inside => &self.tuns.inside,
            Side::Outside => &self.tuns.outside,
        };
        frame.each(frame.whole(), |bytes| tun.send(bytes))
    }

    /// A frame that will be ignored, and so is its own marker.
    fn send_invalid(&self, frame: &Frame) -> Result<()> {
        let all_ignored = || -> Result<u64> { Ok(self.ignored.by_cause()?.values().sum()) };
        let before = all_ignored()?;
        self.far_socket(frame)?.send(&frame.whole(), hints(frame))?;
        wait_until(PATIENCE, "a frame to be ignored", || {
            Ok((all_ignored()? > before).then_some(()))
        })
    }

    fn send_in(&self, frame: &Frame) -> Result<u64> {
        let socket = self.far_socket(frame)?;
        let mut sent = 0;
        let mut markers = 1;
        frame.each(frame.whole(), |bytes| {
            socket.send(bytes, hints(frame))?;
            sent += 1;
            if sent % AT_ONCE == 0 {
                self.mark(socket)?;
                markers += 1;
            }
            anyhow::Ok(())
        })?;
        self.mark(socket)?;
        Ok(markers)
    }

    /// Sends a frame that is no IP, and waits until it was ignored: all before it have passed.
    fn mark(&self, socket: &PacketSocket) -> Result<()> {
        let before = self.ignored.packets(Cause::NotIp)?;
        // For everybody, so it is not ignored for its destination.
        let mut marker = [0xff; 60];
        // Local experimental (IEEE 802, section 9.2.4).
        marker[12..14].copy_from_slice(&[0x88, 0xb5]);
        let plain = Hints {
            linear: 0,
            cut: None,
        };
        socket.send(&marker, plain)?;
        wait_until(PATIENCE, "a marker to pass", || {
            Ok((self.ignored.packets(Cause::NotIp)? > before).then_some(()))
        })
    }

    fn far_socket(&self, frame: &Frame) -> Result<&PacketSocket> {
        self.socket(&hooks::far_end(hooks::interface(frame)))
    }

    fn socket(&self, interface: &str) -> Result<&PacketSocket> {
        self.sockets.get(interface).context("no such interface")
    }
}

fn wait_for_records(case: &Case, round: &Round, agent: &Agent) -> Result<()> {
    wait_until(PATIENCE, "the records of the round before", || {
        let records = own(case, &agent.records()?)?;
        Ok((records.len() >= round.after_records).then_some(()))
    })
}

fn hints(frame: &Frame) -> Hints {
    let headers = frame.bytes.len() as u16;
    Hints {
        linear: if frame.linear > 0 {
            frame.linear
        } else {
            headers
        },
        cut: (frame.gso_size > 0).then_some(Cut {
            size: frame.gso_size,
            family: frame.family,
            tcp_at: frame.tcp_at as u16,
        }),
    }
}
