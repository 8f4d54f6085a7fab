//! Replaces a document.

use argon_core::Result;
use bson::oid::ObjectId;
use bson::raw::{RawBson, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::{Document, Timestamp};

use super::{Target, storable, text};
use crate::Code;
use crate::expression::{Context, raw};
use crate::value::{Value, malformed};

const EMPTY_TIMESTAMP: RawBsonRef<'static> =
    RawBsonRef::Timestamp(Timestamp { time: 0, increment: 0 });

/// A document that replaces others.
#[derive(Debug)]
pub(super) struct Replacement {
    document: RawDocumentBuf,
    /// Whether a field is an empty timestamp, which becomes the time of the command.
    has_empty_timestamp: bool,
}

impl Replacement {
    pub(super) fn compile(document: &Document) -> Result<Self> {
        let document = match raw(&document.clone().into())? {
            RawBson::Document(document) => document,
            _ => RawDocumentBuf::new(),
        };
        let mut has_empty_timestamp = false;
        for field in &document {
            let (name, value) = field.map_err(malformed)?;
            has_empty_timestamp |= value == EMPTY_TIMESTAMP && name.as_str() != "_id";
        }
        Ok(Self { document, has_empty_timestamp })
    }

    /// Returns the new document; `None` if it is the old one.
    pub(super) fn apply(
        &self,
        original: &RawDocument,
        target: Target,
        context: &Context,
    ) -> Result<Option<RawDocumentBuf>> {
        if !self.has_empty_timestamp {
            return replace(original, &self.document, target, false);
        }
        let mut document = RawDocumentBuf::new();
        for field in &self.document {
            match field.map_err(malformed)? {
                (name, EMPTY_TIMESTAMP) if name.as_str() != "_id" => {
                    document.append(name, context.cluster_time);
                }
                (name, value) => document.append(name, value),
            }
        }
        replace(original, &document, target, false)
    }
}

/// Replaces a document by another, which keeps the `_id` if it has none; `None` if they are the
/// same (`ObjectReplaceExecutor`). `any_names` allows names that begin with `$`.
///
/// # Errors
/// `ImmutableField` if the `_id` differs; if the new document can't be stored.
pub(super) fn replace(
    original: &RawDocument,
    replacement: &RawDocument,
    target: Target,
    any_names: bool,
) -> Result<Option<RawDocumentBuf>> {
    if original.as_bytes() == replacement.as_bytes() {
        return Ok(None);
    }
    let before = original.get("_id").map_err(malformed)?;
    let after = replacement.get("_id").map_err(malformed)?;
    let replaced = match (before, after) {
        (Some(before), None) => with_id(before, replacement)?,
        _ => replacement.to_owned(),
    };
    if !target.is_insert {
        storable::check_document(&replaced, any_names)?;
    }
    if let Some(RawBsonRef::Array(_)) = after {
        return Err(Code::NOT_SINGLE_VALUE_FIELD.error(
            "After applying the update to the document, the (immutable) field '_id' was found to \
             be an array or array descendant.",
        ));
    }
    if let (Some(before), Some(after)) = (before, after)
        && Value::Ref(before).compare(&Value::Ref(after))?.is_ne()
    {
        return Err(Code::IMMUTABLE_FIELD.error(format!(
            "After applying the update, the (immutable) field '_id' was found to have been altered \
             to {}",
            text::element("_id", &Value::Ref(after))
        )));
    }
    Ok(Some(replaced))
}

/// The document with `_id` as its first field; with a new one if it has none.
pub(super) fn with_id_first(
    document: RawDocumentBuf,
    new: Option<ObjectId>,
) -> Result<RawDocumentBuf> {
    let is_first = match document.iter_elements().next() {
        Some(field) => field.map_err(malformed)?.key().as_str() == "_id",
        None => false,
    };
    if is_first {
        return Ok(document);
    }
    match (document.get("_id").map_err(malformed)?, new) {
        (Some(id), _) => with_id(id, &document),
        (None, Some(new)) => with_id(RawBsonRef::ObjectId(new), &document),
        (None, None) => Ok(document),
    }
}

/// The document with this `_id` first.
fn with_id(id: RawBsonRef<'_>, document: &RawDocument) -> Result<RawDocumentBuf> {
    let mut with_id = RawDocumentBuf::new();
    with_id.append(cstr!("_id"), id);
    for field in document {
        let (name, value) = field.map_err(malformed)?;
        if name.as_str() != "_id" {
            with_id.append(name, value);
        }
    }
    Ok(with_id)
}
