//! What a store needs, and whether it is there.

use crate::{Error, Hint};

/// How one check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It is as it should be.
    Good,
    /// The store works, but something should be seen to.
    Doubtful,
    /// The store can't be used until this is repaired.
    Failed,
}

/// One thing that was looked at by [`Factory::diagnose`](crate::storage::Factory::diagnose).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What was looked at, in a word or two.
    pub check: String,
    /// How it came out.
    pub health: Health,
    /// What was found, as a sentence without a full stop.
    pub found: String,
    /// What repairs it.
    pub remedy: Option<Remedy>,
}

/// What repairs what a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// An operation of Argon.
    Hint(Hint),
    /// What else to do, in words.
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
    /// All is well.
    pub fn good(check: &str, found: impl Into<String>) -> Self {
        Self { check: check.to_owned(), health: Health::Good, found: found.into(), remedy: None }
    }

    /// It works, but `remedy` should be done.
    pub fn doubtful(check: &str, found: impl Into<String>, remedy: impl Into<Remedy>) -> Self {
        let (check, found, remedy) = (check.to_owned(), found.into(), Some(remedy.into()));
        Self { check, health: Health::Doubtful, found, remedy }
    }

    /// It does not work; the error and those below it say why. Without a `remedy`, that is the hint of the
    /// error, unless it is to look closer: that is what a diagnosis does.
    pub fn failed(check: &str, error: &Error, remedy: Option<Remedy>) -> Self {
        let hint = || error.hint().filter(|hint| *hint != Hint::Diagnose).map(Remedy::Hint);
        let remedy = remedy.or_else(hint);
        Self { check: check.to_owned(), health: Health::Failed, found: error.in_full(), remedy }
    }
}
