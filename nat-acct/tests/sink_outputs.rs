//! Sinks on real files, FIFOs, full devices and pipes.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio, exit},
    thread,
};

use nat_acct::sink::{Output, Sink, SinkError};
use nix::{sys::stat::Mode, unistd::mkfifo};

/// Set in the process that writes to a pipe.
const WRITER: &str = "NAT_ACCT_TEST_WRITER";
const CLOSED: i32 = 17;

#[test]
fn lines_are_added_to_a_file() {
    check_added("new", None, "one\ntwo\n");
    check_added("empty", Some(""), "one\ntwo\n");
    check_added("whole", Some("zero\n"), "zero\none\ntwo\n");
    check_added("broken", Some("zero\n{\"ha"), "zero\n{\"ha\none\ntwo\n");
}

#[test]
fn a_new_file_is_not_for_everybody() {
    let path = fresh("mode");
    drop(Sink::open(Output::File(path.clone())).unwrap());
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");
}

#[test]
fn what_cannot_be_opened_is_one_line() {
    check_refused("/x/y", "No such file or directory (os error 2)");
    check_refused("/", "Is a directory (os error 21)");
}

#[test]
fn a_full_device_keeps_the_lines_here() {
    let mut sink = Sink::open(Output::File("/dev/full".into())).unwrap();
    sink.push("one").unwrap();
    let error = sink.flush().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write records to /dev/full: No space left on device (os error 28)"
    );
    assert_eq!(sink.pending_lines(), 1);
}

#[test]
fn a_fifo_without_a_reader_is_an_error() {
    let path = fresh("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let reader = thread::spawn({
        let path = path.clone();
        move || fs::File::open(path).unwrap()
    });
    let mut sink = Sink::open(Output::File(path)).unwrap();
    let mut reader = reader.join().unwrap();
    sink.push("one").unwrap();
    sink.flush().unwrap();
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"one\n");
    drop(reader);
    sink.push("two").unwrap();
    assert!(matches!(sink.flush(), Err(SinkError::Write { .. })));
}

#[test]
fn a_closed_standard_output_is_told_apart() {
    if env::var_os(WRITER).is_some() {
        write_until_refused();
    }
    let mut writer = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "a_closed_standard_output_is_told_apart",
            "--nocapture",
        ])
        .env(WRITER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    // The test harness has its say before.
    assert!(lines.any(|line| line.unwrap() == "record 1"));
    drop(lines);
    assert_eq!(writer.wait().unwrap().code(), Some(CLOSED));
}

fn write_until_refused() {
    let mut sink = Sink::open(Output::Standard).unwrap();
    for number in 0.. {
        sink.push(&format!("record {number}")).unwrap();
        match sink.flush() {
            Ok(()) => {}
            Err(SinkError::Closed) => exit(CLOSED),
            Err(error) => panic!("{error}"),
        }
    }
}

fn check_added(name: &str, before: Option<&str>, after: &str) {
    let path = fresh(name);
    if let Some(before) = before {
        fs::write(&path, before).unwrap();
    }
    for line in ["one", "two"] {
        let mut sink = Sink::open(Output::File(path.clone())).unwrap();
        sink.push(line).unwrap();
        assert_eq!(sink.pending_lines(), 1);
        sink.flush().unwrap();
        assert_eq!(sink.pending_lines(), 0);
    }
    assert_eq!(fs::read_to_string(path).unwrap(), after);
}

fn check_refused(path: &str, cause: &str) {
    let error = Sink::open(Output::File(path.into())).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot open {path} for records: {cause}")
    );
}

/// A path where nothing is.
fn fresh(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sink_{name}"));
    let _ = fs::remove_file(&path);
    path
}
