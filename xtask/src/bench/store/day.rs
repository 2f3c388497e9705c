//! A day of a campus as records: many clients, some of them busy, behind a few public addresses. Most
//! connections are short and some last for hours; they are recorded in the order in which they end. The
//! same seed gives the same day.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io::{self, Write},
};

use super::super::traffic::random::Random;

/// When the day begins: 2026-11-22T00:00:00Z, in microseconds since the Unix epoch.
pub const START_US: i64 = 1_795_305_600_000_000;
pub const ADDRESSES: u64 = 64;

const DAY_US: f64 = 86_400e6;
const CLIENTS: usize = 20_000;
const ZIPF: f64 = 1.2;
/// The shape of a Pareto distribution: of lives, and of bytes.
const TAIL: f64 = 0.6;
const SHORTEST_US: f64 = 20e3;
const LONGEST_US: f64 = 12.0 * 3600e6;
/// From the last segment to the record.
const LINGER_US: i64 = 1_000_000;
const RUN: &str = "00000000000da7a5";

/// A connection, in the order of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    pub end_us: i64,
    pub start_us: i64,
    pub client: u32,
    pub client_port: u16,
    pub address: u8,
    pub port: u16,
    remote: u32,
    sent: u32,
    received: u32,
    id: [u64; 2],
}

/// Hands out `count` connections as they end.
pub fn generate(
    count: u64,
    seed: u64,
    mut each: impl FnMut(u64, &Connection) -> io::Result<()>,
) -> io::Result<()> {
    let mut random = Random::new(seed);
    let popularity = popularity();
    let mut open = BinaryHeap::<Reverse<Connection>>::new();
    let mut number = 0;
    let mut hand_out = |connection: &Connection| {
        let done = each(number, connection);
        number += 1;
        done
    };
    for started in 0..count {
        let start_us = start_us((started as f64 + unit(&mut random)) / count as f64);
        while let Some(Reverse(first)) = open.peek()
            && first.end_us <= start_us
        {
            hand_out(first)?;
            open.pop();
        }
        open.push(Reverse(connection(&mut random, &popularity, start_us)));
    }
    while let Some(Reverse(connection)) = open.pop() {
        hand_out(&connection)?;
    }
    Ok(())
}

impl Connection {
    /// `203.0.113.7`
    pub fn translated_ip(&self) -> String {
        format!("203.0.113.{}", self.address)
    }

    pub fn client_ip(&self) -> String {
        let [_, b, c, d] = self.client.to_be_bytes();
        format!("10.{b}.{c}.{d}")
    }

    pub fn remote_ip(&self) -> String {
        let [_, b, c, d] = self.remote.to_be_bytes();
        format!("198.{}.{c}.{d}", 18 + b % 2)
    }

    /// Its record in the compact format.
    pub fn write_compact(&self, number: u64, into: &mut impl Write) -> io::Result<()> {
        let Self {
            start_us,
            end_us,
            client_port,
            port,
            sent,
            received,
            ..
        } = self;
        let [high, low] = self.id;
        let (sent_packets, received_packets) = (sent / 1000 + 4, received / 1400 + 3);
        writeln!(
            into,
            "{{\"n\":{number},\"id\":\"{:08x}-{:04x}-8{:03x}-8{:03x}-{:012x}\",\"s\":{start_us},\
             \"d\":{},\"w\":{LINGER_US},\"c\":\"{}:{client_port}\",\"x\":\"{}:{port}\",\
             \"r\":\"{}:443\",\"sb\":{sent},\"rb\":{received},\"si\":{},\"ri\":{},\
             \"sp\":{sent_packets},\"rp\":{received_packets},\"e\":\"fin\",\"i\":\"br0\",\
             \"o\":\"eth1\",\"a\":\"{RUN}\"}}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0xfff,
            low & 0xffff_ffff_ffff,
            end_us - start_us,
            self.client_ip(),
            self.translated_ip(),
            self.remote_ip(),
            sent + 52 * sent_packets,
            received + 52 * received_packets,
        )
    }
}

fn connection(random: &mut Random, popularity: &[f64], start_us: i64) -> Connection {
    let drawn = unit(random);
    let client = popularity.partition_point(|share| *share < drawn) as u32;
    let life_us = pareto(random, SHORTEST_US).min(LONGEST_US);
    Connection {
        end_us: start_us + life_us as i64,
        start_us,
        client,
        client_port: port(random),
        // Each client keeps its address.
        address: (u64::from(client) % ADDRESSES) as u8,
        port: port(random),
        remote: random.between(0, 1 << 17),
        sent: pareto(random, 300.0).min(1e9) as u32,
        received: pareto(random, 1000.0).min(2e9) as u32,
        id: [random.word(), random.word()],
    }
}

/// The share of clients up to each, by Zipf's law.
fn popularity() -> Vec<f64> {
    let weights = (1..=CLIENTS).map(|rank| (rank as f64).powf(-ZIPF));
    let mut sum = 0.0;
    let mut sums: Vec<_> = weights
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    sums.iter_mut().for_each(|share| *share /= sum);
    sums
}

/// When so much of the day's connections has begun: in the afternoon they are four times as many as at
/// night.
fn start_us(share: f64) -> i64 {
    let tau = std::f64::consts::TAU;
    // Newton's steps towards the inverse of the sum.
    let mut time = share;
    for _ in 0..6 {
        let sum = time - 0.6 / tau * (tau * time).sin();
        let rate = 1.0 - 0.6 * (tau * time).cos();
        time -= (sum - share) / rate;
    }
    START_US + (time.clamp(0.0, 1.0) * DAY_US) as i64
}

fn pareto(random: &mut Random, least: f64) -> f64 {
    least * (1.0 - unit(random)).powf(-1.0 / TAIL)
}

fn port(random: &mut Random) -> u16 {
    random.between(1024, 65_536) as u16
}

fn unit(random: &mut Random) -> f64 {
    (random.word() >> 11) as f64 / (1_u64 << 53) as f64
}
