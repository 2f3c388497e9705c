//! Hosts with the same address in different networks are not taken for one.

use nat_acct::record::{Account, Format, Record};

use crate::{common, day, questions, scratch::Scratch};

const ASKED: &str = "129.125.14.80:61002 --at 2026-11-22T09:43:00Z";

/// The worked example in a store that proves that nobody else was there, and at the same time a connection to
/// another remote, by another host with the client's address.
fn records() -> Vec<Record> {
    let mut records = questions::four();
    let mut tagged = Account {
        identity: 4,
        vlans: [0, 20],
        ..common::worked_example()
    };
    tagged.remote.port = 2222;
    records.push(common::record(&tagged, 4));
    records
}

fn stored(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    for (format, file) in [(Format::Ecs, "ecs"), (Format::Compact, "compact")] {
        scratch.write(file, &day::lines(&records(), format));
    }
    scratch.import("ecs");
    scratch
}

#[test]
fn a_vlan_tells_hosts_apart() {
    let scratch = stored("networks");
    for records in ["--store s", "--from ecs", "--from compact"] {
        let said = |words: &str| scratch.run(&format!("who {ASKED} {words} {records}")).said;
        let both = said("");
        assert!(both.contains("192.168.17.11:54054 (br0) → "), "{both}");
        assert!(
            both.contains("192.168.17.11:54054 (br0, VLAN 20) → "),
            "{both}"
        );
        assert!(
            both.contains(
                "Not unique: 2 connections of 2 clients; one address in several networks may be several hosts"
            ),
            "{both}"
        );
        let one = said("--remote 129.125.14.81:2222");
        assert!(
            one.contains("It was 192.168.17.11 (br0, VLAN 20): "),
            "{one}"
        );
        assert!(!one.contains("(br0) → "), "{one}");
        let json = said("--remote 129.125.14.81:2222 --json");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let client = ["client", "inside", "vlan"].map(|field| json[field].as_str());
        assert_eq!(client, [Some("192.168.17.11"), Some("br0"), Some("20")]);
        let json = said("--json");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["client"], serde_json::Value::Null);
        let candidates = json["candidates"].as_array().unwrap().iter();
        let mut vlans: Vec<_> = candidates
            .map(|candidate| (candidate["inside"].as_str(), candidate["vlan"].as_str()))
            .collect();
        vlans.sort_unstable();
        assert_eq!(vlans, [(Some("br0"), None), (Some("br0"), Some("20"))]);
    }
}

#[test]
fn people_read_networks_too() {
    let scratch = stored("networks-view");
    let read = |file: &str| {
        let database = rusqlite::Connection::open(scratch.path("s").join(file)).unwrap();
        let sql = "SELECT inside, vlan FROM connections ORDER BY vlan";
        let mut query = database.prepare(sql).unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let rows: Result<Vec<(String, Option<String>)>, _> = rows.unwrap().collect();
        rows.unwrap()
    };
    let vlan = |vlan: Option<&str>| ("br0".to_owned(), vlan.map(str::to_owned));
    let mut expected = vec![vlan(None); 4];
    expected.push(vlan(Some("20")));
    assert_eq!(read("2026-11-22T09Z.sqlite"), expected);
}

#[test]
fn a_store_from_before_there_were_networks_is_read_and_written() {
    let scratch = stored("networks-before");
    for file in ["2026-11-22T09Z.sqlite", "index.sqlite"] {
        let database = rusqlite::Connection::open(scratch.path("s").join(file)).unwrap();
        database.execute_batch("DROP TABLE network").unwrap();
    }
    let not_kept = |connections: u32| {
        format!(
            "Not unique: {connections} connections, and it was not kept in which network all of them were"
        )
    };
    let hour = scratch.path("s").join("2026-11-22T09Z.sqlite");
    let database = rusqlite::Connection::open(hour).unwrap();
    database
        .execute_batch("UPDATE record SET words = words & 511")
        .unwrap();
    drop(database);
    let said = scratch.run(&format!("who {ASKED} --store s")).said;
    assert!(said.contains(&not_kept(2)), "{said}");
    let mut more = records()[4].clone();
    more.sequence = Some(5);
    more.id = "11111111-1111-8111-8111-111111111111".parse().unwrap();
    scratch.write("more", &day::lines(&[more], Format::Compact));
    scratch.import("more");
    let said = scratch.run(&format!("who {ASKED} --store s")).said;
    assert!(said.contains(&not_kept(3)), "{said}");
    assert!(
        said.contains("192.168.17.11:54054 (br0, VLAN 20) → "),
        "{said}"
    );
}
