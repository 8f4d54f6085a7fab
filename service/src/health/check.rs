//! A check of a store and its result.

use argon_core::storage::{Diagnosis, Health, Remedy};
use argon_core::{Error, Hint};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Failure, Wording, of_format};

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Verdict {
    /// It passed.
    #[serde(rename = "ok")]
    Good,
    /// It passed, but needs attention.
    #[serde(rename = "warning")]
    Warning,
    /// It failed.
    #[serde(rename = "failed")]
    Failed,
    /// It does not apply, or is unknown.
    #[serde(rename = "not checked")]
    Skipped,
}

impl From<Health> for Verdict {
    fn from(health: Health) -> Self {
        match health {
            Health::Good => Self::Good,
            Health::Doubtful => Self::Warning,
            Health::Failed => Self::Failed,
        }
    }
}

/// A check.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Its result.
    pub verdict: Verdict,
    /// The finding.
    pub found: String,
    /// The expected finding.
    pub threshold: Option<String>,
    /// What repairs it.
    pub remedy: Option<Remedy>,
}

/// A check in the words of a front end.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownCheck {
    /// Its name.
    pub check: String,
    /// Its result.
    pub state: Verdict,
    /// The finding.
    pub found: String,
    /// The expected finding, if there is one.
    pub threshold: Option<String>,
    /// What repairs it.
    pub remedy: Option<String>,
}

impl ShownCheck {
    /// A check in the words of `wording`.
    pub fn new(check: Check, wording: &dyn Wording) -> Self {
        let Check { name, verdict, found, threshold, remedy } = check;
        let remedy = remedy.and_then(|remedy| wording.remedy(&remedy));
        Self { check: name.to_owned(), state: verdict, found, threshold, remedy }
    }

    /// A diagnosis of a backend in the words of `wording`.
    pub fn of_diagnosis(diagnosis: Diagnosis, wording: &dyn Wording) -> Self {
        let Diagnosis { check, health, found, remedy } = diagnosis;
        let remedy = remedy.and_then(|remedy| wording.remedy(&remedy));
        Self { check, state: health.into(), found, threshold: None, remedy }
    }
}

impl Check {
    /// One with this result.
    pub fn of(name: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { name, verdict, found: found.into(), threshold: None, remedy: None }
    }

    /// One that fails when its threshold is not kept.
    pub(super) fn limit(check: &'static str, is_kept: bool, found: String) -> Self {
        Self::of(check, if is_kept { Verdict::Good } else { Verdict::Failed }, found)
    }

    /// One that warns when its threshold is not kept.
    pub(super) fn advice(check: &'static str, is_kept: bool, found: String) -> Self {
        Self::of(check, if is_kept { Verdict::Good } else { Verdict::Warning }, found)
    }

    /// One that does not apply.
    pub fn skipped(check: &'static str, why: &str) -> Self {
        Self::of(check, Verdict::Skipped, why)
    }

    /// One that ended with an error.
    pub fn failed(check: &'static str, error: &Error, remedy: impl Into<Remedy>) -> Self {
        Self::of(check, Verdict::Failed, error.in_full()).remedy(remedy)
    }

    /// One that ended with a failure, whose hint is the remedy.
    pub(super) fn of_failure(check: &'static str, failure: &Failure) -> Self {
        let (error, hint) = match failure {
            Failure::Error { error, hint } => (error, hint.clone().or_else(|| error.hint())),
            Failure::Format { error, hint } => (&of_format(error), hint.clone()),
            Failure::Output(_) | Failure::Interrupted => {
                return Self::of(check, Verdict::Failed, failure.in_full());
            }
        };
        Self::failed(check, error, hint.unwrap_or(Hint::CheckStore))
    }

    pub(super) fn threshold(self, threshold: String) -> Self {
        Self { threshold: Some(threshold), ..self }
    }

    /// Adds a remedy, if the check needs one.
    pub(super) fn remedy(self, remedy: impl Into<Remedy>) -> Self {
        let is_wanted = matches!(self.verdict, Verdict::Warning | Verdict::Failed);
        Self { remedy: is_wanted.then(|| remedy.into()), ..self }
    }
}
