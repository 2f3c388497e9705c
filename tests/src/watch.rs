//! The agent in the gateway, and beside it a capture of the same interfaces:
//! what the agent records, a replay of the capture must record too.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::agent::{self, Agent};
use crate::agreement::assert_same;
use crate::capture::Capture;
use crate::lab::second::{SECOND_INSIDE, SECOND_OUTSIDE};
use crate::lab::{INSIDE, Lab, Ns, OUTSIDE};
use crate::shapes::{Way, shown};
use crate::traffic::conversation::Done;
use crate::truth::{Record, record_of};

const SOON: Duration = Duration::from_secs(60);
/// The group of cases in the table of shapes.
const GROUP: &str = "Gateways";

/// A running agent and a running capture.
pub struct Watch<'a> {
    lab: &'a Lab,
    agent: Agent,
    capture: Capture,
    replay_args: Vec<String>,
}

impl<'a> Watch<'a> {
    /// Watches all interfaces of the gateway that the lab has.
    pub fn start(lab: &'a Lab) -> Result<Self> {
        Self::start_with(lab, &[])
    }

    /// The same with arguments that `run` and `replay` both have.
    pub fn start_with(lab: &'a Lab, args: &[&str]) -> Result<Self> {
        send_segments_one_by_one(lab)?;
        let links = links(lab, Ns::Gateway)?;
        let mut interfaces = Vec::new();
        let mut further = Vec::new();
        for (option, name) in [
            ("--inside", INSIDE),
            ("--outside", OUTSIDE),
            ("--inside", SECOND_INSIDE),
            ("--outside", SECOND_OUTSIDE),
        ] {
            if links.iter().any(|link| link == name) {
                interfaces.push(name);
                further.extend([option, name]);
            }
        }
        let capture = Capture::start(lab, interfaces)?;
        // The agent has the first interface of each side anyway.
        let agent = Agent::start(lab, &[&further[4..], args].concat())?;
        let mut replay_args: Vec<_> = further.iter().chain(args).map(|&arg| arg.into()).collect();
        for address in addresses(lab)? {
            replay_args.extend(["--local".to_owned(), address]);
        }
        Ok(Self {
            lab,
            agent,
            capture,
            replay_args,
        })
    }

    /// The agent.
    #[must_use]
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Waits until there are so many records and returns them all, after those of
    /// the replay have been found to be the same.
    pub fn finish(self, count: usize) -> Result<Vec<Record>> {
        self.agent.wait_for_closing(count, SOON)?;
        let stopped = self.agent.stop()?;
        ensure!(stopped.status.success(), "{}", stopped.log);
        let live = stopped.records;
        ensure!(live.len() == count, "{} records: {live:#?}", live.len());
        let replayed = self.capture.stop_and_replay(self.lab, &self.replay_args)?;
        assert_same(&live, &replayed)?;
        agent::closing(&live)
    }

    /// The same for these conversations, which all must have exact records without
    /// a translated address, for the reason `matched`.
    ///
    /// # Panics
    ///
    /// With a record that says anything else.
    pub fn finish_without_mapping(self, all: &[Done], matched: &str) -> Result<()> {
        let records = self.finish(all.len())?;
        for Done { client, .. } in all {
            let record = record_of(&records, client.local, client.peer);
            let said = (record.translated, record.matched.as_str());
            assert_eq!(said, (None, matched), "{record:#?}");
            assert_eq!(record.streams(), client.streams(), "{record:#?}");
            assert_eq!(record.reason, "fin", "{record:#?}");
            assert!(!record.partial, "{record:#?}");
        }
        Ok(())
    }
}

/// Notes that a shape of gateway was shown live and by replay.
pub fn shown_both_ways(case: &str, result: &str) {
    shown(GROUP, case, Way::Live, result);
    shown(GROUP, case, Way::Replay, result);
}

/// Notes that a shape of gateway was shown live.
pub fn shown_live(case: &str, result: &str) {
    shown(GROUP, case, Way::Live, result);
}

/// A capture cannot tell how many segments a bundle becomes on the wire.
pub fn send_segments_one_by_one(lab: &Lab) -> Result<()> {
    for ns in lab.namespaces() {
        for link in links(lab, ns)? {
            lab.run(ns, &format!("ethtool -K {link} tso off gso off gro off"))?;
        }
    }
    Ok(())
}

/// The interfaces of a namespace, but for the loopback.
fn links(lab: &Lab, ns: Ns) -> Result<Vec<String>> {
    let names = names(&lab.run(ns, "ip -j link show")?)?;
    Ok(names.into_iter().filter(|name| name != "lo").collect())
}

fn names(listed: &str) -> Result<Vec<String>> {
    let links: Vec<Value> = serde_json::from_str(listed)?;
    let name = |link: &Value| Some(link["ifname"].as_str()?.to_owned());
    let names = links.iter().map(name).collect::<Option<_>>();
    names.with_context(|| format!("no names in {listed}"))
}

/// The gateway's own addresses.
fn addresses(lab: &Lab) -> Result<Vec<String>> {
    let listed = lab.run(Ns::Gateway, "ip -j address show")?;
    let links: Vec<Value> = serde_json::from_str(&listed)?;
    let infos = links
        .iter()
        .filter_map(|link| link["addr_info"].as_array())
        .flatten();
    let address = |info: &Value| Some(info["local"].as_str()?.to_owned());
    Ok(infos.filter_map(address).collect())
}
