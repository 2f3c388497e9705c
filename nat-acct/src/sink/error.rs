//! What can go wrong with a sink, each in one line that says what and where.

use std::io;

use thiserror::Error;

use super::Output;

/// Why records cannot be written.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The output cannot be opened.
    #[error("cannot open {output} for records: {cause}")]
    Open {
        /// What was to be opened.
        output: Output,
        /// What the system says.
        cause: io::Error,
    },
    /// The reader of standard output is gone: a reason to end, not to complain.
    #[error("standard output is closed")]
    Closed,
    /// The output does not take what is written.
    #[error("cannot write records to {output}: {cause}")]
    Write {
        /// What was written to.
        output: Output,
        /// What the system says.
        cause: io::Error,
    },
}

impl SinkError {
    /// Tells a reader who has gone away from an error.
    pub(super) fn of_write(output: &Output, cause: io::Error) -> Self {
        match (output, cause.kind()) {
            (Output::Standard, io::ErrorKind::BrokenPipe) => Self::Closed,
            (Output::Standard | Output::File(_), _) => Self::Write {
                output: output.clone(),
                cause,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn only_standard_output_can_be_closed() {
        check(
            Output::Standard,
            ErrorKind::BrokenPipe,
            "standard output is closed",
        );
        check(
            Output::Standard,
            ErrorKind::StorageFull,
            "cannot write records to standard output: no storage space",
        );
        check(
            Output::File("/x/y".into()),
            ErrorKind::BrokenPipe,
            "cannot write records to /x/y: broken pipe",
        );
    }

    fn check(output: Output, kind: ErrorKind, expect: &str) {
        assert_eq!(
            SinkError::of_write(&output, kind.into()).to_string(),
            expect
        );
    }
}
