//! What is said of documents that JSON can't express.

use argon_formats::extjson::{Layout, Mode, find_loss, print_raw_value};
use bson::raw::{RawBsonRef, RawDocument};

use super::Output;
use crate::exit::CommandResult;

/// What is lost of a document that would be another one after it was printed as canonical JSON and
/// read, in words.
pub(crate) fn loss(document: &RawDocument) -> CommandResult<Option<String>> {
    let Some(loss) = find_loss(document)? else { return Ok(None) };
    let id = document.get("_id").ok().flatten().unwrap_or(RawBsonRef::Null);
    let id = print_raw_value(id, Mode::Relaxed, Layout::Compact)?;
    Ok(Some(format!("JSON can't express the document with _id {id}: {loss}")))
}

impl Output {
    /// Notes what is lost of a document that is printed.
    pub(crate) fn note_loss(&self, document: &RawDocument) -> CommandResult {
        if let Some(words) = loss(document)? {
            self.note(&words);
        }
        Ok(())
    }
}
