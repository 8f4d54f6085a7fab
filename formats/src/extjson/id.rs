//! Parses an `_id` that a person types on a command line.

use bson::Bson;
use bson::oid::ObjectId;

use super::error::ExtJsonError;
use super::parse::parse_value;

/// Parses an `_id` as a person types it, the first that applies of:
///
/// 1. 24 hexadecimal digits, bare or as `ObjectId("…")`: an `ObjectId`;
/// 2. an Extended JSON value: `5`, `"text"`, `{"$oid": "…"}`, `{"a": 1}`;
/// 3. anything else: the text itself, as a string.
///
/// A text that begins like a document, an array or a quoted string but is malformed is an error,
/// not a string; so is a value that MongoDB refuses as an `_id`: an array, a regular expression,
/// undefined.
pub fn parse_id(text: &str) -> Result<Bson, ExtJsonError> {
    let text = text.trim();
    let refuse = |reason: String| ExtJsonError::Id { text: text.to_owned(), reason };
    if let Some(digits) = object_id_call(text) {
        return ObjectId::parse_str(digits)
            .map(Bson::ObjectId)
            .map_err(|_| refuse("expected ObjectId with 24 hex digits".to_owned()));
    }
    if let Ok(id) = ObjectId::parse_str(text) {
        return Ok(Bson::ObjectId(id));
    }
    match parse_value(text) {
        Ok(Bson::Array(_)) => Err(refuse("MongoDB allows no array".to_owned())),
        Ok(Bson::RegularExpression(_)) => {
            Err(refuse("MongoDB allows no regular expression".to_owned()))
        }
        Ok(Bson::Undefined) => Err(refuse("MongoDB allows no undefined value".to_owned())),
        Ok(value) => Ok(value),
        Err(error) if text.starts_with(['{', '[', '"']) => Err(refuse(error.to_string())),
        Err(_) => Ok(Bson::String(text.to_owned())),
    }
}

/// The text between the parentheses of `ObjectId(…)`, without its quotes.
fn object_id_call(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("ObjectId(")?.strip_suffix(')')?.trim();
    let quoted = |quote: char| inner.strip_prefix(quote)?.strip_suffix(quote);
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(inner))
}
