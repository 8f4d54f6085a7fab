//! One thing that was looked at, and what it came to.

use argon_core::Error;
use argon_core::storage::Diagnosis;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Good,
    /// It should be looked at.
    Warning,
    /// It is not as it should be.
    Failed,
    /// It does not apply, or is unknown.
    Skipped,
}

impl Verdict {
    /// One or two words for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "not checked",
        }
    }
}

/// What to do about a check that is not well, for a front end to say in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Check the store for damage.
    CheckStore,
    /// Look at what the store needs to be opened.
    Diagnose,
    /// More workers, or ones that run now, work off the queue.
    WorkOff,
    /// Workers work on the queue, and its jobs can be listed.
    Work,
    /// Jobs that were given up say why, and can be tried again.
    RetryJobs,
    /// Make room; collecting garbage and compacting need a little themselves.
    MakeRoom,
    /// Make a snapshot.
    MakeSnapshot,
    /// Set the clocks.
    SetClock,
    /// Renew the certificate.
    RenewCertificate,
    /// As the front end has said already.
    Said(String),
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What should be found.
    pub threshold: Option<String>,
    /// What to do about it, where something is to be done.
    pub remedy: Option<Remedy>,
}

impl Check {
    /// One that came to this.
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
    pub fn failed(check: &'static str, error: &Error, remedy: Remedy) -> Self {
        let found = Diagnosis::failed(check, error, None).found;
        Self::of(check, Verdict::Failed, found).remedy(remedy)
    }

    pub(super) fn threshold(self, threshold: String) -> Self {
        Self { threshold: Some(threshold), ..self }
    }

    /// What to do about it, said only where something is to be done.
    pub(super) fn remedy(self, remedy: Remedy) -> Self {
        let is_wanted = matches!(self.verdict, Verdict::Warning | Verdict::Failed);
        Self { remedy: is_wanted.then_some(remedy), ..self }
    }
}
