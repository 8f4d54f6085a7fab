//! The report of a failed command: lines for people, one JSON object for programs.

use argon_service::ErrorObject;
use serde::Serialize;

use super::{Output, escape, to_stderr, typed, with_short_lines};

/// The report of a failed command.
#[derive(Serialize)]
pub(crate) struct FailureReport {
    #[serde(flatten)]
    pub(crate) error: ErrorObject,
    pub(crate) exit_code: u8,
}

/// What programs read on stderr.
#[derive(Serialize)]
struct Envelope {
    error: FailureReport,
}

impl Output {
    /// Reports on stderr why the command failed: for programs as one JSON object on a line of its own.
    pub(crate) fn failure(&self, mut report: FailureReport) {
        let error = &mut report.error;
        if self.is_table() {
            return self.error(&error.message, &error.causes, error.hint.as_deref());
        }
        for text in std::iter::once(&mut error.message).chain(&mut error.causes) {
            *text = with_short_lines(text).into_owned();
        }
        if let Ok(json) = typed::compact(&Envelope { error: report }) {
            to_stderr(&escape::lines(&json, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use argon_core::{DetailKey, DetailValue};

    use super::*;

    fn json(report: FailureReport) -> String {
        typed::compact(&Envelope { error: report }).unwrap()
    }

    #[test]
    fn a_failure_is_one_object_with_every_key() {
        let error = ErrorObject {
            kind: "not_found",
            message: "no \"x\"".into(),
            details: vec![
                (DetailKey::Lsn, DetailValue::Number(7)),
                (DetailKey::Branch, "main".into()),
            ],
            causes: vec!["because".into()],
            hint: Some("look".into()),
        };
        let bare = ErrorObject {
            message: "x".into(),
            details: vec![],
            causes: vec![],
            hint: None,
            ..error.clone()
        };
        assert_eq!(
            json(FailureReport { error, exit_code: 3 }),
            r#"{"error":{"kind":"not_found","message":"no \"x\"","details":{"lsn":7,"branch":"main"},"causes":["because"],"hint":"look","exit_code":3}}"#
        );
        assert_eq!(
            json(FailureReport { error: bare, exit_code: 3 }),
            r#"{"error":{"kind":"not_found","message":"x","details":{},"causes":[],"hint":null,"exit_code":3}}"#
        );
    }
}
