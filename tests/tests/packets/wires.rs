//! Frames on their way to the programs: what enters comes by the other end of a veth pair, or is
//! written to a tun device; what leaves is sent on the interface itself. A frame has passed when its
//! sending returns.

use std::cell::Cell;
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use nat_acct_common::layout::Cause;
use nat_acct_common::packet::Link;
use nat_acct_tests::cases::{Frame, Side};
use nat_acct_tests::ignored::{ByCause, Ignored};
use nat_acct_tests::lab::{Cut, Hints, PacketSocket};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{processor, wait_until};

use crate::hooks::{self, Hook, INSIDE, OUTSIDE, Tuns};

/// Frames of a run that may be on their way; the queue behind a veth holds 1,000.
const AT_ONCE: usize = 64;
/// An EtherType for experiments (IEEE 802, section 9.2.4).
const EXPERIMENTAL: [u8; 2] = [0x88, 0xb5];
/// The cause for which markers are ignored.
const MARKED: Cause = Cause::NotIp;

/// Ways to all hooks.
pub struct Wires {
    tuns: Tuns,
    /// On the interfaces, and on the other ends of those that have one.
    sockets: BTreeMap<String, PacketSocket>,
    ignored: Ignored,
    /// Markers that have been sent.
    markers: Cell<u64>,
}

impl Wires {
    /// From the thread's namespace. The thread stays on one processor, so that no frame overtakes
    /// another.
    pub fn open(tuns: Tuns, ignored: Ignored) -> Result<Self> {
        processor::stay()?;
        let far = [INSIDE[0], OUTSIDE[0]].map(hooks::far_end);
        let names = INSIDE.into_iter().chain(OUTSIDE).map(str::to_owned);
        let open = |name: String| Ok((name.clone(), PacketSocket::open(&name)?));
        Ok(Self {
            tuns,
            sockets: names.chain(far).map(open).collect::<Result<_>>()?,
            ignored,
            markers: Cell::new(0),
        })
    }

    /// What the programs have ignored so far, markers not counted.
    pub fn ignored(&self) -> Result<ByCause> {
        let mut ignored = self.ignored.by_cause()?;
        if let Some(marked) = ignored.get_mut(&MARKED) {
            *marked -= self.markers.get();
        }
        Ok(ignored)
    }

    /// Sends a frame as often as it is to be sent. The programs have seen it then.
    pub fn send(&self, frame: &Frame) -> Result<()> {
        match (hooks::hook(frame), frame.link) {
            (Hook::Egress, _) => self.send_out(frame),
            (Hook::Ingress, Link::Ip) => self.send_into_tun(frame),
            (Hook::Ingress, Link::Ethernet) if frame.says.is_none() => self.send_invalid(frame),
            (Hook::Ingress, Link::Ethernet) => self.send_in(frame),
        }
    }

    /// The program runs within the system call.
    fn send_out(&self, frame: &Frame) -> Result<()> {
        let socket = self.socket(hooks::interface(frame))?;
        frame.each(frame.whole(), |bytes| socket.send(bytes, hints(frame)))
    }

    /// The program runs within the system call.
    fn send_into_tun(&self, frame: &Frame) -> Result<()> {
        let tun = match frame.side {
            Side::Inside => &self.tuns.inside,
            Side::Outside => &self.tuns.outside,
        };
        frame.each(frame.whole(), |bytes| tun.send(bytes))
    }

    /// What will be ignored needs no marker to show that it has passed.
    fn send_invalid(&self, frame: &Frame) -> Result<()> {
        let all = || -> Result<u64> { Ok(self.ignored.by_cause()?.values().sum()) };
        let before = all()?;
        self.far_socket(frame)?.send(&frame.whole(), hints(frame))?;
        wait_until(PATIENCE, "a frame to be ignored", || {
            Ok((all()? > before).then_some(()))
        })
    }

    fn send_in(&self, frame: &Frame) -> Result<()> {
        let socket = self.far_socket(frame)?;
        let mut sent = 0;
        frame.each(frame.whole(), |bytes| {
            socket.send(bytes, hints(frame))?;
            sent += 1;
            if sent % AT_ONCE == 0 {
                self.mark(socket)?;
            }
            anyhow::Ok(())
        })?;
        self.mark(socket)
    }

    /// Sends a frame that is no IP, and waits until it was ignored: all before it have passed.
    fn mark(&self, socket: &PacketSocket) -> Result<()> {
        let before = self.ignored.packets(MARKED)?;
        // For everybody, so it is not ignored for its destination.
        let mut marker = [0xff; 60];
        marker[12..14].copy_from_slice(&EXPERIMENTAL);
        socket.send(&marker, Hints::NONE)?;
        self.markers.set(self.markers.get() + 1);
        wait_until(PATIENCE, "a marker to pass", || {
            Ok((self.ignored.packets(MARKED)? > before).then_some(()))
        })
    }

    fn far_socket(&self, frame: &Frame) -> Result<&PacketSocket> {
        self.socket(&hooks::far_end(hooks::interface(frame)))
    }

    fn socket(&self, interface: &str) -> Result<&PacketSocket> {
        self.sockets.get(interface).context("no such interface")
    }
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
