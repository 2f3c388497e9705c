//! What `--output` names.

use std::{ffi::OsString, fmt, path::PathBuf};

use crate::one_line::one_line;

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
