//! The program, run on captures in a directory of the test's own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

/// A directory that goes with the test.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nat-acct-replay-{}-{count}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file.
    pub fn with(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.0.join(name), bytes).unwrap();
        self
    }

    /// Runs `nat-acct replay` here.
    pub fn replay(&self, args: &str) -> Replayed {
        Replayed::new(self.command(args).output().unwrap())
    }

    pub fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nat-acct"));
        command.current_dir(&self.0).arg("replay");
        command.args(args.split_whitespace());
        command
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the program wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    pub status: i32,
    pub records: Vec<Value>,
    /// Standard error, without the program's name.
    pub said: Vec<String>,
}

impl Replayed {
    pub fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let records = text(output.stdout);
        let records = records
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let said = text(output.stderr);
        let said = said.lines().map(|line| {
            let line = line.strip_prefix("nat-acct: ");
            line.expect("the program's name first").to_owned()
        });
        Self {
            status: output.status.code().expect("no signal"),
            records: records.collect(),
            said: said.collect(),
        }
    }

    /// The one record.
    #[track_caller]
    pub fn only(&self) -> &Value {
        let [record] = &self.records[..] else {
            panic!("not one record: {self:#?}");
        };
        record
    }

    /// The one line that holds `part`.
    #[track_caller]
    pub fn line(&self, part: &str) -> &str {
        let mut lines = self.said.iter().filter(|line| line.contains(part));
        let line = lines.next();
        let line = line.unwrap_or_else(|| panic!("no {part:?} in {:#?}", self.said));
        assert_eq!(lines.next(), None, "twice {part:?}");
        line
    }
}

/// Payload bytes from client to remote and back.
pub fn payload(record: &Value) -> (u64, u64) {
    let number = |name: &str| record["nat_acct"][name].as_u64().unwrap();
    (number("sent"), number("received"))
}

/// The translated port.
pub fn translated(record: &Value) -> Option<u64> {
    let opener = ["source", "destination"].map(|side| &record[side]["nat"]["port"]);
    opener.into_iter().find_map(Value::as_u64)
}
