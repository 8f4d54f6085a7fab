//! How a command that failed says so: lines for people, one JSON object for programs.

use super::{Json, Output, escape, to_stderr, with_short_lines};

/// Why a command failed.
pub(crate) struct FailureReport {
    /// The kind of the error, for programs.
    pub(crate) kind: &'static str,
    /// The error, and then its causes.
    pub(crate) lines: Vec<String>,
    /// What it is about, in order.
    pub(crate) details: Vec<(&'static str, Json)>,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// How the process ends.
    pub(crate) exit_code: u8,
}

impl FailureReport {
    /// `{"error": {…}}`. The keys stay as they are; there may be more of them.
    fn json(&self) -> Json {
        let short = |line: &String| Json::from(with_short_lines(line).as_ref());
        let message = self.lines.first().map_or_else(|| "".into(), short);
        let causes = self.lines.iter().skip(1).map(short).collect();
        let error = Json::object([
            ("kind", self.kind.into()),
            ("message", message),
            ("details", Json::Object(self.details.clone())),
            ("causes", Json::Array(causes)),
            ("hint", self.hint.as_deref().into()),
            ("exit_code", u64::from(self.exit_code).into()),
        ]);
        Json::object([("error", error)])
    }
}

impl Output {
    /// Reports on stderr why the command failed: for programs as one JSON object on a line of its own.
    pub(crate) fn failure(&self, report: &FailureReport) {
        if self.is_table() {
            self.error(&report.lines, report.hint.as_deref());
        } else {
            to_stderr(&escape::lines(&report.json().compact(), false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_object_with_every_key() {
        let report = FailureReport {
            kind: "not_found",
            lines: vec!["no \"x\"".into(), "because".into()],
            details: vec![("lsn", 7.into()), ("branch", "main".into())],
            hint: Some("look".into()),
            exit_code: 3,
        };
        assert_eq!(
            report.json().compact(),
            r#"{"error":{"kind":"not_found","message":"no \"x\"","details":{"lsn":7,"branch":"main"},"causes":["because"],"hint":"look","exit_code":3}}"#
        );
        let bare = FailureReport { lines: vec!["x".into()], details: vec![], hint: None, ..report };
        assert_eq!(
            bare.json().compact(),
            r#"{"error":{"kind":"not_found","message":"x","details":{},"causes":[],"hint":null,"exit_code":3}}"#
        );
    }
}
