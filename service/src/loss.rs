//! What is said of documents that JSON can't express.

use argon_formats::InvalidDocument;
use argon_formats::extjson::{Layout, Mode, find_loss, print_raw_value};
use bson::raw::{RawBsonRef, RawDocument};

/// What is lost of a document that would be another one after it was printed as canonical JSON and
/// read, in words.
///
/// # Errors
/// For a document that is not valid.
pub fn loss(document: &RawDocument) -> Result<Option<String>, InvalidDocument> {
    let Some(loss) = find_loss(document)? else { return Ok(None) };
    let id = document.get("_id").ok().flatten().unwrap_or(RawBsonRef::Null);
    let id = print_raw_value(id, Mode::Relaxed, Layout::Compact)?;
    Ok(Some(format!("JSON can't express the document with _id {id}: {loss}")))
}
