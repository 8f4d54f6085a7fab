//! Checks as a person, a program and a monitor read them.

use argon_service::health::{Check, Verdict};

use crate::exit::{CommandResult, Failure};
use crate::hints;
use crate::output::{Colours, Json};

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
                    "{:column$}  {:state$}  {:threshold$}  to do: {}",
                    "",
                    "",
                    "",
                    hints::of_check(remedy)
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
                ("remedy", check.remedy.as_ref().map(hints::of_check).into()),
            ])
        });
        Json::object([
            ("healthy", (!self.has(Verdict::Failed)).into()),
            ("checks", Json::Array(checks.collect())),
        ])
    }
}
