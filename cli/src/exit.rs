//! How a command ends: exit codes, and errors as a person reads them.

use std::io;
use std::process::ExitCode;

use argon_core::{Error, ErrorKind};
use argon_formats::extjson::ExtJsonError;
use argon_formats::{FormatError, InvalidDocument};
use argon_service::ErrorObject;

use crate::hints;
use crate::output::{FailureReport, Output};

/// The part of `--help` that lists the exit codes.
pub(crate) const CODES: &str = "\
Exit codes:
  0  done                        6  store not available, nothing changed
  1  defect in argon             7  unknown whether the write happened
  2  wrong usage or input        8  stored data is damaged
  3  not found                   9  not supported
  4  exists already             10  denied: protected, a rule or hook, no permission
  5  changed by someone else,   11  `argon doctor` or `argon health`: a check failed
     or conflicts are left      12  done, but standard output can't be written
                                13  `argon health --strict`: warnings only
                               130  interrupted
With -o json or jsonl, an error is one JSON object on stderr.";

const UNHEALTHY: u8 = 11;
const UNPRINTED: u8 = 12;
const DOUBTFUL: u8 = 13;
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code of an error of this kind.
pub(crate) fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Internal => 1,
        ErrorKind::Invalid => 2,
        ErrorKind::NotFound => 3,
        ErrorKind::AlreadyExists => 4,
        ErrorKind::Conflict => 5,
        ErrorKind::Unavailable => 6,
        ErrorKind::Indeterminate => 7,
        ErrorKind::Corrupt => 8,
        ErrorKind::Unsupported => 9,
        ErrorKind::Denied => 10,
    }
}

/// The failure of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error.
    Error {
        /// The error.
        error: Error,
        /// Advice, as a sentence without a full stop.
        hint: Option<String>,
    },
    /// The command has reported it; the exit code is that of this kind.
    Reported(ErrorKind),
    /// `argon doctor` or `argon health` has shown what is wrong.
    Unhealthy,
    /// `argon health --strict` has shown warnings only.
    Doubtful,
    /// The reader closed the output, as `head` does, which is not an error.
    OutputClosed,
    /// The output can't be written; the effects of the command stay.
    Unprinted(io::Error),
    /// The user pressed Ctrl-C, and the command has cleaned up.
    Interrupted,
}

/// The result of a command.
pub(crate) type CommandResult<T = ()> = Result<T, Failure>;

impl Failure {
    /// For `map_err` on writing to standard output.
    pub(crate) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::Unprinted(error)
    }

    /// Adds advice, unless there is some already.
    pub(crate) fn hint(self, advice: impl Into<String>) -> Self {
        match self {
            Self::Error { error, hint: None } => Self::Error { error, hint: Some(advice.into()) },
            other => other,
        }
    }

    /// Reports it, and gives the exit code.
    pub(crate) fn report(self, output: &Output) -> ExitCode {
        match self {
            Self::Error { error, hint } => {
                let exit_code = code(error.kind());
                let object = ErrorObject {
                    kind: error.kind().as_str(),
                    message: error.to_string(),
                    details: error.details().to_vec(),
                    causes: causes(&error),
                    hint: hints::advice(&error, hint),
                };
                output.failure(FailureReport { error: object, exit_code });
                ExitCode::from(exit_code)
            }
            Self::Reported(kind) => ExitCode::from(code(kind)),
            Self::Unhealthy => ExitCode::from(UNHEALTHY),
            Self::Doubtful => ExitCode::from(DOUBTFUL),
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Unprinted(error) => {
                let object = ErrorObject {
                    kind: "unprinted",
                    message: "can't write to standard output".to_owned(),
                    details: Vec::new(),
                    causes: vec![error.to_string()],
                    hint: output.last_committed(),
                };
                output.failure(FailureReport { error: object, exit_code: UNPRINTED });
                ExitCode::from(UNPRINTED)
            }
            Self::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }
}

/// The causes of an error, without those that only repeat.
fn causes(error: &Error) -> Vec<String> {
    let mut lines = vec![error.to_string()];
    for text in error.causes().map(ToString::to_string) {
        if lines.iter().all(|line| !line.contains(&text)) {
            lines.push(text);
        }
    }
    lines.split_off(1)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error { error, hint: None }
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        let hint = match &error {
            FormatError::SeveralDatabases { .. } => {
                Some("choose one by --database NAME".to_owned())
            }
            FormatError::NoColumnar { .. } => {
                let build = "cargo build --release -p argon-cli --features columnar";
                Some(format!("build argon with `{build}`, or take another format"))
            }
            FormatError::UnknownFormat { .. } => Some("say it by --format".to_owned()),
            _ => None,
        };
        let mut described = argon_service::of_format(&error);
        if let FormatError::TooManyColumns { .. } = error {
            described = hints::with_behind(described, "; name some by --fields");
        }
        Self::Error { error: described, hint }
    }
}

impl From<ExtJsonError> for Failure {
    fn from(error: ExtJsonError) -> Self {
        Error::invalid(error.to_string()).into()
    }
}

/// For documents that come out of a store, where they were valid when they went in.
impl From<InvalidDocument> for Failure {
    fn from(error: InvalidDocument) -> Self {
        argon_service::Failure::from(error).into()
    }
}

/// Adds advice to an error that a person will read.
pub(crate) trait Hint<T> {
    /// Adds `advice` to an error of this kind.
    fn hint_on(self, kind: ErrorKind, advice: impl FnOnce() -> String) -> CommandResult<T>;
}

impl<T, E: Into<Failure>> Hint<T> for Result<T, E> {
    fn hint_on(self, kind: ErrorKind, advice: impl FnOnce() -> String) -> CommandResult<T> {
        self.map_err(|error| match error.into() {
            Failure::Error { error, hint } if error.kind() == kind => {
                Failure::Error { error, hint: hint.or_else(|| Some(advice())) }
            }
            other => other,
        })
    }
}
