//! What independent parsers say of every valid frame: the same ports, sequence number and length as
//! the table and as our parser. tshark is asked, and etherparse where tshark does not know.

use std::fs::File;
use std::io::BufWriter;
use std::process::Command;

use anyhow::{Result, ensure};
use etherparse::{LaxSlicedPacket, TransportSlice};
use nat_acct_common::packet;
use nat_acct_tests::cases::{self, Frame, Says};
use nat_acct_tests::shapes::Way;

use crate::capture::Capture;

/// tshark takes no frame that is longer.
const LARGEST_FRAME: usize = 200_000;
const FIELDS: [&str; 4] = ["tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.len"];
/// Each fragment by itself, each segment by itself.
const OPTIONS: [&str; 4] = [
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
];
/// Frames of the table of which tshark knows no length, because they go on in later fragments.
const FIRST_FRAGMENTS: usize = 4;
/// Frames of the table that are no TCP for tshark 4.0: BIG TCP over IPv6 without a jumbo payload option.
const WITHOUT_LENGTH: usize = 4;

#[test]
fn others_read_the_same_in_every_valid_frame() -> Result<()> {
    let frames: Vec<(Frame, Says)> = cases::all(Way::Replay, LARGEST_FRAME)
        .into_iter()
        .flat_map(|case| case.rounds)
        .flat_map(|round| round.frames)
        .filter_map(|frame| frame.says.map(|says| (frame, says)))
        .collect();
    let Some(lines) = tshark(&frames)? else {
        eprintln!("tshark is missing: nothing was compared");
        return Ok(());
    };
    ensure!(lines.len() == frames.len(), "{} lines", lines.len());
    let (mut fragments, mut unknown) = (0, 0);
    for ((frame, says), line) in frames.iter().zip(lines) {
        assert_eq!(
            ours(frame).as_ref(),
            Some(says),
            "our parser on {frame:02x?}"
        );
        let (without_len, whole) = in_fields(says);
        if line == without_len {
            fragments += 1;
        } else if line.trim().is_empty() {
            unknown += 1;
            assert_eq!(
                etherparse(frame).as_ref(),
                Some(says),
                "etherparse on {frame:02x?}"
            );
        } else {
            assert_eq!(line, whole, "tshark on {frame:02x?}");
        }
    }
    assert_eq!((fragments, unknown), (FIRST_FRAGMENTS, WITHOUT_LENGTH));
    Ok(())
}

fn ours(frame: &Frame) -> Option<Says> {
    let known = packet::Frame {
        link: frame.link,
        len: frame.len as u32,
        vlan: packet::Vlan::NONE,
        gso_size: frame.gso_size.into(),
    };
    let segment = packet::parse(&frame.bytes[..], &known).ok()?;
    Some(Says {
        source_port: segment.source_port,
        destination_port: segment.destination_port,
        seq: segment.seq,
        payload: segment.payload,
    })
}

fn etherparse(frame: &Frame) -> Option<Says> {
    let whole = frame.whole();
    let packet = LaxSlicedPacket::from_ethernet(&whole).ok()?;
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else {
        return None;
    };
    Some(Says {
        source_port: tcp.source_port(),
        destination_port: tcp.destination_port(),
        seq: tcp.sequence_number(),
        payload: tcp.payload().len() as u32,
    })
}

/// How tshark prints it: without and with the length.
fn in_fields(says: &Says) -> (String, String) {
    let without_len = format!(
        "{}\t{}\t{}\t",
        says.source_port, says.destination_port, says.seq
    );
    let whole = format!("{without_len}{}", says.payload);
    (without_len, whole)
}

/// What tshark prints of each frame.
fn tshark(frames: &[(Frame, Says)]) -> Result<Option<Vec<String>>> {
    let file = std::env::temp_dir().join(format!("nat-acct-opinion-{}.pcapng", std::process::id()));
    let mut capture = Capture::new(BufWriter::new(File::create(&file)?))?;
    for (frame, _) in frames {
        capture.frame(frame, &frame.bytes)?;
    }
    capture.end()?;
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&file).args(["-T", "fields"]);
    for option in OPTIONS {
        command.args(["-o", option]);
    }
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let done = command.output();
    std::fs::remove_file(&file)?;
    let Ok(done) = done else {
        return Ok(None);
    };
    ensure!(done.status.success(), "{done:?}");
    let text = String::from_utf8(done.stdout)?;
    Ok(Some(text.lines().map(str::to_owned).collect()))
}
