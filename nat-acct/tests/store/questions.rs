//! What is asked, and what is answered: text, status, and why not.

use std::iter;

use jiff::SignedDuration;
use nat_acct::record::{Format, Match, Record, Remotes, Run, Stage};

use crate::{
    common,
    scratch::{Ended, Scratch},
};

const ADDRESS: &str = "129.125.14.80";

/// The worked example, one before and one long after it, which prove that an agent was there; and one
/// before all that were there could have begun, which proves that it has seen them begin.
pub fn four() -> Vec<Record> {
    let example = common::worked_example();
    let before = nat_acct::record::Account {
        identity: 1,
        start_ns: example.start_ns - 10_000_000_000,
        end_ns: example.start_ns - 9_000_000_000,
        ..example
    };
    let after = nat_acct::record::Account {
        identity: 3,
        start_ns: example.end_ns + 600_000_000_000,
        end_ns: example.end_ns + 601_000_000_000,
        ..example
    };
    let first = nat_acct::record::Account {
        identity: 2,
        ..before
    };
    let first = moved(&common::record(&first, 0), -1_000);
    let numbered = [before, example, after].into_iter().zip(1..);
    let later = numbered.map(|(account, number)| common::record(&account, number));
    iter::once(first).chain(later).collect()
}

/// The record, had all happened so many seconds later.
fn moved(record: &Record, by_s: i64) -> Record {
    let by = SignedDuration::from_secs(by_s);
    Record {
        start: record.start + by,
        end: record.end + by,
        written: record.written + by,
        ..record.clone()
    }
}

fn lines(records: &[Record]) -> String {
    let formats = [Format::Ecs, Format::Compact].into_iter().cycle();
    let lines = records.iter().zip(formats);
    lines
        .map(|(record, format)| record.to_json(format) + "\n")
        .collect()
}

/// Asks the store and the lines, which answer alike.
fn ask(scratch: &Scratch, words: &str, more: &[&str]) -> Ended {
    let of_store = scratch.run_with(&format!("who {words} --store s"), more);
    let of_lines = scratch.run_with(&format!("who {words} --from lines.jsonl"), more);
    assert_eq!(of_store.said, of_lines.said, "{words}");
    assert_eq!(of_store.status, of_lines.status, "{words}");
    of_store
}

fn stored(name: &str, text: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("lines.jsonl", text);
    scratch.import("lines.jsonl");
    scratch
}

#[test]
fn a_notice_is_answered() {
    let scratch = stored("notice", &lines(&four()));
    let found = ask(
        &scratch,
        &format!("{ADDRESS}:61002"),
        &["--at", "2026-11-22 10:43 Europe/Amsterdam"],
    );
    assert_eq!(
        found.said,
        "192.168.17.11:54054 (br0) → 129.125.14.80:61002 → 129.125.14.81:22  \
         2026-11-22T09:42:20.615902Z – 2026-11-22T09:43:22.763857Z  sent 3324  received 3540  fin\n\
         It was 192.168.17.11 (br0): the only connection with this translated address at that time.\n"
    );
    assert_eq!(found.status, Some(0));
    let json = ask(
        &scratch,
        &format!("{ADDRESS}:61002 --at 1795340580 --json"),
        &[],
    );
    let answer: serde_json::Value = serde_json::from_str(&json.said).unwrap();
    assert_eq!(answer["answer"], "found");
    assert_eq!(answer["client"], "192.168.17.11");
    assert_eq!(answer["complete"], true);
}

#[test]
fn the_status_tells_nobody_from_no_answer_from_an_error() {
    let scratch = stored("status", &lines(&four()));
    let status = |words: &str| ask(&scratch, words, &[]).status;
    let at = "--at 2026-11-22T09:43:00Z";
    assert_eq!(status(&format!("{ADDRESS}:61002 {at}")), Some(0));
    assert_eq!(status(&format!("{ADDRESS}:61003 {at}")), Some(1));
    // Nobody has translated to that address, or was there at that time.
    assert_eq!(status(&format!("129.125.14.79:61002 {at}")), Some(3));
    assert_eq!(
        status(&format!("{ADDRESS}:61003 --at 2026-11-22T08:43:00Z")),
        Some(3)
    );
    assert_eq!(
        status(&format!("{ADDRESS}:61003 --at 2026-11-22T12:43:00Z")),
        Some(3)
    );
    for wrong in [
        "--at 2026-11-22T09:43:00",
        "--at yesterday",
        "--at 1 --within 5",
    ] {
        assert_eq!(
            scratch
                .run(&format!("who {ADDRESS} {wrong} --store s"))
                .status,
            Some(2)
        );
    }
    let missing = scratch.run(&format!("who {ADDRESS} {at} --store nowhere"));
    assert_eq!(missing.status, Some(2));
    assert!(
        missing.errors.contains("there is no store in nowhere"),
        "{missing:?}"
    );
}

