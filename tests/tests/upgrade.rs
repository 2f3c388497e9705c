//! One agent stops and another goes on with what lives on in a directory: not a
//! packet goes uncounted between them, and what the new one cannot use becomes
//! records.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nat_acct_tests::lab::second::SECOND_INSIDE;
use nat_acct_tests::lab::{INSIDE, OUTSIDE, device, hooks};
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::traffic::{held, socket};
use nat_acct_tests::truth::{Counter, Record, Volume, assert_equal, assert_numbered};
use nat_acct_tests::{
    Agent, Count, Family, Lab, Ns, Truth, agent, detach, in_a_lab, refusal, wait_until,
};
use serde_json::Value;

use Step::{Close, Meet, Receive, ReceiveToEnd, Send};

const LONG: Duration = Duration::from_secs(60);
const CLIENT_PORT: u16 = 41_000;
/// Payload of a connection before the upgrade, and of each side after it.
const BEFORE: u64 = 123_456;
const AFTER: u64 = 234_567;
/// Where a version that there is not would leave its maps.
const ANOTHER: &str = "abi-4096";
/// Agents that follow the first one under load.
const UPGRADES: usize = 5;
/// Connections that are the load.
const DOWNLOADS: usize = 2;

#[test]
fn not_a_packet_goes_uncounted_between_two_agents() -> Result<()> {
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| upgraded_under_load(lab, hook).with_context(|| hook.to_string()))?;
    }
    Ok(())
}

#[test]
fn another_version_takes_over_under_load() -> Result<()> {
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| drained_under_load(lab, hook).with_context(|| hook.to_string()))?;
    }
    Ok(())
}

/// Every packet until the old programs were taken off is in a record that says
/// that it was cut off; the rest is told.
fn drained_under_load(lab: &Lab, hook: &str) -> Result<()> {
    device::send_segments_one_by_one(lab)?;
    let forwarded = Counter::new(lab, Ns::Gateway, "forward", "meta l4proto tcp")?;
    let pin = pin(lab)?;
    let args = ["--hook", hook, "--pin", text(&pin)?];
    let old = Agent::start(lab, &args)?;
    let (idle, changed) = idle_connection(lab, || {
        while_downloading(lab, || {
            wait_until(LONG, "the downloads to be under way", || {
                Ok((forwarded.volume()?.packets > 1_000).then_some(()))
            })?;
            let before = forwarded.volume()?;
            as_another_version(lab, old)?;
            let new = Agent::start(lab, &args)?;
            Ok((before, new, forwarded.volume()?))
        })
    })?;
    let (truths, (before, new, after)) = changed?;
    let stopped = new.stop()?;
    let rest = "segments of connections whose opening was not seen are in no record";
    ensure!(stopped.log.contains(rest), "{}", stopped.log);
    let records = agent::closing(&stopped.records)?;
    let mut truths: Vec<_> = truths.into_iter().map(until_cut_off).collect();
    truths.push(cut_off(&idle));
    assert_equal(&truths, &records);
    let recorded = total(&records);
    let after_it = detach(lab, &pin)?;
    ensure!(after_it.is_empty(), "{after_it:#?}");
    for (least, recorded, most) in [
        (before.packets, recorded.packets, after.packets),
        (before.ip_bytes, recorded.ip_bytes, after.ip_bytes),
    ] {
        ensure!(
            (least..=most).contains(&recorded),
            "{least} ≤ {recorded} ≤ {most}"
        );
    }
    hooks::ensure_none_of_ours(lab, &[INSIDE, OUTSIDE])
}

/// Agents follow one another under load and while a connection is idle.
fn upgraded_under_load(lab: &Lab, hook: &str) -> Result<()> {
    // So that the kernel's own counters count packets as they are on the wire.
    device::send_segments_one_by_one(lab)?;
    let forwarded = Counter::new(lab, Ns::Gateway, "forward", "meta l4proto tcp")?;
    let pin = pin(lab)?;
    let args = ["--hook", hook, "--pin", text(&pin)?];
    let start = || Agent::start(lab, &args);
    let mut agent = start()?;
    let (idle, upgraded) = idle_connection(lab, || {
        while_downloading(lab, || {
            let mut records = Vec::new();
            for _ in 0..UPGRADES {
                let stopped = agent.stop()?;
                ensure!(stopped.status.success(), "{}", stopped.log);
                records.extend(stopped.records);
                agent = start()?;
            }
            Ok((agent, records))
        })
    })?;
    let (mut truths, (agent, mut records)) = upgraded?;
    truths.push(idle.truth("idle meanwhile", &["fin"]));
    wait_until(LONG, "all records", || {
        let count = records.len() + agent.records()?.len();
        Ok((count >= truths.len()).then_some(()))
    })
    .with_context(|| agent.log())?;
    let stopped = agent.stop()?;
    ensure!(!stopped.log.contains("WARN"), "{}", stopped.log);
    records.extend(stopped.records);
    records.extend(detach(lab, &pin)?);

    assert_numbered(&records);
    let records = agent::closing(&records)?;
    assert_equal(&truths, &records);
    assert!(records.iter().all(|record| !record.partial), "{records:#?}");
    assert_eq!(total(&records), forwarded.volume()?);
    hooks::ensure_none_of_ours(lab, &[INSIDE, OUTSIDE])
}

