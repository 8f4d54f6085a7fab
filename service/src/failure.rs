//! Failures of operations.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io;

use argon_core::{DetailKey, DetailValue, Error, ErrorKind, Hint};
use argon_formats::{FormatError, InvalidDocument};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The failure of an operation.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// An error.
    Error {
        /// The error.
        error: Error,
        /// What can be done, besides the hint of the error itself.
        hint: Option<Hint>,
    },
    /// A file or a dump can't be read or written.
    Format {
        /// The error.
        error: Box<FormatError>,
        /// What can be done, besides the hint of the error itself.
        hint: Option<Hint>,
    },
    /// The output of the caller can't be written; the effects of the operation stay.
    Output(io::Error),
    /// The caller interrupted it, and it has cleaned up.
    Interrupted,
}

/// The result of an operation.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// An error as JSON.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ErrorObject {
    /// The kind of the error, such as `not_found` or `conflict`.
    pub kind: &'static str,
    /// The message.
    pub message: String,
    /// What the error is about: `collection`, `id`, `path` and so on.
    #[serde(serialize_with = "details")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub details: Vec<(DetailKey, DetailValue)>,
    /// The causes.
    pub causes: Vec<String>,
    /// What can be done, in the words of the front end.
    pub hint: Option<String>,
}

fn details<S: Serializer>(details: &[(DetailKey, DetailValue)], out: S) -> Result<S::Ok, S::Error> {
    out.collect_map(details.iter().map(|(key, value)| {
        let value = match value {
            DetailValue::Text(text) => serde_json::Value::from(text.as_str()),
            DetailValue::Number(number) => serde_json::Value::from(*number),
            DetailValue::Document(_) => serde_json::Value::from(value.to_string()),
        };
        (key.as_str(), value)
    }))
}

impl Failure {
    /// Adds a hint, unless it has one.
    pub fn hint(self, advice: Hint) -> Self {
        match self {
            Self::Error { error, hint: None } => Self::Error { error, hint: Some(advice) },
            Self::Format { error, hint: None } => Self::Format { error, hint: Some(advice) },
            other => other,
        }
    }
}

impl Failure {
    /// Adds a hint to an error of this kind.
    pub(crate) fn hint_on(self, kind: ErrorKind, advice: Hint) -> Self {
        match &self {
            Self::Error { error, .. } if error.kind() == kind => self.hint(advice),
            _ => self,
        }
    }

    /// The message and the causes on one line.
    pub fn in_full(&self) -> String {
        match self {
            Self::Error { error, .. } => error.in_full(),
            Self::Format { error, .. } => of_format(error).in_full(),
            Self::Output(error) => error.to_string(),
            Self::Interrupted => "interrupted".to_owned(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error { error, hint: None }
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        Self::Format { error: Box::new(error), hint: None }
    }
}

/// For documents that come out of a store, where they were valid when they went in.
impl From<InvalidDocument> for Failure {
    fn from(error: InvalidDocument) -> Self {
        Error::corrupt("a stored document can't be printed").with_source(error).into()
    }
}

/// The error of a file or a dump, with the kind that its cause has.
pub fn of_format(error: &FormatError) -> Error {
    let kind = match error {
        FormatError::Io { source, .. } => match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData
            | io::ErrorKind::UnexpectedEof => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        },
        FormatError::NoSuchDatabase { .. } => ErrorKind::NotFound,
        FormatError::NoColumnar { .. } => ErrorKind::Unsupported,
        _ => ErrorKind::Invalid,
    };
    let described = Error::new(kind, error.to_string());
    match error.source() {
        Some(source) => described.with_source(source.to_string()),
        None => described,
    }
}