#[test]
fn within_widens_the_time_and_the_nearest_comes_first() {
    let scratch = stored("within", &lines(&four()));
    let asked = format!("{ADDRESS}:61002 --at 2026-11-22T09:42:12.5Z");
    assert_eq!(ask(&scratch, &asked, &[]).status, Some(1));
    let found = ask(&scratch, &asked, &["--within", "15s"]).said;
    let lines: Vec<_> = found.lines().collect();
    assert!(lines[0].ends_with("0.884 s away"), "{found}");
    assert!(lines[1].ends_with("8.016 s away"), "{found}");
    assert!(
        lines[2].starts_with("It was 192.168.17.11 (br0): 2 connections, all of one client"),
        "{found}"
    );
}

#[test]
fn a_remote_tells_candidates_apart_and_no_port_means_all() {
    let mut other = common::worked_example();
    other.identity = 9;
    other.client.port = 7;
    other.client.ip = [192, 168, 17, 12].into();
    other.remote.port = 443;
    let mut records = four();
    records.push(common::record(&other, 4));
    let scratch = stored("remote", &lines(&records));
    let at = "--at 2026-11-22T09:43:00Z";
    let both = ask(&scratch, &format!("{ADDRESS}:61002 {at}"), &[]).said;
    assert!(
        both.contains("Not unique: 2 connections of 2 clients"),
        "{both}"
    );
    let one = ask(
        &scratch,
        &format!("{ADDRESS}:61002 {at} --remote 129.125.14.81:443"),
        &[],
    )
    .said;
    assert!(one.contains("It was 192.168.17.12"), "{one}");
    for none in [format!("{ADDRESS}:0"), ADDRESS.to_owned()] {
        let all = ask(&scratch, &format!("{none} {at}"), &[]).said;
        assert!(
            all.contains("Not unique: 2 connections of 2 clients; without a port"),
            "{all}"
        );
    }
}

#[test]
fn a_gap_is_named_and_nobody_is_not_claimed() {
    let mut records = four();
    records.remove(2);
    let scratch = stored("gap", &lines(&records));
    let answer = ask(
        &scratch,
        &format!("{ADDRESS}:61002 --at 2026-11-22T09:43:00Z"),
        &[],
    );
    assert_eq!(answer.status, Some(3));
    let missing = "record 2 of agent 00000000000000a1, made between 2026-11-22T09:42:12.583650Z";
    assert!(answer.said.contains(missing), "{answer:?}");
    let checked = scratch.run("store check --store s");
    assert_eq!(checked.status, Some(1));
    assert!(checked.said.contains(missing), "{checked:?}");
}

/// Whoever was silent until the idle timeout has been on record only since then.
#[test]
fn nobody_is_claimed_when_all_have_had_the_time_to_be_recorded() {
    let mut records = four();
    let mut idle = records[1].clone();
    idle.id = common::record(&common::port_forward(), 4).id;
    idle.sequence = Some(4);
    idle.written = idle
        .written
        .checked_add(jiff::SignedDuration::from_hours(2))
        .unwrap();
    records.push(idle);
    let scratch = stored("idle", &lines(&records));
    let asked = format!("{ADDRESS}:61003 --at 2026-11-22T09:43:00Z");
    let answer = ask(&scratch, &asked, &[]);
    assert_eq!(answer.status, Some(3));
    assert!(
        answer.said.contains("A connection that was still open"),
        "{answer:?}"
    );
}

