//! Whether all that has passed is in the file of a capture that is to be ended: what the capture has
//! not read from the kernel by then is in no file.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::Result;

use crate::lab::{Hints, Lab, Ns, PacketSocket};
use crate::wait::{PATIENCE, wait_until};

/// The addresses in a last frame are nobody's.
const TO_AND_FROM: [u8; 12] = [2; 12];
/// The EtherType for local experiments, in an IEEE 802 network.
const EXPERIMENT: [u8; 2] = [0x88, 0xb5];

/// Sends one more frame by each of these interfaces of the gateway, and waits until all are in the
/// file of their capture: so are then those before them.
///
/// # Errors
///
/// When they do not come.
pub fn wait_for_all(lab: &Lab, interfaces: &[&str], file: &Path) -> Result<()> {
    let length = fs::metadata(file)?.len();
    lab.enter(Ns::Gateway, || {
        interfaces.iter().try_for_each(|interface| {
            PacketSocket::open(interface)?.send(&last_frame(interface), Hints::NONE)
        })
    })?;
    wait_until(PATIENCE, "the end of the capture", || {
        let end = behind(file, length)?;
        let is_there = |interface: &&str| contains(&end, &last_frame(interface));
        Ok(interfaces.iter().all(is_there).then_some(()))
    })
}

fn last_frame(interface: &str) -> Vec<u8> {
    let content = format!("{interface}: the last frame");
    [&TO_AND_FROM[..], &EXPERIMENT, content.as_bytes()].concat()
}

/// What the file has from there on.
fn behind(file: &Path, length: u64) -> Result<Vec<u8>> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(length))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(end)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}
