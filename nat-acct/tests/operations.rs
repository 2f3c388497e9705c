//! What docs/OPERATIONS.md says of the log is what the agent says.

use std::{fs, path::Path};

const OPERATIONS: &str = include_str!("../../docs/OPERATIONS.md");

#[test]
fn every_warning_that_is_explained_is_one_of_the_agent() {
    let mut sources = String::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut sources,
    );
    // A long text goes on behind a backslash.
    let sources = sources.replace("\\\n", "");
    let sources = sources.split_whitespace().collect::<Vec<_>>().join(" ");
    let section = OPERATIONS
        .split("\n## ")
        .find(|section| section.starts_with("What a warning"));
    let rows = section
        .expect("the section")
        .lines()
        .filter_map(|line| line.strip_prefix("| `"));
    let mut count = 0;
    for row in rows {
        let (words, _) = row.split_once('`').expect("the end of the words");
        assert!(sources.contains(words), "nothing says {words:?}");
        count += 1;
    }
    assert!(count > 10, "only {count} rows");
}

fn collect(dir: &Path, text: &mut String) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, text);
        } else {
            *text += &fs::read_to_string(&path).expect("a source");
        }
    }
}