#[test]
fn what_may_have_been_translated_keeps_nobody_from_being_claimed() {
    let mut unknown = common::worked_example();
    unknown.identity = 9;
    unknown.translated = None;
    unknown.matched = Match::Ambiguous;
    let mut records = four();
    records.push(common::record(&unknown, 4));
    let scratch = stored("unknown", &lines(&records));
    let asked = format!("{ADDRESS}:61003 --at 2026-11-22T09:43:00Z");
    let answer = ask(&scratch, &asked, &[]);
    assert_eq!(answer.status, Some(3));
    assert!(
        answer.said.contains("Of 1 connections at that time"),
        "{answer:?}"
    );
    // Not that it was to that remote.
    let asked = format!("{asked} --remote 192.0.2.1");
    assert_eq!(ask(&scratch, &asked, &[]).status, Some(1));
}

#[test]
fn who_is_still_connected_is_known_from_start_and_update() {
    let mut late = common::worked_example();
    late.identity = 9;
    let start = common::record(&common::started(&late), 0);
    let update = common::record(&common::open(&late), 0);
    let end = common::record(&late, 0);
    let asked = format!("{ADDRESS}:61002 --at 2026-11-22T09:43:00Z");
    let scratch = stored("open", &lines(&[start.clone(), update.clone()]));
    let open = ask(&scratch, &asked, &[]);
    assert_eq!(open.status, Some(0));
    assert!(
        open.said
            .contains("received 3540  open when it was last told of"),
        "{open:?}"
    );
    // A start that is imported again, after the end, brings nothing back.
    let all = [start.clone(), update, end, start];
    let scratch = stored("ended", &lines(&all));
    let ended = ask(&scratch, &asked, &[]);
    assert!(ended.said.contains("received 3540  fin"), "{ended:?}");
    assert_eq!(ended.said.matches(" → ").count(), 2, "{ended:?}");
}

/// That starts were recorded once does not say that they were recorded at the time.
#[test]
fn starts_are_proof_only_if_there_are_some_before_the_time_and_after_it() {
    let [first, before, example, _] = <[Record; 4]>::try_from(four()).unwrap();
    let soon = moved(&example, 75);
    let soon = Record {
        end: soon.start,
        written: soon.start,
        sequence: Some(3),
        id: "11111111-1111-8111-8111-111111111111".parse().unwrap(),
        ..soon
    };
    let ends = [first.clone(), before, example, soon.clone()];
    let status = |name: &str, starts: &[Record]| {
        let scratch = stored(name, &lines(&[&ends, starts].concat()));
        let asked = format!("{ADDRESS}:61003 --at 2026-11-22T09:43:30Z");
        ask(&scratch, &asked, &[]).status
    };
    let [first, soon] = [first, soon].map(|record| Record {
        account: common::started(&record.account),
        sequence: None,
        ..record
    });
    assert_eq!(status("no-starts", &[]), Some(3));
    assert_eq!(status("starts", &[first.clone(), soon.clone()]), Some(1));
    assert_eq!(status("starts-before", &[first]), Some(3));
    assert_eq!(status("starts-after", &[soon]), Some(3));
}

#[test]
fn ipv6_records_without_the_remote_and_two_agents_are_in_one_store() {
    let forward = common::port_forward();
    let mut without = common::record_telling(Remotes::LeftOut, &common::worked_example(), 0);
    without.run = Run(0xb2);
    let records = [common::record(&forward, 0), without];
    let scratch = stored("mixed", &lines(&records));
    assert_eq!(scratch.count(), 2);
    let at = "--at 2026-11-22T09:43:00Z";
    let v6 = ask(&scratch, &format!("[2001:db8:14::80]:8443 {at}"), &[]).said;
    assert!(
        v6.starts_with("[2001:db8:17::11]:443 (br0, VLAN 100.10) → [2001:db8:14::80]:8443 → [2001:db8:14::81]:40001"),
        "{v6}"
    );
    let v4 = ask(
        &scratch,
        &format!("{ADDRESS}:61002 {at} --remote 192.0.2.1"),
        &[],
    )
    .said;
    assert!(
        v4.starts_with("192.168.17.11:54054 (br0) → 129.125.14.80:61002 → ?"),
        "{v4}"
    );
    assert!(matches!(records[0].account.stage, Stage::Ended(_)));
}

