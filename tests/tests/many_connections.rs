//! Ten thousand short connections: each has its record, none has two, and each
//! record has the translated port and the bytes that nginx logged.

use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::truth::{assert_numbered, assert_same};
use nat_acct_tests::{Agent, Family, Lab, Ns, Truth, agent, in_a_lab};

const CONNECTIONS: usize = 10_000;
const AT_ONCE: usize = 50;

#[test]
fn ten_thousand_connections_have_ten_thousand_right_records() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start(lab, &[])?;
        let truths = fetch_all(lab, &nginx)?;
        agent.wait_for_records(truths.len(), Duration::from_secs(60))?;
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);

        let records = agent::closing(&stopped.records)?;
        assert_eq!(records.len(), CONNECTIONS);
        assert_same(&truths, &records);
        assert_numbered(&stopped.records);
        translation_shows(&truths);
        Ok(())
    })
}

/// From both clients by both protocols, a part each.
fn fetch_all(lab: &Lab, nginx: &Nginx) -> Result<Vec<Truth>> {
    let part = |client, family, port, at_once| Fetches {
        client,
        family,
        path: "/bytes/1000".to_owned(),
        port,
        connections: CONNECTIONS / 4,
        at_once,
    };
    let parts = [
        part(Ns::Client1, Family::V4, Nginx::ONE_SHOT, AT_ONCE / 4),
        part(Ns::Client1, Family::V6, Nginx::KEEPALIVE, AT_ONCE / 4),
        part(Ns::Client2, Family::V4, Nginx::KEEPALIVE, AT_ONCE / 4 + 1),
        part(Ns::Client2, Family::V6, Nginx::ONE_SHOT, AT_ONCE / 4 + 1),
    ];
    std::thread::scope(|scope| {
        let fetch = |part| scope.spawn(move || http::fetch_many(lab, nginx, part));
        let parts: Vec<_> = parts.iter().map(fetch).collect();
        let mut truths = Vec::new();
        for part in parts {
            truths.extend(part.join().expect("the thread of a part")?);
        }
        Ok(truths)
    })
}

/// The test would prove little if the gateway kept the ports.
fn translation_shows(truths: &[Truth]) {
    let kept = truths
        .iter()
        .filter(|truth| truth.client_port == truth.translated_port)
        .count();
    assert!(kept < truths.len() / 100, "{kept} kept their port");
}
