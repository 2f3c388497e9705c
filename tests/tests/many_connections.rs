//! Ten thousand short connections: each has its record, none has two, and each
//! record has the translated port and the bytes that nginx logged.

use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::many;
use nat_acct_tests::truth::{assert_numbered, assert_same};
use nat_acct_tests::{Agent, Truth, agent, in_a_lab};

const CONNECTIONS: usize = 10_000;

#[test]
fn ten_thousand_connections_have_ten_thousand_right_records() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start(lab, &[])?;
        let truths = many::fetch(lab, &nginx, CONNECTIONS)?;
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

/// The test would prove little if the gateway kept the ports.
fn translation_shows(truths: &[Truth]) {
    let kept = truths
        .iter()
        .filter(|truth| truth.client_port == truth.translated_port)
        .count();
    assert!(kept < truths.len() / 100, "{kept} kept their port");
}
