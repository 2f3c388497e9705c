//! Writes a classic pcap file as a stream: little-endian, microseconds, Ethernet.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use super::frame::Frame;

/// Magic number, version 2.4, two unused fields. Snap length and link type follow.
const HEADER: [u32; 4] = [0xa1b2_c3d4, 4 << 16 | 2, 0, 0];
const ETHERNET: u32 = 1;
const BUFFER_BYTES: usize = 1 << 20;

pub struct Pcap {
    file: BufWriter<File>,
}

impl Pcap {
    pub fn create(path: &Path, snap_bytes: u32) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
        let mut pcap = Self { file };
        pcap.write_numbers(&HEADER)?;
        pcap.write_numbers(&[snap_bytes, ETHERNET])?;
        Ok(pcap)
    }

    pub fn write(&mut self, time_us: u64, frame: &Frame) -> io::Result<()> {
        let (seconds, rest) = (time_us / 1_000_000, time_us % 1_000_000);
        let captured = frame.bytes.len() as u32;
        self.write_numbers(&[seconds as u32, rest as u32, captured, frame.original])?;
        self.file.write_all(&frame.bytes)
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn write_numbers(&mut self, numbers: &[u32]) -> io::Result<()> {
        numbers
            .iter()
            .try_for_each(|number| self.file.write_all(&number.to_le_bytes()))
    }
}
