//! Damage inside captures: blocks that contradict themselves, and bytes that are anything.

use std::io::Cursor;

use nat_acct::capture::Capture;

use crate::{
    broken::{WHOLE, check, inside, inside_of, replay},
    traffic::Random,
    writers::{ETHERNET, Order, Pcapng, framed},
};

#[test]
fn damaged_blocks() {
    let mut file = inside_ng();
    let begin = file.len();
    // A packet that claims to be longer than its block, and one of an unknown interface.
    let mut body = vec![0; 20];
    body[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut damaged = Pcapng::new(Order::Little);
    damaged.bytes.clear();
    damaged.block(6, &body);
    damaged.packet(9, 1, &[0; 60], &[]);
    file.extend(&damaged.bytes);
    let replayed = check(&file, "a damaged block was passed over", 1, WHOLE);
    replayed.line(&format!("in: at byte {begin}: a damaged block"));
    let interface = format!(
        "in: at byte {}: a packet of an interface that is not",
        begin + 32
    );
    replayed.line(&interface);
}

#[test]
fn blocks_of_wrong_length() {
    for length in [0u32, 11, 13, 28, 1 << 30] {
        let mut file = inside_ng();
        let begin = file.len();
        file.extend(6u32.to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend([1; 40]);
        let expect = format!("in: at byte {begin}: the capture is damaged from here on");
        check(&file, &expect, 1, WHOLE);
    }
}

#[test]
fn a_section_in_no_byte_order() {
    let mut file = inside_ng();
    let begin = file.len();
    file.extend(0x0a0d_0d0a_u32.to_le_bytes());
    file.extend([7; 24]);
    check(
        &file,
        &format!("in: at byte {begin}: the capture is damaged"),
        1,
        WHOLE,
    );
}

/// Whatever is in a file, the reader comes to an end of it.
#[test]
fn damaged_anywhere() {
    let mut random = Random(4);
    for file in [inside(), inside_ng()] {
        for _ in 0..2_000 {
            let mut damaged = file.clone();
            for _ in 0..=random.below(4) {
                let place = random.below(damaged.len() as u64) as usize;
                damaged[place] = [0, 1, 0x7f, 0xff, random.next() as u8][random.below(5) as usize];
            }
            damaged.truncate(random.below(2 * file.len() as u64) as usize);
            let mut capture = Capture::read("test", Cursor::new(damaged));
            while let Some(packet) = capture.next() {
                packet.payload();
            }
        }
    }
}

/// So does the program, which must not end by a panic.
#[test]
fn damaged_anywhere_for_the_program() {
    let mut random = Random(5);
    for _ in 0..60 {
        let mut damaged = if random.below(2) == 0 {
            inside()
        } else {
            inside_ng()
        };
        for _ in 0..=random.below(30) {
            let place = random.below(damaged.len() as u64) as usize;
            damaged[place] = random.next() as u8;
        }
        assert!(replay(&damaged).status <= 1);
    }
}

fn inside_ng() -> Vec<u8> {
    let mut file = Pcapng::new(Order::Little);
    file.interface(ETHERNET, &[]);
    for sighting in inside_of(5000) {
        file.packet(
            0,
            sighting.time_ns / 1_000,
            &framed(&sighting, ETHERNET),
            &[],
        );
    }
    file.bytes
}
