//! Questions that are drawn from the day, who was there, and whether that is what ours answers.

use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, File},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use serde_json::Value;

use super::{
    Args, Asked,
    day::{self, Connection},
    load::Loaded,
};
use crate::{bench::measure::measure, process::Cmd};

const LIMIT: Duration = Duration::from_secs(60);

pub struct Questions(Vec<Question>);

/// Who had an endpoint at a time?
pub struct Question {
    pub ip: String,
    pub port: u16,
    /// In microseconds since the Unix epoch.
    pub time_us: i64,
    /// The clients that were there, with the starts of their connections.
    clients: BTreeSet<(String, u16, i64)>,
}

/// What `nat-acct who` answers.
pub struct Answer {
    pub took_ms: f64,
    pub candidates: Value,
}

impl Questions {
    /// The middles of connections that are spread over the day, and who else was there.
    pub fn draw(args: &Args) -> Result<Self> {
        let every = args.records / args.questions;
        let mut questions = Vec::new();
        day::generate(args.records, args.seed, |number, connection| {
            if number % every == every / 2 {
                questions.push(Question {
                    ip: connection.translated_ip(),
                    port: connection.port,
                    time_us: connection.start_us.midpoint(connection.end_us),
                    clients: BTreeSet::new(),
                });
            }
            Ok(())
        })?;
        let mut asked = HashMap::<(String, u16), Vec<&mut Question>>::new();
        let ports: BTreeSet<_> = questions.iter().map(|question| question.port).collect();
        for question in &mut questions {
            let key = (question.ip.clone(), question.port);
            asked.entry(key).or_default().push(question);
        }
        day::generate(args.records, args.seed, |_, connection| {
            if ports.contains(&connection.port) {
                let key = (connection.translated_ip(), connection.port);
                for question in asked.get_mut(&key).into_iter().flatten() {
                    question.note(connection);
                }
            }
            Ok(())
        })?;
        Ok(Self(questions))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Question> {
        self.0.iter()
    }

    /// Asks our store each question once cold and once warm.
    pub fn ask_store(&self, agent: &Path, dir: &Path, loaded: &Loaded) -> Result<Asked> {
        let (mut warm_ms, mut cold_ms) = (Vec::new(), Vec::new());
        let mut peak_bytes = 0;
        let log = File::create(dir.join("log"))?;
        for question in &self.0 {
            let cmd = question.of_store(agent, &loaded.store);
            forget(&loaded.store)?;
            cold_ms.push(question.ask(&cmd)?.took_ms);
            warm_ms.push(question.ask(&cmd)?.took_ms);
            peak_bytes = peak_bytes.max(measure(&cmd, LIMIT, &log)?.peak_bytes);
        }
        Ok(Asked {
            name: "nat-acct who",
            version: "–".to_owned(),
            imported: loaded
                .rates
                .iter()
                .map(|[by_the_clock, _]| *by_the_clock)
                .collect(),
            warm_ms,
            cold_ms,
            peak_bytes,
            bytes_a_record: loaded.store_bytes as f64 / loaded.records as f64,
            remark: "the whole command, from the start of the process to its end".to_owned(),
        })
    }
}

impl Question {
    fn note(&mut self, connection: &Connection) {
        if (connection.start_us..=connection.end_us).contains(&self.time_us) {
            let client = (
                connection.client_ip(),
                connection.client_port,
                connection.start_us,
            );
            self.clients.insert(client);
        }
    }

    pub fn of_store(&self, agent: &Path, store: &Path) -> Cmd {
        let store = store.display().to_string();
        self.of(agent).arg("--store").arg(store)
    }

    pub fn of_clickhouse(&self, agent: &Path, url: &str) -> Cmd {
        self.of(agent).arg("--clickhouse").arg(url)
    }

    fn of(&self, agent: &Path) -> Cmd {
        let (seconds, us) = (self.time_us / 1_000_000, self.time_us % 1_000_000);
        Cmd::of(agent)
            .arg("who")
            .arg(format!("{}:{}", self.ip, self.port))
            .args(["--json", "--at"])
            .arg(format!("{seconds}.{us:06}"))
    }

    /// An answer, which has to be right.
    pub fn ask(&self, cmd: &Cmd) -> Result<Answer> {
        let begun = Instant::now();
        let output = Command::new(&cmd.program).args(&cmd.args).output()?;
        let took = begun.elapsed();
        let mut answer: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let candidates = answer["candidates"].as_array();
        let count = candidates.map_or(0, Vec::len);
        let found: BTreeSet<_> = candidates.into_iter().flatten().map(client).collect();
        let expected: BTreeSet<_> = self
            .clients
            .iter()
            .map(|(ip, port, _)| (ip.clone(), *port))
            .collect();
        ensure!(
            found == expected && count == self.clients.len(),
            "`{cmd}` answers {answer}, but there were {:?}",
            self.clients
        );
        Ok(Answer {
            took_ms: took.as_secs_f64() * 1e3,
            candidates: answer["candidates"].take(),
        })
    }
}

fn client(candidate: &Value) -> (String, u16) {
    let client = &candidate["client"];
    let port = client["port"].as_u64().unwrap_or_default();
    (
        client["ip"].as_str().unwrap_or_default().to_owned(),
        port as u16,
    )
}

/// Has the kernel forget what it keeps of the files in a directory.
pub fn forget(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let file = File::open(entry?.path())?;
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    }
    Ok(())
}