#[test]
fn other_sizes_end_what_was_open_and_count_what_comes() -> Result<()> {
    in_a_lab(|lab| {
        let inside = ["--inside", INSIDE];
        other_settings(
            lab,
            &[&inside[..], &["--max-connections", "1000"]].concat(),
            &[&inside[..], &["--max-connections", "500"]].concat(),
        )
    })
}

#[test]
fn interfaces_in_another_order_are_not_mixed_up() -> Result<()> {
    in_a_lab(|lab| {
        lab.second_inside(Ns::Twin)?;
        let insides = [["--inside", INSIDE], ["--inside", SECOND_INSIDE]];
        let [first, second] = insides;
        other_settings(lab, &[first, second].concat(), &[second, first].concat())
    })
}

#[test]
fn another_hook_counts_nothing_twice() -> Result<()> {
    if !hooks::has_tcx() {
        return Ok(());
    }
    for (before, after) in [("tcx", "clsact"), ("clsact", "tcx"), ("clsact", "auto")] {
        in_a_lab(|lab| {
            let inside = ["--inside", INSIDE, "--hook"];
            let before = [&inside[..], &[before]].concat();
            other_settings(lab, &before, &[&inside[..], &[after]].concat())
        })
        .with_context(|| format!("{before} → {after}"))?;
    }
    Ok(())
}

/// The maps of this build under the number of another: they are read by their
/// manifest.
#[test]
fn what_another_version_left_becomes_records() -> Result<()> {
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| {
            let args = ["--inside", INSIDE, "--hook", hook];
            let stop = |old: Agent| as_another_version(lab, old);
            replaced(lab, &args, stop, &args, "another version")
        })
        .with_context(|| hook.to_string())?;
    }
    Ok(())
}

#[test]
fn what_another_version_left_can_be_detached() -> Result<()> {
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| {
            let pin = pin(lab)?;
            let old = Agent::start(lab, &["--hook", hook, "--pin", text(&pin)?])?;
            let (opened_before, records) = idle_connection(lab, || {
                as_another_version(lab, old)?;
                detach(lab, &pin)
            })?;
            assert_equal(&[cut_off(&opened_before)], &agent::closing(&records?)?);
            hooks::ensure_none_of_ours(lab, &[INSIDE, OUTSIDE])
        })
        .with_context(|| hook.to_string())?;
    }
    Ok(())
}

#[test]
fn what_cannot_be_read_is_left_alone() -> Result<()> {
    in_a_lab(|lab| {
        let left = pin(lab)?.join(ANOTHER);
        fs::create_dir_all(&left)?;
        for command in [
            &["run", "--inside", INSIDE, "--outside", OUTSIDE][..],
            &["detach"],
        ] {
            let mut refused = lab.command(Ns::Gateway, agent::binary()?);
            refused.args(command).arg("--pin").arg(pin(lab)?);
            let says = ["made by another version", "nat-acct detach", ANOTHER];
            refusal::check(lab, refused, 1, &says)?;
        }
        ensure!(left.exists(), "it was removed");
        hooks::ensure_none_of_ours(lab, &[INSIDE, OUTSIDE])
    })
}

/// An agent with the one set of options, and then one with the other, in the
/// middle of a connection.
fn other_settings(lab: &Lab, before: &[&str], after: &[&str]) -> Result<()> {
    let stop = |old: Agent| {
        let stopped = old.stop()?;
        ensure!(stopped.records.is_empty(), "{:#?}", stopped.records);
        Ok(())
    };
    replaced(lab, before, stop, after, "other settings")
}

