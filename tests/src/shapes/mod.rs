//! The shapes of packets and gateways that tests have shown to be accounted for: a test notes what
//! it has shown, and after all tests `cargo xtask test` holds the table in `docs/SHAPES.md` against
//! the notes. So the table says nothing that no test has shown.

mod table;

use std::{collections::BTreeMap, env, fs, path::Path};

use anyhow::{Context, Result};

pub use table::render;

/// The name of the environment variable with the directory of the notes. Without it nothing is
/// noted.
pub const NOTES: &str = "NAT_ACCT_SHAPES";

/// The groups of what depends on the kernel: not every one has all devices. Their page is
/// `docs/KERNELS.md`.
pub const OF_KERNELS: [&str; 2] = [KERNEL, DEVICES];
/// The group of what the agent makes of the kernel that is there.
pub const KERNEL: &str = "Kernel";
/// The group of devices that not every kernel has.
pub const DEVICES: &str = "Devices";

/// How a case was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Packets went through interfaces, and the agent ran.
    Live,
    /// The programs were run by the kernel on the packet's bytes (`BPF_PROG_TEST_RUN`).
    TestRun,
    /// From a capture.
    Replay,
}

/// What was shown of one case: the result, by the way.
pub type Shown = BTreeMap<Way, String>;
/// What was shown, by the group and the name of the case.
pub type Notes = BTreeMap<(String, String), Shown>;

impl Way {
    /// All ways, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Live, Self::TestRun, Self::Replay];

    /// The name in notes and in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::TestRun => "test run",
            Self::Replay => "replay",
        }
    }
}

/// Notes at the end of a test that `case` was shown, with its result in a word or two: `exact`,
/// `absent`, `refused` …
///
/// # Panics
///
/// When the note cannot be written.
pub fn shown(group: &str, case: &str, way: Way, result: &str) {
    let Some(dir) = env::var_os(NOTES) else {
        return;
    };
    let lines = [group, case, way.name(), result].join("\n");
    let file = lines.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    fs::write(Path::new(&dir).join(file), lines).expect("the directory of notes can be written");
}

/// Reads all notes of a directory.
///
/// # Errors
///
/// When a file cannot be read or is no note, or one case has two results.
pub fn read(dir: &Path) -> Result<Notes> {
    let mut notes = Notes::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        add(&mut notes, &text).with_context(|| format!("in {}", path.display()))?;
    }
    Ok(notes)
}

fn add(notes: &mut Notes, text: &str) -> Result<()> {
    let lines: Vec<_> = text.lines().collect();
    let [group, case, way, result] = lines[..] else {
        anyhow::bail!("not a note");
    };
    let way = Way::ALL.into_iter().find(|one| one.name() == way);
    let way = way.context("no such way")?;
    let case = notes.entry((group.to_owned(), case.to_owned()));
    let earlier = case.or_default().insert(way, result.to_owned());
    anyhow::ensure!(
        earlier.is_none_or(|earlier| earlier == result),
        "the case was shown before, with another result"
    );
    Ok(())
}
