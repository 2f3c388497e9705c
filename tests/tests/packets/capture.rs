//! Cases as captures: pcapng, as dumpcap writes it on both interfaces of a gateway.

use std::io::Write;

use anyhow::Result;
use nat_acct_common::packet::Link;
use nat_acct_tests::cases::{Case, Frame, Side};

/// The interfaces: name, and link type by the numbers of tcpdump.org.
const INTERFACES: [(&str, u16); 4] = [("br0", 1), ("eth1", 1), ("br0", 101), ("eth1", 101)];
/// 2026-11-22T09:42:00Z.
const MORNING_NS: u64 = 1_795_340_520_000_000_000;
const BETWEEN_FRAMES_NS: u64 = 10_000;
/// Longer than any connection lingers.
const BETWEEN_ROUNDS_NS: u64 = 10_000_000_000;

/// Writes captures of cases, one after the other.
pub struct Capture<W> {
    file: W,
    time_ns: u64,
}

impl<W: Write> Capture<W> {
    pub fn new(file: W) -> Result<Self> {
        let mut capture = Self {
            file,
            time_ns: MORNING_NS,
        };
        capture.section()?;
        for (name, link) in INTERFACES {
            capture.interface(name, link)?;
        }
        Ok(capture)
    }

    /// All frames of a case.
    pub fn case(&mut self, case: &Case) -> Result<()> {
        for round in &case.rounds {
            self.time_ns += BETWEEN_ROUNDS_NS;
            for frame in &round.frames {
                frame.each(frame.bytes.clone(), |bytes| self.frame(frame, bytes))?;
            }
        }
        Ok(())
    }

    /// A frame of which these bytes are captured.
    pub fn frame(&mut self, frame: &Frame, bytes: &[u8]) -> Result<()> {
        self.time_ns += BETWEEN_FRAMES_NS;
        let interface = match (frame.side, frame.link) {
            (Side::Inside, Link::Ethernet) => 0,
            (Side::Outside, Link::Ethernet) => 1,
            (Side::Inside, Link::Ip) => 2,
            (Side::Outside, Link::Ip) => 3,
        };
        let mut body = Vec::new();
        let time = self.time_ns;
        let lengths = [bytes.len(), frame.len].map(|length| length as u32);
        for number in [interface, (time >> 32) as u32, time as u32]
            .into_iter()
            .chain(lengths)
        {
            body.extend(number.to_le_bytes());
        }
        body.extend(bytes);
        self.block(6, body)
    }

    pub fn end(mut self) -> Result<W> {
        self.file.flush()?;
        Ok(self.file)
    }

    fn section(&mut self) -> Result<()> {
        let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
        body.extend([1, 0, 0, 0]);
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, body)
    }

    fn interface(&mut self, name: &str, link: u16) -> Result<()> {
        let mut body = link.to_le_bytes().to_vec();
        body.extend([0; 6]);
        // Options: its name, nanoseconds, no more.
        body.extend([2, 0, name.len() as u8, 0]);
        body.extend(name.bytes());
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend([9, 0, 1, 0, 9, 0, 0, 0]);
        body.extend([0; 4]);
        self.block(1, body)
    }

    fn block(&mut self, kind: u32, mut body: Vec<u8>) -> Result<()> {
        body.resize(body.len().next_multiple_of(4), 0);
        let len = body.len() as u32 + 12;
        self.file.write_all(&kind.to_le_bytes())?;
        self.file.write_all(&len.to_le_bytes())?;
        self.file.write_all(&body)?;
        Ok(self.file.write_all(&len.to_le_bytes())?)
    }
}
