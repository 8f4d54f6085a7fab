//! Why a text is not Extended JSON.

use super::super::validate::InvalidDocument;

/// Why a text can't be read as Extended JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtJsonError {
    /// Not JSON, or a `$` wrapper that holds the wrong thing.
    #[error("{message} (line {line}, column {column})")]
    Syntax {
        /// What is wrong, without the place.
        message: String,
        /// Line within the text, from 1.
        line: usize,
        /// Byte within the line, from 1; 0 if the fault is noticed at the line break before.
        column: usize,
    },
    /// A value, but not a document.
    #[error("expected a document such as {{\"field\": 1}}, found {found}")]
    NotADocument {
        /// What was there instead, printed and shortened.
        found: String,
    },
    /// A value that no document can have as its `_id`, or a text that was meant as one and isn't.
    #[error("{text} can't be an _id: {reason}")]
    Id {
        /// What was typed.
        text: String,
        /// Why it can't.
        reason: String,
    },
    /// Well-formed JSON whose document is over MongoDB's limits, or has a NUL in a field's name.
    #[error(transparent)]
    Document(#[from] InvalidDocument),
}

impl From<serde_json::Error> for ExtJsonError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        // serde_json offers the place as numbers, but its message only with the place appended.
        let place = format!(" at line {line} column {column}");
        let message = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        Self::Syntax { message, line, column }
    }
}
