//! What `--output` names, and how it is opened.

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::one_line::one_line;

/// Who spoke to whom is not for everybody on the machine.
const MODE: u32 = 0o640;

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Standard,
    /// A file, a FIFO or a device.
    File(PathBuf),
}

impl From<OsString> for Output {
    /// `-` is standard output, as everywhere; a file of that name is `./-`.
    fn from(typed: OsString) -> Self {
        if typed == "-" {
            Self::Standard
        } else {
            Self::File(typed.into())
        }
    }
}

impl fmt::Display for Output {
    /// In one line, whatever the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.write_str("standard output"),
            Self::File(path) => f.write_str(&one_line(&path.to_string_lossy())),
        }
    }
}

pub(super) fn open(output: &Output) -> io::Result<File> {
    match output {
        Output::Standard => open_standard(),
        Output::File(path) => open_file(path),
    }
}

/// Past the standard library's buffer, which would hide what is written and what is not.
fn open_standard() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut file = File::options()
        .append(true)
        .create(true)
        .mode(MODE)
        .open(path)?;
    if file.metadata()?.is_file() && ends_within_line(path) {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

/// Whether the file's last writer was stopped, by a full disk or by force, within a line. The
/// next record must not become part of it. A file that may not be read is taken for whole.
fn ends_within_line(path: &Path) -> bool {
    let last_byte = || -> io::Result<u8> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(byte[0])
    };
    // An empty file has no last byte, which is an error too.
    last_byte().is_ok_and(|byte| byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_standard_output() {
        check("-", Output::Standard, "standard output");
        check("./-", Output::File("./-".into()), "./-");
        check("/x/y", Output::File("/x/y".into()), "/x/y");
        check(
            "a\nb\u{1b}",
            Output::File("a\nb\u{1b}".into()),
            "a\\nb\\u{1b}",
        );
    }

    fn check(typed: &str, expect: Output, shown: &str) {
        let output = Output::from(OsString::from(typed));
        assert_eq!(output, expect);
        assert_eq!(output.to_string(), shown);
    }
}
