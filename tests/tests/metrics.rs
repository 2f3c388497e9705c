//! What the agent tells Prometheus: by a real scrape, the same as the endpoints say.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::scrape::{self, ADDRESS, Prometheus, scrape, value};
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Count, Family, Lab, Ns, Truth, agent, in_a_lab};
use nix::sys::signal::Signal;

const CONNECTIONS: usize = 25;
/// More than the agent listens to at a time.
const SILENT: usize = 40;

#[test]
fn prometheus_sees_what_the_endpoints_say() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start(lab, &["--metrics", ADDRESS])?;
        let prometheus = Prometheus::start(lab, &contrib().join("prometheus/alerts.yml"))?;
        prometheus.wait_for(lab, "up", 1.0)?;
        prometheus.wait_for(lab, "nat_acct_connections_opened_total", 0.0)?;
        let truths = http::fetch_many(lab, &nginx, &Fetches::small(CONNECTIONS))?;
        agent.wait_for_records(CONNECTIONS, PATIENCE)?;
        for (query, expect) in [
            ("nat_acct_connections_opened_total", CONNECTIONS as f64),
            ("nat_acct_connections_open", 0.0),
            (
                r#"nat_acct_connections_ended_total{reason="fin"}"#,
                CONNECTIONS as f64,
            ),
            ("sum(nat_acct_connections_ended_total)", CONNECTIONS as f64),
            (
                r#"nat_acct_connections_matched_total{match="sequence"}"#,
                CONNECTIONS as f64,
            ),
            ("sum(nat_acct_connections_unmatched_total)", 0.0),
            ("nat_acct_records_written_total", CONNECTIONS as f64),
            ("nat_acct_records_waiting", 0.0),
            (&once("sent"), bytes(&truths, |truth| truth.sent)?),
            (&once("received"), bytes(&truths, |truth| truth.received)?),
            ("sum(nat_acct_interface_attached)", 2.0),
            ("count(ALERTS) or vector(0)", 0.0),
        ] {
            prometheus.wait_for(lab, query, expect)?;
        }
        let text = scrape(lab)?;
        no_address(&text);
        passes_promtool(&text)
    })
}

