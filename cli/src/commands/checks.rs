//! Checks as lines of a table.

use argon_service::health::{ShownCheck, Verdict};
use argon_service::json::name;

use crate::output::Colours;

/// Prints checks, with their thresholds if `with_threshold`. A remedy is on a line of its own.
pub(super) fn text(checks: &[ShownCheck], with_threshold: bool, colours: Colours) -> String {
    let threshold = |check: &ShownCheck| check.threshold.clone().unwrap_or_else(|| "-".to_owned());
    let width = |title: &str, of: &dyn Fn(&ShownCheck) -> usize| {
        checks.iter().map(of).fold(title.len(), usize::max)
    };
    let column = width("CHECK", &|check| check.check.len());
    let state = width("STATE", &|check| name(&check.state).len());
    let limit = width("THRESHOLD", &|check| threshold(check).len());
    let line = |check: &str, painted: &str, threshold: &str, found: &str| {
        let threshold =
            if with_threshold { format!("{threshold:limit$}  ") } else { String::new() };
        format!("{check:column$}  {painted}  {threshold}{found}")
    };
    let mut lines = vec![line("CHECK", &format!("{:state$}", "STATE"), "THRESHOLD", "FOUND")];
    for check in checks {
        let padded = format!("{:state$}", name(&check.state));
        let painted = match check.state {
            Verdict::Good => colours.green(&padded),
            Verdict::Warning => colours.yellow(&padded),
            Verdict::Failed => colours.red(&padded),
            Verdict::Skipped => padded,
        };
        lines.push(line(&check.check, &painted, &threshold(check), &check.found));
        if let Some(remedy) = &check.remedy {
            let remedy = format!("to do: {remedy}");
            lines.push(line("", &format!("{:state$}", ""), "", &remedy));
        }
    }
    lines.join("\n")
}
