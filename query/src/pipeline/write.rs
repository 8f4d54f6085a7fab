//! What `$out` and `$merge` ask of the caller.
//!
//! The pipeline itself writes nothing. The caller runs it, and for each row of the result does what
//! [`Write`] says, in one commit.

use std::sync::Arc;

use argon_core::document::Path;
use argon_core::{DetailKey, Error, Result};
use bson::raw::{RawBson, RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

use super::Pipeline;
use super::execution::Execution;
use super::rows::Row;
use super::values::{encode, nested};
use crate::Code;
use crate::expression::{Expression, Variable};
use crate::value::malformed;

/// The writes that a pipeline ends in.
#[derive(Debug)]
pub struct Write {
    /// The database; `None` for that of the command.
    pub database: Option<String>,
    /// The collection.
    pub collection: String,
    /// How the rows are written.
    pub mode: WriteMode,
}

/// How rows are written.
#[derive(Debug)]
pub enum WriteMode {
    /// `$out`: the rows are all that the collection has afterwards. Its indexes and options are kept.
    Replace,
    /// `$merge`: each row is merged into the collection.
    Merge(Merge),
}

/// `$merge`.
#[derive(Debug)]
pub struct Merge {
    /// The paths whose values identify a document; `_id` by default. They need a unique index.
    pub on: Vec<String>,
    /// What happens to a row with a document.
    pub when_matched: WhenMatched,
    /// What happens to a row without one.
    pub when_not_matched: WhenNotMatched,
}

/// What happens to a row whose document exists.
#[derive(Debug)]
pub enum WhenMatched {
    /// The row replaces the document.
    Replace,
    /// The document is kept.
    KeepExisting,
    /// The fields of the row are set in the document.
    Merge,
    /// It is an error.
    Fail,
    /// An update by a pipeline, in which `$$new` is the row.
    Pipeline(MergePipeline),
}

/// The pipeline of `whenMatched`.
#[derive(Debug)]
pub struct MergePipeline {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) variables: Vec<(Variable, Expression)>,
}

/// What happens to a row whose document does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenNotMatched {
    /// The row is inserted.
    Insert,
    /// It is dropped.
    Discard,
    /// It is an error.
    Fail,
}

/// What the caller does for a row.
#[derive(Debug, Clone)]
pub enum MergeOutcome {
    /// Insert this document.
    Insert(RawDocumentBuf),
    /// Replace the existing document by this one, which has the same `_id`.
    Replace(RawDocumentBuf),
    /// Nothing.
    Keep,
}

impl Merge {
    /// The key by which the document of a row is found: the keys of the values at `on`, in order.
    ///
    /// # Errors
    /// 51132 if a value is missing, null, undefined or an array. A missing `_id` is allowed: the
    /// result is then `None`, and the row is inserted with a new one.
    pub fn key(&self, row: &RawDocument) -> Result<Option<Vec<u8>>> {
        let mut key = Vec::new();
        for path in &self.on {
            match nested(row, &super::values::names(path)?)? {
                None if path == "_id" => return Ok(None),
                None | Some(RawBsonRef::Null | RawBsonRef::Undefined | RawBsonRef::Array(_))
                    if path != "_id" =>
                {
                    return Err(Code::location(51132).error(format!(
                        "$merge write error: 'on' field '{path}' cannot be missing, null, \
                         undefined or an array"
                    )));
                }
                value => encode(value.unwrap_or(RawBsonRef::Null), &mut key)?,
            }
        }
        Ok(Some(key))
    }