/// The one agent is stopped and the other started; the other says so in these
/// words.
fn replaced(
    lab: &Lab,
    before: &[&str],
    stop: impl FnOnce(Agent) -> Result<()>,
    after: &[&str],
    says: &str,
) -> Result<()> {
    let pin = pin(lab)?;
    let run = |args: &[&str]| -> Result<Agent> {
        let all = ["run", "--outside", OUTSIDE, "--pin", text(&pin)?];
        let mut agent = Agent::spawn(lab, &agent::binary()?, &[&all, args].concat())?;
        agent.wait_attached()?;
        Ok(agent)
    };
    let old = run(before)?;
    let (opened_before, new) = idle_connection(lab, || {
        stop(old)?;
        run(after)
    })?;
    let new = new?;
    let young = Conversation::new(lab, Ns::Client1, Family::V4).run(
        &[Send(BEFORE), ReceiveToEnd],
        &[Receive(BEFORE), Send(AFTER), Close],
    )?;
    new.wait_for_records(2, LONG)?;
    let stopped = new.stop()?;
    ensure!(stopped.log.contains(says), "{}", stopped.log);
    let records = [stopped.records, detach(lab, &pin)?].concat();
    check_cut_off(&records, &opened_before, &young)?;
    hooks::ensure_none_of_ours(lab, &[INSIDE, OUTSIDE])
}

/// The first connection was recorded as it was when its agent's maps were given
/// up; the second is whole.
fn check_cut_off(records: &[Value], opened_before: &Done, young: &Done) -> Result<()> {
    let records = agent::closing(records)?;
    assert_equal(
        &[cut_off(opened_before), young.truth("after", &["fin"])],
        &records,
    );
    for record in &records {
        assert_eq!(record.ingress.as_deref(), Some(INSIDE), "{record:#?}");
    }
    Ok(())
}

/// What can be known of a transfer when its agent's maps are given up.
fn until_cut_off(whole: Truth) -> Truth {
    let part = |count| match count {
        Count::Exact(most) | Count::Between(_, most) | Count::UpTo(most) => Count::UpTo(most),
        Count::Unknown => Count::Unknown,
    };
    Truth {
        sent: part(whole.sent),
        received: part(whole.received),
        reasons: &["agent-stop"],
        ..whole
    }
}

fn total(records: &[Record]) -> Volume {
    let volumes = records
        .iter()
        .flat_map(|record| [record.volume_sent, record.volume_received]);
    volumes.fold(Volume::default(), |a, b| a + b)
}

/// Downloads that go on for as long as something else takes; what there is to know of them.
fn while_downloading<T>(
    lab: &Lab,
    meanwhile: impl FnOnce() -> Result<T>,
) -> Result<(Vec<Truth>, T)> {
    // The agents need some of the machine.
    let slower = "tc qdisc add dev eth0 root tbf rate 400mbit burst 128k latency 50ms";
    lab.run(Ns::Remote, slower)?;
    let listener = held::listen(lab, Family::V4)?;
    let mut open = held::open(lab, Ns::Client2, &listener, DOWNLOADS)?;
    let is_over = &AtomicBool::new(false);
    let result = thread::scope(|scope| {
        let downloads: Vec<_> = open
            .iter_mut()
            .map(|held| scope.spawn(move || held.download_until(is_over)))
            .collect();
        let result = meanwhile();
        is_over.store(true, Ordering::Relaxed);
        for download in downloads {
            download.join().expect("the thread of a download")?;
        }
        result
    })?;
    let truths = open.into_iter().map(|held| held.close("download"));
    Ok((truths.collect::<Result<_>>()?, result))
}

/// What was known of a connection when its agent's maps were given up.
fn cut_off(opened_before: &Done) -> Truth {
    Truth {
        sent: Count::Exact(BEFORE),
        received: Count::Exact(0),
        ..opened_before.truth("cut off", &["agent-stop"])
    }
}

/// Ends an agent, and has what it leaves look as if another version had left it.
fn as_another_version(lab: &Lab, old: Agent) -> Result<()> {
    let records = old.kill()?;
    ensure!(records.is_empty(), "{records:#?}");
    let left: Vec<_> = fs::read_dir(pin(lab)?)?.collect::<Result<_, _>>()?;
    let [left] = &left[..] else {
        bail!("not one directory: {left:?}");
    };
    Ok(fs::rename(left.path(), pin(lab)?.join(ANOTHER))?)
}

/// A connection that is at rest while something else happens, and goes on then.
fn idle_connection<T>(
    lab: &Lab,
    meanwhile: impl FnOnce() -> Result<T>,
) -> Result<(Done, Result<T>)> {
    Conversation::new(lab, Ns::Client1, Family::V4)
        .client_port(CLIENT_PORT)
        .run_with(
            &[Send(BEFORE), Meet, Meet, Send(AFTER), ReceiveToEnd],
            &[
                Receive(BEFORE),
                Meet,
                Meet,
                Receive(AFTER),
                Send(AFTER),
                Close,
            ],
            || {
                socket::wait_acknowledged(lab, Ns::Client1, CLIENT_PORT)?;
                meanwhile()
            },
        )
}

fn pin(lab: &Lab) -> Result<PathBuf> {
    Ok(lab.bpf_dir()?.join("nat-acct"))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
