//! Why an operation does not end well, and what may be done about it.

use argon_core::Error;
use argon_formats::{FormatError, InvalidDocument};

/// Why an operation does not end well.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// An error, and what the user may do about it.
    Error {
        /// The error.
        error: Error,
        /// What to do, for the front end to say.
        hint: Option<Hint>,
    },
    /// A file or a dump can't be read or written.
    Format {
        /// What is wrong with it.
        error: FormatError,
        /// What to do, for the front end to say.
        hint: Option<Hint>,
    },
    /// The caller wanted it to end, and it has tidied up.
    Interrupted,
}

/// What an operation comes to.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// What may be done about an error. A front end says it in its own words: a command, a status of
/// HTTP, a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// No store was found: make one, or name another.
    NoStore,
    /// Instead of correcting the file with what is current, remove it and choose a project again.
    ChooseProjectAgain,
    /// All settings can be listed.
    ListSettings,
    /// A store is given a name by an operation of its own.
    NameStore,
    /// The setting belongs in the user's file.
    UserLevel,
    /// The setting belongs in the user's file, where operations write it.
    UserLevelInFile,
}

impl Failure {
    /// Adds advice, unless there is some already.
    pub fn hint(self, advice: Hint) -> Self {
        match self {
            Self::Error { error, hint: None } => Self::Error { error, hint: Some(advice) },
            Self::Format { error, hint: None } => Self::Format { error, hint: Some(advice) },
            other => other,
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
        Self::Format { error, hint: None }
    }
}

/// For documents that come out of a store, where they were valid when they went in.
impl From<InvalidDocument> for Failure {
    fn from(error: InvalidDocument) -> Self {
        Error::corrupt("a stored document can't be printed").with_source(error).into()
    }
}
