//! Both formats byte for byte, one line each whatever an interface is called, and the compact
//! format says all that the ECS format says.

mod common;

use std::{ffi::OsStr, net::SocketAddr, os::unix::ffi::OsStrExt};

use jiff::Timestamp;
use nat_acct::record::{Format, Record, Stamp};
use serde_json::{Value, json};

#[test]
fn the_ecs_format_is_as_it_was() {
    check_golden(Format::Ecs, include_str!("golden/ecs.jsonl"));
}

#[test]
fn the_compact_format_is_as_it_was() {
    check_golden(Format::Compact, include_str!("golden/compact.jsonl"));
}

#[test]
fn a_record_is_one_line_whatever_an_interface_is_called() {
    check_name("br0", "br0");
    check_name(r#"a"b\c"#, r#"a"b\c"#);
    check_name("a\nb\r\u{2028}\0", "a\nb\r\u{2028}\0");
    check_name("Brücke", "Brücke");
    check_name(OsStr::from_bytes(b"br\xff\n"), "br\u{fffd}\n");
}

#[test]
fn the_compact_format_says_all_that_the_ecs_format_says() {
    let mut closed = common::all_combinations();
    closed.extend(common::golden());
    for (sequence, closed) in closed.iter().enumerate() {
        let record = common::record(closed, sequence as u64);
        assert_eq!(
            expanded(&parsed(&record, Format::Compact)),
            parsed(&record, Format::Ecs)
        );
    }
}

fn check_golden(format: Format, expect: &str) {
    let mut written = String::new();
    for (closed, sequence) in common::golden().iter().zip(42..) {
        written += &common::record(closed, sequence).to_json(format);
        written += "\n";
    }
    assert_eq!(written, expect);
}

fn check_name(name: impl AsRef<OsStr>, expect: &str) {
    let names = [name.as_ref()];
    let stamp = Stamp::new(0, &names, &names);
    let closed = common::worked_example();
    let record = Record::new(&closed, 1, Timestamp::UNIX_EPOCH, &stamp);
    for format in [Format::Ecs, Format::Compact] {
        assert!(!record.to_json(format).contains(['\n', '\r']));
    }
    let ecs = parsed(&record, Format::Ecs);
    assert_eq!(ecs["observer"]["ingress"]["interface"]["name"], expect);
    assert_eq!(ecs["observer"]["egress"]["interface"]["name"], expect);
    let compact = parsed(&record, Format::Compact);
    assert_eq!(
        (&compact["i"], &compact["o"]),
        (&json!(expect), &json!(expect))
    );
}

fn parsed(record: &Record, format: Format) -> Value {
    serde_json::from_str(&record.to_json(format)).unwrap()
}

/// The ECS record, from nothing but the compact one and the descriptions in its schema.
fn expanded(compact: &Value) -> Value {
    let number = |name: &str| compact[name].as_i64().unwrap();
    let or = |name: &str, default: Value| compact.get(name).cloned().unwrap_or(default);
    let (start, duration) = (number("s"), number("d"));
    let direction = or("dir", json!("outbound"));
    let mut client = side(compact, "c", ["si", "sp"]);
    if let Some(translated) = compact.get("x") {
        client["nat"] = address_port(translated);
    }
    let remote = side(compact, "r", ["ri", "rp"]);
    let mut inside = compact.get("i").map(interface);
    if let (Some(inside), Some(vlan)) = (&mut inside, compact.get("v")) {
        inside["vlan"] = json!({ "id": vlan });
    }
    let outside = compact.get("o").map(interface);
    let is_outbound = direction == "outbound";
    let (source, destination) = if is_outbound {
        (client, remote)
    } else {
        (remote, client)
    };
    let (ingress, egress) = if is_outbound {
        (inside, outside)
    } else {
        (outside, inside)
    };
    let mut observer = json!({});
    for (name, port) in [("ingress", ingress), ("egress", egress)] {
        if let Some(port) = port {
            observer[name] = port;
        }
    }
    json!({
        "@timestamp": time(start + duration + number("w")),
        "event": {
            "action": "nat-session-end",
            "id": compact["id"],
            "sequence": compact["n"],
            "start": time(start),
            "end": time(start + duration),
            "duration": duration as u64 * 1000,
            "reason": compact["e"],
        },
        "network": { "transport": "tcp", "direction": direction },
        "source": source,
        "destination": destination,
        "nat_acct": {
            "sent": compact["sb"],
            "received": compact["rb"],
            "retransmitted": { "sent": or("sr", json!(0)), "received": or("rr", json!(0)) },
            "match": or("m", json!("sequence")),
            "partial": or("p", json!(false)),
        },
        "observer": observer,
    })
}

fn side(compact: &Value, endpoint: &str, [bytes, packets]: [&str; 2]) -> Value {
    let mut side = address_port(&compact[endpoint]);
    side["bytes"] = compact[bytes].clone();
    side["packets"] = compact[packets].clone();
    side
}

fn address_port(text: &Value) -> Value {
    let endpoint: SocketAddr = text.as_str().unwrap().parse().unwrap();
    json!({ "ip": endpoint.ip().to_string(), "port": endpoint.port() })
}

fn interface(name: &Value) -> Value {
    json!({ "interface": { "name": name } })
}

fn time(since_epoch_us: i64) -> String {
    format!(
        "{:.6}",
        Timestamp::from_microsecond(since_epoch_us).unwrap()
    )
}