    /// Decides about a row and the document that it identifies.
    ///
    /// # Errors
    /// 11000 if `whenMatched` is `fail`; 13113 if `whenNotMatched` is `fail`; `ImmutableField` if the
    /// pipeline changes the `_id`; see [`Pipeline::run`].
    pub fn merge(
        &self,
        row: Row,
        existing: Option<&RawDocument>,
        execution: &Execution,
    ) -> Result<MergeOutcome> {
        let Some(existing) = existing else {
            return match self.when_not_matched {
                WhenNotMatched::Insert => Ok(MergeOutcome::Insert(row.into_raw())),
                WhenNotMatched::Discard => Ok(MergeOutcome::Keep),
                WhenNotMatched::Fail => Err(Code::location(13113).error(
                    "$merge could not find a matching document in the target collection for at \
                     least one document in the source collection",
                )),
            };
        };
        match &self.when_matched {
            WhenMatched::KeepExisting => Ok(MergeOutcome::Keep),
            WhenMatched::Replace => replaced(existing, row.into_raw()),
            WhenMatched::Merge => replaced(existing, merged(existing, row.as_raw())?),
            WhenMatched::Fail => Err(self.duplicate(existing)?),
            WhenMatched::Pipeline(update) => {
                let execution = update.bind(&row, execution)?;
                match update.pipeline.run_on_document(existing, &execution)? {
                    Some(updated) => replaced(existing, updated.into_raw()),
                    None => Ok(MergeOutcome::Keep),
                }
            }
        }
    }
}

impl Merge {
    /// The error for a document that matches, where none may.
    fn duplicate(&self, existing: &RawDocument) -> Result<Error> {
        let (mut pattern, mut values) = (Document::new(), Document::new());
        for field in &self.on {
            pattern.insert(field, 1);
            let value = Path::dotted(field).elements(existing).map_err(Error::from)?;
            let value = value.into_iter().next().map(Bson::try_from).transpose();
            values.insert(field, value.map_err(malformed)?.unwrap_or(Bson::Null));
        }
        let error = Code::location(11000)
            .error("E11000 duplicate key error: $merge found a matching document");
        Ok(error
            .with_detail(DetailKey::KeyPattern, pattern)
            .with_detail(DetailKey::KeyValue, values))
    }
}

impl MergePipeline {
    fn bind(&self, row: &Row, execution: &Execution) -> Result<Execution> {
        let scope = execution.scope(row.as_raw());
        let mut values: Vec<(Variable, RawBson)> = Vec::new();
        for (variable, expression) in &self.variables {
            let value = expression.evaluate(&scope)?;
            if !value.is_missing() {
                values.push((*variable, value.into_bson()));
            }
        }
        Ok(execution.with(values))
    }
}

/// The replacement of a document, which gets its `_id`.
fn replaced(existing: &RawDocument, new: RawDocumentBuf) -> Result<MergeOutcome> {
    let old_id = existing.get("_id").map_err(malformed)?;
    let new_id = new.get("_id").map_err(malformed)?;
    match (old_id, new_id) {
        (Some(old), Some(new))
            if argon_core::key::compare(old, new).map_err(malformed)?.is_ne() =>
        {
            Err(Code::IMMUTABLE_FIELD.error(
                "$merge failed to update the matching document, did you attempt to modify the _id \
                 or the shard key? :: caused by :: Performing an update on the path '_id' would \
                 modify the immutable field '_id'",
            ))
        }
        (Some(old), None) => {
            let mut with_id = RawDocumentBuf::new();
            with_id.append(bson::cstr!("_id"), old);
            for field in &new {
                let (name, value) = field.map_err(malformed)?;
                with_id.append(name, value);
            }
            Ok(MergeOutcome::Replace(with_id))
        }
        _ => Ok(MergeOutcome::Replace(new)),
    }
}

/// The existing fields in their order, with the values of the row, then its other fields.
fn merged(existing: &RawDocument, row: &RawDocument) -> Result<RawDocumentBuf> {
    let mut document = RawDocumentBuf::new();
    for field in existing {
        let (name, value) = field.map_err(malformed)?;
        document.append(name, row.get(name).map_err(malformed)?.unwrap_or(value));
    }
    for field in row {
        let (name, value) = field.map_err(malformed)?;
        if existing.get(name).map_err(malformed)?.is_none() {
            document.append(name, value);
        }
    }
    Ok(document)
}
