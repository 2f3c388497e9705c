//! What the fuzzer calls with bytes of its making. Each function panics where a promise is broken.
//! The suite calls them, too, with the committed corpus.

mod operations;

use std::io::Cursor;

use nat_acct::capture::Capture;
use nat_acct_common::packet::{
    Endpoints, Frame, InParts, Link, Vlan, parse, parse_any, plain_v4, plain_v6,
    plainly_opens_nothing,
};

pub use operations::engine;

/// The packet parser: the first byte says what the frame starts with.
pub fn packet(data: &[u8]) {
    let Some((&kind, bytes)) = data.split_first() else {
        return;
    };
    let link = [Link::Ethernet, Link::Ip][usize::from(kind & 1)];
    // A frame may be longer than what is left of it, as in a capture that was cut short.
    let frame = Frame {
        link,
        len: bytes.len() as u32 + u32::from(kind >> 4) * 100,
        vlan: Vlan::NONE,
        gso_size: u32::from(kind >> 1 & 7) * 500,
    };
    let parsed = parse(bytes, &frame);
    assert_eq!(
        parsed,
        parse_any(bytes, &frame),
        "plain frames are read otherwise"
    );
    let Ok(segment) = parsed else {
        return;
    };
    if link == Link::Ethernet {
        let v4 = plain_v4(bytes, &frame).map(parts);
        let found = v4.or_else(|| plain_v6(bytes, &frame).map(parts));
        assert!(
            found.is_none_or(|found| found == parts(segment)),
            "a part of a plain frame is read otherwise"
        );
    }
    assert!(
        !(segment.opens() && plainly_opens_nothing(bytes, link)),
        "an opening is overlooked on the outside"
    );
    assert!(segment.payload <= frame.len);
    assert!(segment.packets >= 1);
    assert!(segment.ip_bytes >= segment.payload + 40 * segment.packets);
}

/// What is read by itself.
fn parts(segment: impl InParts) -> (u8, Endpoints) {
    (segment.flags(), segment.endpoints())
}

/// The capture reader, with a reader that gives a few bytes at a time.
pub fn capture(data: &[u8]) {
    let mut capture = Capture::read("fuzz", Trickle(Cursor::new(data.to_vec())));
    let mut packets = 0;
    while let Some(packet) = capture.next() {
        packets += 1;
        assert!(
            packet.bytes.len() <= data.len() * 2000,
            "more than was there"
        );
    }
    // A record takes 16 bytes at least; compression may make a thousand of one.
    assert!(packets <= data.len() * 2000);
}

struct Trickle(Cursor<Vec<u8>>);

impl std::io::Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let few = buffer.len().min(7);
        std::io::Read::read(&mut self.0, &mut buffer[..few])
    }
}
