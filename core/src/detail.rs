//! The details of an error for programs: keys and values.

use std::fmt;

use bson::{Bson, Document};

/// The meaning of a detail of an [`Error`](crate::Error).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DetailKey {
    /// The name of a project.
    Project,
    /// The name of a branch.
    Branch,
    /// The name of a pin.
    Pin,
    /// The identifier of a plan.
    Plan,
    /// The identifier of a job.
    Job,
    /// The identifier of a timeline.
    Timeline,
    /// The LSN of a commit or a state.
    Lsn,
    /// The name of a collection.
    Collection,
    /// An `_id`, formatted as in messages.
    Id,
    /// The name of an index.
    Index,
    /// The key of an index, such as `{"email":1}`.
    KeyPattern,
    /// The values of an index that two documents have, such as `{"email":"a"}`.
    KeyValue,
    /// A path to a field.
    Path,
    /// A position in the given list or text, counted from 0.
    Position,
    /// A document as Extended JSON.
    Document,
    /// The number of an error in MongoDB's protocol.
    Code,
    /// The name of an error in MongoDB's protocol.
    CodeName,
}

impl DetailKey {
    /// The name for programs, such as `collection`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Branch => "branch",
            Self::Pin => "pin",
            Self::Plan => "plan",
            Self::Job => "job",
            Self::Timeline => "timeline",
            Self::Lsn => "lsn",
            Self::Collection => "collection",
            Self::Id => "id",
            Self::Index => "index",
            Self::KeyPattern => "key_pattern",
            Self::KeyValue => "key_value",
            Self::Path => "path",
            Self::Position => "position",
            Self::Document => "document",
            Self::Code => "code",
            Self::CodeName => "code_name",
        }
    }
}

impl fmt::Display for DetailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The value of a detail.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DetailValue {
    /// A name or an identifier.
    Text(String),
    /// An LSN, a position or a code.
    Number(u64),
    /// The key of an index, or its values. A text shows it as relaxed Extended JSON.
    Document(Document),
}

impl fmt::Display for DetailValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Document(document) => {
                Bson::Document(document.clone()).into_relaxed_extjson().fmt(f)
            }
        }
    }
}

impl From<String> for DetailValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for DetailValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for DetailValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<Document> for DetailValue {
    fn from(document: Document) -> Self {
        Self::Document(document)
    }
}

#[cfg(test)]
mod tests {
    use bson::{DateTime, doc};

    use super::*;

    #[test]
    fn a_document_is_shown_as_extended_json() {
        let values = doc! {
            "a": f64::NAN, "b": f64::NEG_INFINITY, "c": 1_i64 << 40, "d": 0.5,
            "e": DateTime::from_millis(0), "f": [f64::INFINITY], "g": { "h": "x" },
        };
        assert_eq!(
            DetailValue::from(values).to_string(),
            concat!(
                r#"{"a":{"$numberDouble":"NaN"},"b":{"$numberDouble":"-Infinity"},"#,
                r#""c":1099511627776,"d":0.5,"e":{"$date":"1970-01-01T00:00:00Z"},"#,
                r#""f":[{"$numberDouble":"Infinity"}],"g":{"h":"x"}}"#
            )
        );
    }
}
