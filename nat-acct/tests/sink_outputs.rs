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
    sink.push(b"one").unwrap();
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
    sink.push(b"one").unwrap();
    sink.flush().unwrap();
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"one\n");
    drop(reader);
    sink.push(b"two").unwrap();
    assert!(matches!(sink.flush(), Err(SinkError::Write { .. })));
}

#[test]
fn a_moved_file_is_noticed_and_opened_anew() {
    let path = fresh("moved");
    let moved = fresh("moved.1");
    let mut sink = Sink::open(Output::File(path.clone())).unwrap();
    sink.push(b"one").unwrap();
    assert!(!sink.is_renamed());
    fs::rename(&path, &moved).unwrap();
    assert!(sink.is_renamed());
    assert!(!sink.is_removed());
    sink.reopen().unwrap();
    assert!(!sink.is_renamed());
    sink.push(b"two").unwrap();
    sink.flush().unwrap();
    assert_eq!(fs::read_to_string(moved).unwrap(), "one\n");
    assert_eq!(fs::read_to_string(path).unwrap(), "two\n");
}

#[test]
fn nothing_is_written_to_a_file_without_a_name() {
    let path = fresh("removed");
    let mut sink = Sink::open(Output::File(path.clone())).unwrap();
    sink.push(b"one").unwrap();
    fs::remove_file(&path).unwrap();
    assert!(sink.is_removed());
    sink.reopen().unwrap();
    sink.flush().unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "one\n");
}

#[test]
fn a_directory_that_moves_is_still_ours_until_another_takes_its_place() {
    let directory = fresh("directory");
    let moved = fresh("directory.1");
    for old in [&directory, &moved] {
        let _ = fs::remove_dir_all(old);
    }
    fs::create_dir(&directory).unwrap();
    let path = directory.join("records");
    let mut sink = Sink::open(Output::File(path.clone())).unwrap();
    fs::rename(&directory, &moved).unwrap();
    assert!(!sink.is_renamed());
    fs::rename(moved.join("records"), moved.join("records.1")).unwrap();
    assert!(sink.is_renamed());
    sink.reopen().unwrap();
    sink.push(b"one").unwrap();
    sink.flush().unwrap();
    assert_eq!(fs::read_to_string(moved.join("records")).unwrap(), "one\n");

    fs::create_dir(&directory).unwrap();
    sink.reopen().unwrap();
    sink.push(b"two").unwrap();
    sink.flush().unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "two\n");
}

#[test]
fn until_a_file_can_be_opened_anew_nothing_is_written() {
    let directory = fresh("gone");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir(&directory).unwrap();
    let path = directory.join("records");
    let mut sink = Sink::open(Output::File(path.clone())).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    sink.push(b"one").unwrap();
    assert!(matches!(sink.reopen(), Err(SinkError::Open { .. })));
    assert!(matches!(sink.flush(), Err(SinkError::Open { .. })));
    assert_eq!(sink.pending_lines(), 1);
    fs::create_dir(&directory).unwrap();
    sink.flush().unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "one\n");
}

#[test]
fn a_truncated_file_has_neither_zeros_nor_half_a_line() {
    let path = fresh("truncated");
    let mut sink = Sink::open(Output::File(path.clone())).unwrap();
    sink.push(b"one").unwrap();
    sink.flush().unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    sink.push(b"two").unwrap();
    sink.flush().unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "two\n");
}

/// As an agent that is killed while its reader has stopped.
#[test]
fn a_full_pipe_ends_with_a_whole_line() {
    let path = fresh("full_fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let opened = thread::spawn({
        let path = path.clone();
        move || fs::File::open(path).unwrap()
    });
    let mut sink = Sink::open(Output::File(path)).unwrap();
    let mut reader = opened.join().unwrap();
    // Three of these fit into PIPE_BUF, and no fourth does.
    let line = "x".repeat(1_300);
    for _ in 0..40 {
        sink.push(line.as_bytes()).unwrap();
    }
    let steps = (0..13).filter(|_| sink.write_some().unwrap()).count();
    assert_eq!(steps, 13, "three lines a time");
    assert_eq!(sink.pending_lines(), 1);
    sink.abandon();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 39);
    assert!(text.lines().all(|read| read == line));
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
        sink.push(format!("record {number}").as_bytes()).unwrap();
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
        sink.push(line.as_bytes()).unwrap();
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
