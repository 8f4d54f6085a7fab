//! Errors of parsing Extended JSON.

use super::super::validate::InvalidDocument;

/// The reason why a text is not valid Extended JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtJsonError {
    /// Invalid JSON, or a `$` wrapper with invalid content.
    #[error("{message} (line {line}, column {column})")]
    Syntax {
        /// The problem, without its location.
        message: String,
        /// Line within the text, from 1.
        line: usize,
        /// Byte within the line, from 1; 0 if the problem is found at the preceding line break.
        column: usize,
    },
    /// A value, but not a document.
    #[error("expected a document such as {{\"field\": 1}}, found {found}")]
    NotADocument {
        /// The found value, printed and shortened.
        found: String,
    },
    /// A value that no document can have as its `_id`, or a malformed `_id`.
    #[error("invalid _id {text}: {reason}")]
    Id {
        /// The text.
        text: String,
        /// The reason.
        reason: String,
    },
    /// Well-formed JSON whose document exceeds MongoDB's limits, or has a NUL in a field's name.
    #[error(transparent)]
    Document(#[from] InvalidDocument),
}

impl From<serde_json::Error> for ExtJsonError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        // serde_json returns the location as numbers, but its message only with the location
        // appended.
        let place = format!(" at line {line} column {column}");
        let message = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        Self::Syntax { message, line, column }
    }
}
