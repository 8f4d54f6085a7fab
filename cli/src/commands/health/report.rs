//! Checks as a person, a program and a monitor read them.

use argon_core::Error;
use argon_core::storage::Diagnosis;

use crate::exit::{CommandResult, Failure};
use crate::output::{Colours, Json};

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Warning,
    Failed,
    /// It does not apply, or can't be told.
    Skipped,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "not checked",
        }
    }
}

/// One thing that was looked at.
pub(super) struct Check {
    name: &'static str,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    threshold: Option<String>,
    remedy: Option<String>,
}

impl Check {
    pub(super) fn of(name: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
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

    pub(super) fn skipped(check: &'static str, why: &str) -> Self {
        Self::of(check, Verdict::Skipped, why)
    }

    pub(super) fn failed(check: &'static str, error: &Error, remedy: &str) -> Self {
        let found = Diagnosis::failed(check, error, None).found;
        Self::of(check, Verdict::Failed, found).remedy(remedy)
    }

    pub(super) fn threshold(self, threshold: String) -> Self {
        Self { threshold: Some(threshold), ..self }
    }

    /// What to do about it, said only where something is to be done.
    pub(super) fn remedy(self, remedy: &str) -> Self {
        let is_wanted = matches!(self.verdict, Verdict::Warning | Verdict::Failed);
        Self { remedy: is_wanted.then(|| remedy.to_owned()), ..self }
    }
}

/// All checks, in order.
pub(super) struct Report(pub(super) Vec<Check>);

impl Report {
    fn has(&self, verdict: Verdict) -> bool {
        self.0.iter().any(|check| check.verdict == verdict)
    }

    /// How the command ends.
    pub(super) fn result(&self, strict: bool) -> CommandResult {
        if self.has(Verdict::Failed) {
            return Err(Failure::Unhealthy);
        }
        if strict && self.has(Verdict::Warning) { Err(Failure::Doubtful) } else { Ok(()) }
    }

    pub(super) fn text(&self, colours: Colours) -> String {
        let width = |least: &str, of: fn(&Check) -> usize| {
            self.0.iter().map(of).fold(least.len(), usize::max)
        };
        let column = width("CHECK", |check| check.name.len());
        let state = width("STATE", |check| check.verdict.word().len());
        let threshold = width("THRESHOLD", |check| check.threshold.as_ref().map_or(1, String::len));
        let mut lines = vec![format!(
            "{:column$}  {:state$}  {:threshold$}  FOUND",
            "CHECK", "STATE", "THRESHOLD"
        )];
        for Check { name, verdict, found, threshold: limit, remedy } in &self.0 {
            let padded = format!("{:state$}", verdict.word());
            let painted = match verdict {
                Verdict::Good => colours.green(&padded),
                Verdict::Warning => colours.yellow(&padded),
                Verdict::Failed => colours.red(&padded),
                Verdict::Skipped => padded,
            };
            let limit = limit.as_deref().unwrap_or("-");
            lines.push(format!("{name:column$}  {painted}  {limit:threshold$}  {found}"));
            if let Some(remedy) = remedy {
                lines.push(format!(
                    "{:column$}  {:state$}  {:threshold$}  to do: {remedy}",
                    "", "", ""
                ));
            }
        }
        lines.join("\n")
    }

    pub(super) fn json(&self) -> Json {
        let checks = self.0.iter().map(|check| {
            Json::object([
                ("check", check.name.into()),
                ("state", check.verdict.word().into()),
                ("found", check.found.as_str().into()),
                ("threshold", check.threshold.as_deref().into()),
                ("remedy", check.remedy.as_deref().into()),
            ])
        });
        Json::object([
            ("healthy", (!self.has(Verdict::Failed)).into()),
            ("checks", Json::Array(checks.collect())),
        ])
    }
}
