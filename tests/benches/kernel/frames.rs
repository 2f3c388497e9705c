//! The frames; where addresses and ports of clients are, each program run writes others.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader};
use nat_acct_common::layout::Sender;
use nat_acct_tests::Family;

/// The Ethernet address that frames for the gateway have; others are not counted.
pub const GATEWAY: &str = "02:00:00:00:00:01";
const GATEWAY_BYTES: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 2];
const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 80);
const REMOTE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x80);
/// The lower half of a client's address is drawn.
const CLIENT6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0);
const REMOTE_PORT: u16 = 80;
const WINDOW: u16 = 64_000;

/// A segment with these numbers, as `set` makes it.
pub fn frame(
    family: Family,
    sender: Sender,
    seq: u32,
    payload: usize,
    set: impl FnOnce(PacketBuilderStep<TcpHeader>) -> PacketBuilderStep<TcpHeader>,
) -> Result<Vec<u8>> {
    let ethernet = PacketBuilder::ethernet2(OTHER, GATEWAY_BYTES);
    let (client, remote) = (Ipv4Addr::UNSPECIFIED.octets(), REMOTE.octets());
    let (client6, remote6) = (CLIENT6.octets(), REMOTE6.octets());
    let ip = match (family, sender) {
        (Family::V4, Sender::Client) => ethernet.ipv4(client, remote, 64),
        (Family::V4, Sender::Remote) => ethernet.ipv4(remote, client, 64),
        (Family::V6, Sender::Client) => ethernet.ipv6(client6, remote6, 64),
        (Family::V6, Sender::Remote) => ethernet.ipv6(remote6, client6, 64),
    };
    let (source, destination) = match sender {
        Sender::Client => (0, REMOTE_PORT),
        Sender::Remote => (REMOTE_PORT, 0),
    };
    let mut bytes = Vec::new();
    set(ip.tcp(source, destination, seq, WINDOW)).write(&mut bytes, &vec![0; payload])?;
    Ok(bytes)
}

/// The 4-tuple of a connection as the textbook program has it as key.
pub fn textbook_key(number: u32) -> [u32; 3] {
    let client = 0x0a00_0000 + (number >> 6);
    let ports = (40_000 + (number & 63)) << 16 | u32::from(REMOTE_PORT);
    [client, REMOTE.to_bits(), ports].map(u32::to_be)
}
