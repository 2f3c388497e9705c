//! The alert rules and the dashboard that come with the agent.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::require_root;
use serde_json::Value;

const PREFIX: &str = "nat_acct_";

#[test]
fn the_rules_do_what_they_say() -> Result<()> {
    // Only root has the programs of the tests installed.
    if !require_root() {
        return Ok(());
    }
    let dir = contrib().join("prometheus");
    promtool(&["check", "rules", "alerts.yml"], &dir)?;
    promtool(&["test", "rules", "alerts_test.yml"], &dir)
}

#[test]
fn every_rule_is_tested() -> Result<()> {
    let read = |name| fs::read_to_string(contrib().join("prometheus").join(name));
    let (rules, tests) = (read("alerts.yml")?, read("alerts_test.yml")?);
    let names = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    for name in names {
        let times = tests.matches(&format!("alertname: {name}\n")).count();
        let never = tests.matches(&format!("alertname: {name} }}")).count();
        assert_eq!(
            (times, never),
            (1, 1),
            "{name} is to fire once, and once not"
        );
    }
    Ok(())
}

#[test]
fn prometheus_understands_the_dashboard() -> Result<()> {
    if !require_root() {
        return Ok(());
    }
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (number, query) in queries()?.iter().enumerate() {
        let query = query
            .replace("$__rate_interval", "5m")
            .replace("$instance", ".*");
        let query = serde_json::to_string(&query)?;
        writeln!(rules, "  - {{ record: 'query:{number}', expr: {query} }}")?;
    }
    let file = std::env::temp_dir().join(format!("nat-acct-dashboard-{}.yml", std::process::id()));
    fs::write(&file, rules)?;
    let name = file.to_str().context("not UTF-8")?;
    let checked = promtool(&["check", "rules", name], &contrib());
    fs::remove_file(&file)?;
    checked
}

#[test]
fn only_metrics_that_there_are_are_asked_for() -> Result<()> {
    let page = fs::read_to_string(contrib().join("../docs/METRICS.md"))?;
    let mut texts = queries()?;
    for name in ["alerts.yml", "alerts_test.yml"] {
        texts.push(fs::read_to_string(contrib().join("prometheus").join(name))?);
    }
    let asked: BTreeSet<_> = texts.iter().flat_map(|text| metrics(text)).collect();
    assert!(asked.len() > 20, "{asked:?}");
    for metric in asked {
        assert!(
            page.contains(&format!("| `{metric}` |")),
            "there is no {metric}"
        );
    }
    Ok(())
}

/// All that the dashboard asks Prometheus.
fn queries() -> Result<Vec<String>> {
    let text = fs::read_to_string(contrib().join("grafana/nat-acct.json"))?;
    let dashboard: Value = serde_json::from_str(&text)?;
    let panels = dashboard["panels"].as_array().context("no panels")?;
    let notes = dashboard["annotations"]["list"].as_array();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let all = targets.flatten().chain(notes.context("no annotations")?);
    let query = |asked: &Value| Some(asked["expr"].as_str()?.to_owned());
    all.map(|asked| query(asked).context("no query")).collect()
}

fn metrics(text: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(move |c| !is_of_name(c));
    words.filter(|word| word.starts_with(PREFIX))
}

fn promtool(arguments: &[&str], dir: &Path) -> Result<()> {
    let done = Command::new("promtool")
        .args(arguments)
        .current_dir(dir)
        .output()?;
    let said = [done.stdout, done.stderr].concat();
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

fn contrib() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contrib")
}
