//! The fuzzer's functions with the committed corpus: what was found once stays found. `cargo xtask
//! fuzz` looks for more.

use std::{fs, path::Path};

#[path = "../../tests/fuzz/src/lib.rs"]
mod fuzz;

#[test]
fn packet() {
    each("packet", fuzz::packet);
}

#[test]
fn capture() {
    each("capture", fuzz::capture);
}

#[test]
fn engine() {
    each("engine", fuzz::engine);
}

fn each(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fuzz/corpus")
        .join(target);
    let files = fs::read_dir(&corpus).expect("a corpus");
    let mut count = 0;
    for file in files {
        let path = file.expect("a readable folder").path();
        run(&fs::read(&path).expect("a readable file"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", corpus.display());
}
