//! Metrics as others see them: by curl, and by a real Prometheus beside the agent.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::lab::{Background, Lab, Ns};
use crate::wait::{PATIENCE, wait_until};

/// Where the agent tells them in these tests: each gateway has a loopback of its own.
pub const ADDRESS: &str = "127.0.0.1:9199";
/// Where Prometheus answers.
const PROMETHEUS: u16 = 9090;

/// What the agent in the gateway tells at [`ADDRESS`].
pub fn scrape(lab: &Lab) -> Result<String> {
    scrape_in(lab, Ns::Gateway)
}

/// What an agent elsewhere tells there.
pub fn scrape_in(lab: &Lab, ns: Ns) -> Result<String> {
    lab.run(ns, &format!("curl -sSf http://{ADDRESS}/metrics"))
}

/// The value of a metric that has no labels, or with its labels as they are written.
pub fn value(text: &str, metric: &str) -> Result<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    let line = line.with_context(|| format!("no {metric} in\n{text}"))?;
    Ok(line.parse()?)
}

/// Waits until the agent in the gateway tells this value.
pub fn wait_for(lab: &Lab, metric: &str, expect: f64) -> Result<()> {
    wait_for_in(lab, Ns::Gateway, metric, expect)
}

/// Waits until an agent elsewhere tells it. On a busy machine a question may be cut off before it is
/// answered, and is asked again.
pub fn wait_for_in(lab: &Lab, ns: Ns, metric: &str, expect: f64) -> Result<()> {
    let mut told = Ok(f64::NAN);
    let waited = wait_until(PATIENCE, &format!("{metric} to be {expect}"), || {
        told = scrape_in(lab, ns).and_then(|text| value(&text, metric));
        Ok(matches!(told, Ok(told) if told == expect).then_some(()))
    });
    waited.with_context(|| format!("at last it was told {told:?}"))
}

/// A Prometheus in the gateway that scrapes the agent all the time, and knows these rules.
pub struct Prometheus {
    process: Background,
}

impl Prometheus {
    /// Starts it.
    pub fn start(lab: &Lab, rules: &Path) -> Result<Self> {
        let file = lab.dir().join("prometheus.yml");
        let rules = rules.display();
        fs::write(
            &file,
            format!(
                "global: {{ scrape_interval: 200ms, evaluation_interval: 200ms }}\n\
                 rule_files: ['{rules}']\n\
                 scrape_configs:\n\
                 - job_name: nat-acct\n  \
                   static_configs: [{{ targets: ['{ADDRESS}'] }}]\n"
            ),
        )?;
        let mut command = lab.command(Ns::Gateway, "prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                lab.dir().join("tsdb").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{PROMETHEUS}"));
        let process = Background::start(command, lab.dir(), "prometheus")?;
        // It listens, and refuses all questions, before it is ready.
        let ready = format!("curl -sf http://127.0.0.1:{PROMETHEUS}/-/ready");
        wait_until(PATIENCE, "Prometheus to be ready", || {
            Ok(lab.run(Ns::Gateway, &ready).ok())
        })
        .with_context(|| process.stderr())?;
        Ok(Self { process })
    }

    /// Waits until a query in PromQL has this answer: the value of the only series.
    pub fn wait_for(&self, lab: &Lab, query: &str, expect: f64) -> Result<()> {
        let mut last = None;
        wait_until(PATIENCE, &format!("{query} to be {expect}"), || {
            last = self.ask(lab, query)?;
            Ok((last == Some(expect)).then_some(()))
        })
        .with_context(|| {
            format!(
                "it is {last:?}; Prometheus says:\n{}",
                self.process.stderr()
            )
        })
    }

    fn ask(&self, lab: &Lab, query: &str) -> Result<Option<f64>> {
        let mut curl = lab.command(Ns::Gateway, "curl");
        curl.args(["-sS", "--get", "--data-urlencode"])
            .arg(format!("query={query}"))
            .arg(format!("http://127.0.0.1:{PROMETHEUS}/api/v1/query"));
        let said = curl.output()?.stdout;
        let answer: Value = serde_json::from_slice(&said)
            .with_context(|| format!("not JSON: {}", String::from_utf8_lossy(&said)))?;
        let series = answer["data"]["result"].as_array();
        let series = series.with_context(|| format!("no result: {answer}"))?;
        ensure!(series.len() <= 1, "several series for {query}: {answer}");
        let Some(only) = series.first() else {
            return Ok(None);
        };
        let value = only["value"][1].as_str().context("no value")?;
        Ok(Some(value.parse()?))
    }
}
