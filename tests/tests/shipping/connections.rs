//! Connections at random: their records in both formats, and who of them had a translated address
//! and port at a time, found without any engine.

use std::net::IpAddr;

use nat_acct_tests::Random;
use serde_json::{Value, json};

/// 2026-11-22T00:00:00Z.
const FIRST_DAY_US: i64 = 1_795_305_600_000_000;
const DAY_US: i64 = 86_400_000_000;
/// Addresses of the gateway. One of IPv6 stands for a prefix that is translated.
const TRANSLATED: [&str; 3] = ["203.0.113.1", "203.0.113.2", "2001:db8:113::1"];
/// So few ports are in use that most have several connections at a time.
const PORTS: u64 = 20;

/// What is told of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    End,
    StartAndEnd,
    StartUpdateAndEnd,
    /// It is still open.
    Start,
    StartAndUpdate,
    /// The mapping of the start came into doubt, and the end has none.
    StartAndAmbiguousEnd,
}

/// A connection.
pub struct Connection {
    pub id: String,
    pub client: (IpAddr, u16),
    pub translated: (IpAddr, u16),
    remote: Option<(IpAddr, u16)>,
    pub start_us: i64,
    end_us: i64,
    told: Told,
    is_inbound: bool,
}

/// A question: who had this at that time, give or take `within_us`.
#[derive(Debug)]
pub struct Question {
    pub address: IpAddr,
    /// 0: all.
    pub port: u16,
    pub at_us: i64,
    pub within_us: i64,
}

impl Connection {
    /// One of many that share addresses and ports.
    pub fn draw(number: usize, random: &mut Random) -> Self {
        let told = [
            Told::End,
            Told::End,
            Told::StartAndEnd,
            Told::StartUpdateAndEnd,
            Told::Start,
            Told::StartAndUpdate,
            Told::StartAndAmbiguousEnd,
        ];
        let address: IpAddr = pick(&TRANSLATED, random).parse().unwrap();
        let (client, remote) = match address {
            IpAddr::V4(_) => (
                format!("192.168.17.{}", 1 + random.below(200)),
                "198.51.100.7",
            ),
            IpAddr::V6(_) => (
                format!("2001:db8:17::{:x}", 1 + random.below(200)),
                "2001:db8::7",
            ),
        };
        let start_us = FIRST_DAY_US + random.below(3 * DAY_US as u64) as i64;
        // From a millisecond to a day.
        let life_us = 1_000 << random.below(27);
        Self {
            id: format!("00000000-0000-8000-8000-{number:012x}"),
            client: (client.parse().unwrap(), 1024 + random.below(60_000) as u16),
            translated: (address, 1024 + random.below(PORTS) as u16),
            remote: (random.below(4) > 0).then(|| (remote.parse().unwrap(), 443)),
            start_us,
            end_us: start_us + life_us,
            told: *pick(&told, random),
            is_inbound: random.below(4) == 0,
        }
    }

    /// Its records in the formats `ecs` and `compact`, in the order in which they are made.
    pub fn records(&self) -> Vec<(String, String)> {
        let stages: &[&str] = match self.told {
            Told::End => &["end"],
            Told::StartAndEnd | Told::StartAndAmbiguousEnd => &["start", "end"],
            Told::StartUpdateAndEnd => &["start", "update", "end"],
            Told::Start => &["start"],
            Told::StartAndUpdate => &["start", "update"],
        };
        let records = stages
            .iter()
            .map(|stage| (self.ecs(stage), self.compact(stage)));
        records.collect()
    }

    /// By how many microseconds it misses the question; none if it is no answer.
    pub fn away_us(&self, question: &Question) -> Option<i64> {
        let is_open = matches!(self.told, Told::Start | Told::StartAndUpdate);
        let is_asked = self.told != Told::StartAndAmbiguousEnd
            && self.translated.0 == question.address
            && [0, self.translated.1].contains(&question.port);
        let before = self.start_us - question.at_us;
        let after = if is_open {
            0
        } else {
            question.at_us - self.end_us
        };
        let away = before.max(after).max(0);
        (is_asked && away <= question.within_us).then_some(away)
    }

    /// A time at which it was open.
    pub fn some_time(&self, random: &mut Random) -> i64 {
        self.start_us + random.below((self.end_us - self.start_us) as u64) as i64
    }

