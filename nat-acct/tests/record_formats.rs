//! Both formats byte for byte, one line each whatever an interface is called, and the compact
//! format says all that the ECS format says.

mod common;

use std::{ffi::OsStr, net::SocketAddr, os::unix::ffi::OsStrExt};

use jiff::Timestamp;
use nat_acct::record::{Account, Endpoint, Format, Record, Remotes, Stamp};
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
    for record in common::all_records() {
        assert_eq!(
            expanded(&parsed(&record, Format::Compact)),
            parsed(&record, Format::Ecs)
        );
    }
}

#[test]
fn nothing_tells_the_remote_that_is_left_out() {
    for format in [Format::Ecs, Format::Compact] {
        let json = |remote: Endpoint, remotes| {
            let closed = Account {
                remote,
                ..common::worked_example()
            };
            common::record_telling(remotes, &closed, 1).to_json(format)
        };
        let one = Endpoint {
            ip: [198, 51, 100, 7].into(),
            port: 443,
        };
        let other = Endpoint {
            ip: "2001:db8::7".parse().unwrap(),
            port: 25,
        };
        assert_ne!(json(one, Remotes::Told), json(other, Remotes::Told));
        assert_eq!(json(one, Remotes::LeftOut), json(other, Remotes::LeftOut));
    }
}

fn check_golden(format: Format, expect: &str) {
    let mut written = String::new();
    for record in common::golden() {
        written += &record.to_json(format);
        written += "\n";
    }
    assert_eq!(written, expect);
}

fn check_name(name: impl AsRef<OsStr>, expect: &str) {
    let names = [name.as_ref()];
    let stamp = Stamp::new(0, &names, &names);
    let closed = common::worked_example();
    let record = Record::new(&closed, Some(1), Timestamp::UNIX_EPOCH, &stamp);
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
    let number = |name: &str| compact.get(name).map(|value| value.as_i64().unwrap());
    let or = |name: &str, default: Value| compact.get(name).cloned().unwrap_or(default);
    let start = number("s").unwrap();
    let end = number("d").map(|duration| start + duration);
    let direction = or("dir", json!("outbound"));
    let mut client = side(compact, "c", ["si", "sp"]);
    if let Some(translated) = compact.get("x") {
        client["nat"] = address_port(translated);
    }
    let remote = side(compact, "r", ["ri", "rp"]);
    let action = format!("nat-session-{}", or("k", json!("end")).as_str().unwrap());
    let mut event = json!({ "action": action, "id": compact["id"], "start": time(start) });
    let mut nat_acct = json!({ "match": or("m", json!("sequence")) });
    if let Some(end) = end {
        event["end"] = json!(time(end));
        event["duration"] = json!((end - start) as u64 * 1000);
        nat_acct["sent"] = compact["sb"].clone();
        nat_acct["received"] = compact["rb"].clone();
        nat_acct["retransmitted"] =
            json!({ "sent": or("sr", json!(0)), "received": or("rr", json!(0)) });
        nat_acct["partial"] = or("p", json!(false));
    }
    for (name, short) in [("sequence", "n"), ("reason", "e")] {
        if let Some(value) = compact.get(short) {
            event[name] = value.clone();
        }
    }
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
    let mut ecs = json!({
        "@timestamp": time(end.unwrap_or(start) + number("w").unwrap()),
        "event": event,
        "network": { "transport": "tcp", "direction": direction },
        "nat_acct": nat_acct,
        "observer": observer,
        "agent": { "ephemeral_id": compact["a"] },
    });
    for (name, side) in [("source", source), ("destination", destination)] {
        if side != json!({}) {
            ecs[name] = side;
        }
    }
    ecs
}

fn side(compact: &Value, endpoint: &str, [bytes, packets]: [&str; 2]) -> Value {
    let mut side = compact
        .get(endpoint)
        .map_or_else(|| json!({}), address_port);
    for (name, short) in [("bytes", bytes), ("packets", packets)] {
        if let Some(value) = compact.get(short) {
            side[name] = value.clone();
        }
    }
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
