//! The requirements of a store, and whether they are met.

use crate::{Error, Hint};

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The requirement is met.
    Good,
    /// The store works, but the remedy is advisable.
    Doubtful,
    /// The store can't be used without the remedy.
    Failed,
}

/// A check by [`Factory::diagnose`](crate::storage::Factory::diagnose).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The subject, in a word or two.
    pub check: String,
    /// The outcome.
    pub health: Health,
    /// The observation, as a sentence without a full stop.
    pub found: String,
    /// The repair.
    pub remedy: Option<Remedy>,
}

/// The repair of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// An operation of Argon.
    Hint(Hint),
    /// Another action, in words.
    Text(String),
}

impl From<Hint> for Remedy {
    fn from(hint: Hint) -> Self {
        Self::Hint(hint)
    }
}

impl From<String> for Remedy {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Remedy {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Diagnosis {
    /// Creates a check with a good outcome.
    pub fn good(check: &str, found: impl Into<String>) -> Self {
        Self { check: check.to_owned(), health: Health::Good, found: found.into(), remedy: None }
    }

    /// Creates a check whose remedy is advisable.
    pub fn doubtful(check: &str, found: impl Into<String>, remedy: impl Into<Remedy>) -> Self {
        let (check, found, remedy) = (check.to_owned(), found.into(), Some(remedy.into()));
        Self { check, health: Health::Doubtful, found, remedy }
    }

    /// Creates a failed check from an error and its sources. Without a `remedy`, the hint of the
    /// error is the remedy, unless it is to run a diagnosis.
    pub fn failed(check: &str, error: &Error, remedy: Option<Remedy>) -> Self {
        let hint = || error.hint().filter(|hint| *hint != Hint::Diagnose).map(Remedy::Hint);
        let remedy = remedy.or_else(hint);
        Self { check: check.to_owned(), health: Health::Failed, found: error.in_full(), remedy }
    }
}