    fn last_us(&self, stage: &str) -> i64 {
        match stage {
            "start" => self.start_us,
            "update" => (self.start_us + self.end_us) / 2,
            _ => self.end_us,
        }
    }

    fn is_translated(&self, stage: &str) -> bool {
        stage != "end" || self.told != Told::StartAndAmbiguousEnd
    }

    fn ecs(&self, stage: &str) -> String {
        let (last_us, is_start) = (self.last_us(stage), stage == "start");
        let mut event = json!({
            "action": format!("nat-session-{stage}"), "id": self.id, "start": time(self.start_us)
        });
        let mut nat_acct = json!({ "match": self.matched(stage) });
        let mut client = json!({ "ip": self.client.0, "port": self.client.1 });
        let mut remote = match self.remote {
            Some((ip, port)) => json!({ "ip": ip, "port": port }),
            None => json!({}),
        };
        if self.is_translated(stage) {
            client["nat"] = json!({ "ip": self.translated.0, "port": self.translated.1 });
        }
        if !is_start {
            event["end"] = time(last_us).into();
            event["duration"] = json!((last_us - self.start_us) * 1000);
            nat_acct["sent"] = 1.into();
            nat_acct["received"] = 2.into();
            nat_acct["retransmitted"] = json!({ "sent": 3, "received": 4 });
            nat_acct["partial"] = false.into();
            client["bytes"] = 5.into();
            client["packets"] = 6.into();
            remote["bytes"] = 7.into();
            remote["packets"] = 8.into();
        }
        if stage == "end" {
            event["sequence"] = 9.into();
            event["reason"] = "fin".into();
        }
        let (direction, source, destination) = if self.is_inbound {
            ("inbound", remote, client)
        } else {
            ("outbound", client, remote)
        };
        let mut record = json!({
            "@timestamp": time(last_us + 1_000_000),
            "event": event,
            "network": { "transport": "tcp", "direction": direction },
            "source": source,
            "destination": destination,
            "nat_acct": nat_acct,
            "observer": {},
        });
        let inside = if self.is_inbound { "egress" } else { "ingress" };
        record["observer"][inside] = json!({ "interface": { "name": "br0" } });
        record.to_string()
    }

    fn compact(&self, stage: &str) -> String {
        let (last_us, is_start) = (self.last_us(stage), stage == "start");
        let mut record = json!({
            "id": self.id, "s": self.start_us, "w": 1_000_000, "c": joined(self.client), "i": "br0"
        });
        let mut set = |name: &str, value: Value| record[name] = value;
        if stage != "end" {
            set("k", stage.into());
        }
        if self.is_inbound {
            set("dir", "inbound".into());
        }
        if self.is_translated(stage) {
            set("x", joined(self.translated).into());
        } else {
            set("m", "ambiguous".into());
        }
        if let Some(remote) = self.remote {
            set("r", joined(remote).into());
        }
        if !is_start {
            set("d", (last_us - self.start_us).into());
            let counts = ["sb", "rb", "sr", "rr", "si", "sp", "ri", "rp"];
            for (name, count) in counts.into_iter().zip(1..) {
                set(name, count.into());
            }
        }
        if stage == "end" {
            set("n", 9.into());
            set("e", "fin".into());
        }
        record.to_string()
    }

    fn matched(&self, stage: &str) -> &'static str {
        if self.is_translated(stage) {
            "sequence"
        } else {
            "ambiguous"
        }
    }
}

fn pick<'a, T>(of: &'a [T], random: &mut Random) -> &'a T {
    &of[random.below(of.len() as u64) as usize]
}

fn joined((ip, port): (IpAddr, u16)) -> String {
    std::net::SocketAddr::new(ip, port).to_string()
}

/// RFC 3339, in the month of [`FIRST_DAY_US`].
fn time(us: i64) -> String {
    let since = us - FIRST_DAY_US;
    let (day, in_day) = (since.div_euclid(DAY_US), since.rem_euclid(DAY_US));
    let (seconds, fraction) = (in_day / 1_000_000, in_day % 1_000_000);
    format!(
        "2026-11-{:02}T{:02}:{:02}:{:02}.{fraction:06}Z",
        22 + day,
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