/// An agent records no connection that was opened before it began.
#[test]
fn an_agent_that_began_too_late_knows_of_none_that_was_there() {
    let later = lines(
        &four()[1..]
            .iter()
            .zip(0..)
            .map(numbered)
            .collect::<Vec<_>>(),
    );
    let scratch = stored("young", &later);
    let at = "--at 2026-11-22T09:43:00Z";
    let answer = ask(&scratch, &format!("{ADDRESS}:61003 {at}"), &[]);
    assert_eq!(answer.status, Some(3));
    let opened_before = "opened before 2026-11-22T09:42:10.615902Z, when the agent began";
    assert!(answer.said.contains(opened_before), "{answer:?}");
    let found = ask(&scratch, &format!("{ADDRESS}:61002 {at}"), &[]);
    assert!(found.said.contains("Not proved"), "{found:?}");
}

/// A clock that was not set yet does not tell since when.
#[test]
fn an_agent_was_not_there_since_1970() {
    let mut records = four();
    records[0] = moved(&records[0], -records[0].start.as_second());
    let scratch = stored("1970", &lines(&records));
    let asked = format!("{ADDRESS}:61003 --at 2026-11-22T08:43:00Z");
    assert_eq!(ask(&scratch, &asked, &[]).status, Some(3));
}

#[test]
fn one_that_is_open_and_whose_address_is_not_known_keeps_nobody_from_being_claimed() {
    let unknown = nat_acct::record::Account {
        identity: 9,
        translated: None,
        matched: Match::Ambiguous,
        ..common::worked_example()
    };
    let update = common::record(&common::open(&unknown), 0);
    let end = common::record(&unknown, 4);
    let all = [four(), vec![update.clone()]].concat();
    let asked = format!("{ADDRESS}:61003 --at 2026-11-22T09:50:00Z");
    let answer = ask(&stored("unknown-open", &lines(&all)), &asked, &[]);
    assert_eq!(answer.status, Some(3));
    assert!(
        answer.said.contains("Of 1 connections at that time"),
        "{answer:?}"
    );
    // It had ended by then.
    let all = [four(), vec![update, end]].concat();
    let answer = ask(&stored("unknown-over", &lines(&all)), &asked, &[]);
    assert_eq!(answer.status, Some(1), "{answer:?}");
}

/// What the client called is not what others saw.
#[test]
fn the_remote_of_one_that_was_intercepted_is_not_known() {
    let intercepted = nat_acct::record::Account {
        identity: 9,
        translated: None,
        matched: Match::Intercepted,
        ..common::worked_example()
    };
    let all = [four(), vec![common::record(&intercepted, 4)]].concat();
    let scratch = stored("intercepted", &lines(&all));
    let asked = format!("{ADDRESS}:61003 --at 2026-11-22T09:43:00Z --remote 192.0.2.1");
    assert_eq!(ask(&scratch, &asked, &[]).status, Some(3));
}

/// The last word on a connection may be that it had another address.
#[test]
fn who_had_another_address_in_the_end_is_no_candidate() {
    let start = common::record(&common::started(&common::worked_example()), 0);
    let mut ended = common::worked_example();
    ended.translated.as_mut().unwrap().endpoint.port = 61003;
    let all = [start, common::record(&ended, 0)];
    let scratch = stored("another", &lines(&all));
    let asked = format!("{ADDRESS}:61002 --at 2026-11-22T09:43:00Z");
    assert_eq!(ask(&scratch, &asked, &[]).status, Some(3));
}

/// The record before the gap has a later time than the one behind it.
#[test]
fn a_gap_in_which_the_clock_was_set_back_is_named() {
    let mut records = four();
    records.remove(2);
    records[1] = moved(&records[1], 2 * 3600);
    let scratch = stored("set-back", &lines(&records));
    let asked = format!("{ADDRESS}:61003 --at 2026-11-22T09:43:00Z");
    let answer = ask(&scratch, &asked, &[]);
    assert_eq!(answer.status, Some(3));
    assert!(
        answer.said.contains("Missing: record 2 of agent"),
        "{answer:?}"
    );
}

fn numbered((record, number): (&Record, u64)) -> Record {
    Record {
        sequence: Some(number),
        ..record.clone()
    }
}
