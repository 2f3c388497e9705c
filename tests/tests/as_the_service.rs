//! An agent with the rights of its service, shut in: all that it does while it runs goes on.

use std::fs;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::privilege::as_the_service;
use nat_acct_tests::rotated::{files, records};
use nat_acct_tests::scrape::{self, ADDRESS, scrape, value};
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::truth::assert_same;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Lab, Ns, agent, in_a_lab, wait_until};
use nix::sys::signal::Signal;

/// More than one file of [`SIZE`] takes.
const CONNECTIONS: usize = 100;
const SIZE: &str = "20KB";

#[test]
fn it_rotates_attaches_again_and_tells_how_it_stands() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let fetch = || http::fetch_many(lab, &nginx, &Fetches::small(CONNECTIONS));
        let pin = lab.bpf_dir()?.join("nat-acct");
        let config = lab.dir().join("nat-acct.toml");
        // Elsewhere than all that it writes.
        let run = std::env::temp_dir().join(format!("nat-acct-run-{}", std::process::id()));
        let socket = run.join("status");
        fs::write(
            &config,
            format!(
                "inside = '{INSIDE}'\noutside = '{OUTSIDE}'\npin = '{}'\nmetrics = '{ADDRESS}'\n\
                 status-socket = '{}'\nrotate-size = '{SIZE}'\nrotate-every = '1d'\n\
                 keep-for = '180d'\n",
                pin.display(),
                socket.display()
            ),
        )?;
        let mut agent = as_the_service(lab, &config)?;
        let rotations = || value(&scrape(lab)?, "nat_acct_output_rotations_total");
        let mut truths = fetch()?;
        wait_for_written(lab, truths.len())?;
        ensure!(rotations()? > 0.0, "nothing was rotated");

        lab.run(Ns::Gateway, &format!("ip link del {INSIDE}"))?;
        let attached =
            format!(r#"nat_acct_interface_attached{{interface="{INSIDE}",side="inside"}}"#);
        scrape::wait_for(lab, &attached, 0.0)?;
        lab.bring_back(INSIDE)?;
        scrape::wait_for(lab, &attached, 1.0)?;
        truths.extend(fetch()?);
        wait_for_written(lab, truths.len())?;

        let before = rotations()?;
        let output = agent.output().to_owned();
        fs::rename(&output, output.with_extension("jsonl.0"))?;
        agent.process().signal(Signal::SIGHUP)?;
        wait_until(PATIENCE, "the file to be opened anew", || {
            Ok(agent
                .log()
                .contains("is opened anew, as asked")
                .then_some(()))
        })?;
        truths.extend(fetch()?);
        wait_for_written(lab, truths.len())?;
        ensure!(rotations()? > before, "nothing was rotated after that");

        let mut status = lab.command(Ns::Gateway, agent::binary()?);
        let status = status.arg("status").arg("--status-socket").arg(&socket);
        let status = status.output()?;
        let said = String::from_utf8_lossy(&status.stdout);
        assert_eq!(status.status.code(), Some(0), "{said}");

        check_end(agent, &truths)?;
        assert!(!socket.exists(), "the socket was left");
        Ok(fs::remove_dir(&run)?)
    })
}

fn check_end(agent: Agent, truths: &[nat_acct_tests::Truth]) -> Result<()> {
    let output = agent.output().to_owned();
    let stopped = agent.stop()?;
    ensure!(stopped.status.success(), "{}", stopped.log);
    let name = output.file_name().context("no name")?.to_string_lossy();
    let mut ours = files(&output)?;
    let is_ours = |name_of: &str| name_of.starts_with(&*name);
    ours.retain(|path| {
        let name_of = path.file_name().unwrap_or_default();
        is_ours(&name_of.to_string_lossy())
    });
    assert_same(truths, &agent::closing(&records(&ours, 0)?)?);
    Ok(())
}

fn wait_for_written(lab: &Lab, count: usize) -> Result<()> {
    scrape::wait_for(lab, "nat_acct_records_written_total", count as f64)
}