#[test]
fn trouble_is_seen_by_the_rules() -> Result<()> {
    in_a_lab(|lab| {
        let _agent = Agent::start(lab, &["--metrics", ADDRESS])?;
        let prometheus = Prometheus::start(lab, &contrib().join("prometheus/alerts.yml"))?;
        prometheus.wait_for(lab, "sum(nat_acct_interface_attached)", 2.0)?;
        lab.run(Ns::Gateway, &format!("ip link del {INSIDE}"))?;
        let series =
            format!(r#"nat_acct_interface_attached{{interface="{INSIDE}",side="inside"}}"#);
        prometheus.wait_for(lab, &series, 0.0)?;
        let pending = r#"count(ALERTS{alertname="NatAcctInterfaceNotWatched"})"#;
        prometheus.wait_for(lab, pending, 1.0)?;
        lab.bring_back(INSIDE)?;
        prometheus.wait_for(lab, &series, 1.0)
    })
}

#[test]
fn only_metrics_are_answered() -> Result<()> {
    in_a_lab(|lab| {
        let _agent = Agent::start(lab, &["--metrics", ADDRESS])?;
        for (request, status) in [
            ("/metrics", "200"),
            ("/", "404"),
            ("/metrics/../status", "404"),
            ("-X POST /metrics", "405"),
            ("--head /metrics", "200"),
        ] {
            let (options, path) = request.rsplit_once(' ').unwrap_or(("", request));
            let curl = format!("curl -s --path-as-is -o /dev/null -w %{{http_code}} {options}");
            let said = lab.run(Ns::Gateway, &format!("{curl} http://{ADDRESS}{path}"))?;
            assert_eq!(said, status, "{request}");
        }
        // Nobody else reaches it.
        let gateway = Ns::Gateway.address(Family::V4);
        let elsewhere = format!("curl -s -m 1 http://{gateway}:9199/metrics");
        assert!(lab.run(Ns::Client1, &elsewhere).is_err());
        Ok(())
    })
}

/// `printf 'GET …' | nc` says no more after its question, and waits for the answer.
#[test]
fn who_has_nothing_more_to_say_is_answered() -> Result<()> {
    in_a_lab(|lab| {
        let _agent = Agent::start(lab, &["--metrics", ADDRESS])?;
        let answer = lab.enter(Ns::Gateway, || {
            let mut stream = TcpStream::connect(ADDRESS)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
            stream.shutdown(Shutdown::Write)?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        })?;
        assert_eq!(value(&answer, "nat_acct_connections_open")?, 0.0);
        Ok(())
    })
}

/// A program that connects and says nothing does not keep others out.
#[test]
fn those_who_say_nothing_are_cut_off() -> Result<()> {
    in_a_lab(|lab| {
        let _agent = Agent::start(lab, &["--metrics", ADDRESS])?;
        let silent = lab.enter(Ns::Gateway, || {
            let connect = |_| TcpStream::connect(ADDRESS);
            Ok((0..SILENT)
                .map(connect)
                .collect::<std::io::Result<Vec<_>>>()?)
        })?;
        let text = scrape(lab)?;
        assert_eq!(value(&text, "nat_acct_connections_open")?, 0.0);
        drop(silent);
        Ok(())
    })
}

#[test]
fn a_unix_socket_is_taken_over_from_a_killed_agent_and_from_no_other() -> Result<()> {
    in_a_lab(|lab| {
        let socket = lab.dir().join("metrics");
        let path = socket.to_str().context("not UTF-8")?;
        let first = Agent::start(lab, &["--metrics", path])?;
        assert_eq!(fs::metadata(&socket)?.permissions().mode() & 0o777, 0o660);
        ask(lab, path)?;

        let run = ["run", "--inside", INSIDE, "--outside", OUTSIDE];
        let mut second = Agent::spawn(
            lab,
            &agent::binary()?,
            &[&run[..], &["--metrics", path]].concat(),
        )?;
        assert_eq!(second.process().wait(PATIENCE)?.code(), Some(1));
        let log = second.log();
        assert!(log.contains("another program listens there"), "{log}");

        first.kill()?;
        assert!(socket.exists());
        let third = Agent::start(lab, &["--metrics", path])?;
        ask(lab, path)?;
        third.stop_by(&[Signal::SIGTERM])?;
        assert!(!socket.exists());

        fs::write(&socket, "somebody's")?;
        let mut fourth = Agent::spawn(
            lab,
            &agent::binary()?,
            &[&run[..], &["--metrics", path]].concat(),
        )?;
        assert_eq!(fourth.process().wait(PATIENCE)?.code(), Some(1));
        assert_eq!(fs::read_to_string(&socket)?, "somebody's");
        Ok(())
    })
}

fn ask(lab: &Lab, socket: &str) -> Result<()> {
    let curl = format!("curl -sSf --unix-socket {socket} http://localhost/metrics");
    let text = lab.run(Ns::Gateway, &curl)?;
    scrape::value(&text, "nat_acct_connections_open").map(drop)
}

/// The payload of all connections, without what was sent again.
fn once(direction: &str) -> String {
    let of = format!(r#"{{direction="{direction}"}}"#);
    format!("nat_acct_payload_bytes_total{of} - nat_acct_retransmitted_bytes_total{of}")
}

fn bytes(truths: &[Truth], way: impl Fn(&Truth) -> Count) -> Result<f64> {
    let mut sum = 0;
    for truth in truths {
        let Count::Exact(bytes) = way(truth) else {
            anyhow::bail!("the endpoints do not agree: {truth:?}");
        };
        sum += bytes;
    }
    Ok(sum as f64)
}

/// Of the lab, or of anybody: whatever is not a word is tried as an address.
fn no_address(text: &str) {
    let is_of_word = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
    let found = text
        .split(|c: char| !is_of_word(c))
        .map(|word| word.trim_matches(':'))
        .find(|word| word.parse::<IpAddr>().is_ok());
    assert_eq!(found, None, "{text}");
}

fn passes_promtool(text: &str) -> Result<()> {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = promtool.stdin.take().context("no pipe")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let done = promtool.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success() && said.is_empty(), "{said}");
    Ok(())
}

fn contrib() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contrib")
}
