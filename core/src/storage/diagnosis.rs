//! What a store needs, and whether it is there.

use crate::Error;

/// How one check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It is as it should be.
    Good,
    /// The store works, but something should be seen to.
    Doubtful,
    /// The store can't be used until this is mended.
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
    /// The command that mends it, or what to do.
    pub remedy: Option<String>,
}

impl Diagnosis {
    /// All is well.
    pub fn good(check: &str, found: impl Into<String>) -> Self {
        Self { check: check.to_owned(), health: Health::Good, found: found.into(), remedy: None }
    }

    /// It works, but `remedy` should be done.
    pub fn doubtful(check: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (check, found, remedy) = (check.to_owned(), found.into(), Some(remedy.into()));
        Self { check, health: Health::Doubtful, found, remedy }
    }

    /// It does not work; the error and those below it say why.
    pub fn failed(check: &str, error: &Error, remedy: Option<String>) -> Self {
        Self { check: check.to_owned(), health: Health::Failed, found: error.in_full(), remedy }
    }
}
