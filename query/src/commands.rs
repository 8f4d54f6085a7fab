//! Changes as drivers send them: updates and deletions of the documents that match a filter.

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::write::WriteRequest;
use argon_core::{Branch, Result, State};
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

use crate::expression::{Context, Evaluation};
use crate::filter::FilterOptions;
use crate::find::{Selection, collation_of};
use crate::modify::{Change, Modified, Modify};
use crate::plan::Hint;
use crate::update::{Target, Update, UpdateOptions};

/// An update of documents of a collection.
#[derive(Debug, Clone)]
pub struct UpdateCommand {
    /// The filter; empty for all documents.
    pub filter: Document,
    /// The update: a document of operators, another document as a replacement, or an array of stages.
    pub update: Bson,
    /// Whether all documents that match are updated, or only the first that is read: by `_id`, or in the
    /// order of the index that is used.
    pub many: bool,
    /// Whether a document is inserted if none matches.
    pub upsert: bool,
    /// The filters for `$[identifier]`.
    pub array_filters: Vec<Document>,
    /// The order of texts; empty for byte by byte.
    pub collation: Document,
    /// The index to read by, as in a [`FindCommand`](crate::find::FindCommand::hint).
    pub hint: Option<Bson>,
}

/// A deletion of documents of a collection.
#[derive(Debug, Clone, Default)]
pub struct DeleteCommand {
    /// The filter; empty for all documents.
    pub filter: Document,
    /// Whether all documents that match are deleted, or only the first that is read: by `_id`, or in the
    /// order of the index that is used.
    pub many: bool,
    /// The order of texts; empty for byte by byte.
    pub collation: Document,
    /// The index to read by, as in a [`FindCommand`](crate::find::FindCommand::hint).
    pub hint: Option<Bson>,
}

impl UpdateCommand {
    /// An update of the first document.
    pub fn new(update: Bson) -> Self {
        let (filter, collation) = (Document::new(), Document::new());
        let (many, upsert, array_filters) = (false, false, Vec::new());
        Self { filter, update, many, upsert, array_filters, collation, hint: None }
    }

    /// Makes the update in one commit; `request` makes an empty request with its signature, and
    /// `state` is the state that was read, if what others changed since is a
    /// [conflict](Modify::state).
    ///
    /// # Errors
    /// MongoDB's error of the filter or the update, with its code; see [`Modify::run`].
    pub async fn run(
        &self,
        branch: &Branch,
        collection: &CollectionName,
        state: Option<&State>,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<Modified> {
        let evaluation = evaluation(branch);
        let options = UpdateOptions {
            array_filters: &self.array_filters,
            multi: self.many,
            ..UpdateOptions::default()
        };
        let update = Update::compile(&self.update, &options)?;
        let selection =
            selection(&self.filter, &self.collation, self.hint.as_ref(), evaluation.clone())?;
        let change = |document: &RawDocument| {
            let matched = if update.is_positional() { selection.position(document)? } else { None };
            let target = Target { matched, is_insert: false };
            let updated = update.apply(document, target, &evaluation.scope(document))?;
            Ok(updated.map_or(Change::Keep, Change::Replace))
        };
        let upsert = || -> Result<RawDocumentBuf> {
            let empty = RawDocumentBuf::new();
            let id = branch.environment().object_id();
            update.upsert(&self.filter, id, &evaluation.scope(&empty))
        };
        let modify = Modify {
            collection,
            selection: &selection,
            many: self.many,
            state,
            change: &change,
            upsert: self.upsert.then_some(&upsert),
            request,
        };
        modify.run(branch).await
    }
}

impl DeleteCommand {
    /// Deletes the documents in one commit; `request` and `state` are as for
    /// [an update](UpdateCommand::run).
    ///
    /// # Errors
    /// MongoDB's error of the filter, with its code; see [`Modify::run`].
    pub async fn run(
        &self,
        branch: &Branch,
        collection: &CollectionName,
        state: Option<&State>,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<Modified> {
        let selection =
            selection(&self.filter, &self.collation, self.hint.as_ref(), evaluation(branch))?;
        let modify = Modify {
            collection,
            selection: &selection,
            many: self.many,
            state,
            change: &|_| Ok(Change::Delete),
            upsert: None,
            request,
        };
        modify.run(branch).await
    }
}

fn evaluation(branch: &Branch) -> Evaluation {
    Evaluation::new(Arc::new(Context::of(branch.environment())))
}

fn selection(
    filter: &Document,
    collation: &Document,
    hint: Option<&Bson>,
    evaluation: Evaluation,
) -> Result<Selection> {
    let options = FilterOptions { collation: collation_of(collation)?, ..FilterOptions::default() };
    let hint = hint.map(Hint::compile).transpose()?.flatten();
    Ok(Selection::compile(filter, &options, evaluation)?.with_hint(hint))
}
