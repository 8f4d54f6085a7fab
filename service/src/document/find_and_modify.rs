use argon_core::key::Key;
use argon_core::model::{BranchName, CollectionName};
use argon_core::{Backoff, Branch, Error};
use argon_query::commands::{DeleteCommand, UpdateCommand};
use argon_query::find::{Find, FindCommand};
use argon_query::modify::Modified;
use argon_query::pipeline::{MemoryCollections, Row};
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document, doc};
use futures::TryStreamExt;

use super::collated::check_update;
use super::evaluation::{execution, execution_over};
use crate::Result;
use crate::collections::Signature;
use crate::json::{HintValue, QueryDocument, UpdateValue};

/// What becomes of the document that is found.
#[derive(Debug, Clone)]
pub enum FoundChange {
    /// It is updated or replaced.
    Update {
        /// The update.
        update: UpdateValue,
        /// Whether a document is inserted if none matches.
        upsert: bool,
        /// The filters for `$[identifier]`.
        array_filters: Vec<QueryDocument>,
    },
    /// It is deleted.
    Delete,
}

/// Change one document that matches a filter, and return it.
#[derive(Debug, Clone)]
pub struct FindAndModify {
    /// The collection.
    pub collection: CollectionName,
    /// The filter.
    pub filter: QueryDocument,
    /// What becomes of the document.
    pub change: FoundChange,
    /// The order in which the first document is meant; without it, the order in which they are read.
    pub sort: QueryDocument,
    /// The fields to return; without it, all.
    pub projection: QueryDocument,
    /// The order of texts; without it, byte by byte.
    pub collation: QueryDocument,
    /// The index to read by.
    pub hint: Option<HintValue>,
    /// Whether the document after the change is returned, or the one before.
    pub returns_new: bool,
    /// How the commit is signed.
    pub signature: Signature,
}

/// A document that was found and changed.
#[derive(Debug, Clone)]
pub struct FoundAndModified {
    /// The branch.
    pub branch: BranchName,
    /// The document; `None` if none matched, or was there before.
    pub document: Option<RawDocumentBuf>,
    /// The commit; `None` if nothing changed.
    pub lsn: Option<u64>,
}

/// Changes one document in one commit, and returns it.
///
/// # Errors
/// `Invalid` for a malformed query or update, with MongoDB's code; `Conflict` if others change the
/// documents each time.
pub async fn find_and_modify(branch: &Branch, request: FindAndModify) -> Result<FoundAndModified> {
    let modified = if request.sort.0.is_empty() {
        request.run(branch, request.filter.0.clone(), true).await?
    } else {
        request.run_sorted(branch).await?
    };
    let (before, after) = modified.image.unwrap_or_default();
    let document = if request.returns_new { after } else { before };
    let document = match document {
        Some(document) => Some(request.project(branch, document).await?),
        None => None,
    };
    Ok(FoundAndModified {
        branch: branch.name().clone(),
        document,
        lsn: modified.receipt.map(|receipt| receipt.lsn.get()),
    })
}

impl FindAndModify {
    /// Changes the first document by the sort. What others changed meanwhile is found again.
    async fn run_sorted(&self, branch: &Branch) -> Result<Modified> {
        let mut backoff = Backoff::new(branch.environment());
        while backoff.attempt().await {
            let Some(id) = self.first(branch).await? else {
                return self.run(branch, self.filter.0.clone(), true).await;
            };
            let filter =
                doc! { "$and": [{ "_id": { "$eq": id.to_bson() } }, self.filter.0.clone()] };
            let modified = self.run(branch, filter, false).await?;
            if modified.matched > 0 {
                return Ok(modified);
            }
        }
        Err(Error::conflict(format!(
            "documents of collection '{}' were changed by others on every attempt; try again later",
            self.collection
        ))
        .into())
    }

    /// The `_id` of the first document by the sort.
    async fn first(&self, branch: &Branch) -> Result<Option<Key>> {
        let find = Find::compile(&FindCommand {
            filter: self.filter.0.clone(),
            projection: doc! { "_id": 1 },
            sort: self.sort.0.clone(),
            limit: 1,
            collation: self.collation.0.clone(),
            hint: self.hint(),
            ..FindCommand::default()
        })?;
        let execution = execution(&branch.head().await?);
        let found = find.run(self.collection.as_str(), &execution).try_concat().await?;
        let Some(row) = found.first() else { return Ok(None) };
        let id = row.as_raw().get("_id").map_err(super::evaluation::malformed)?;
        let id = id.map(Key::of_id).transpose();
        Ok(id.map_err(|error| Error::internal("a stored _id is not valid").with_source(error))?)
    }

    async fn run(&self, branch: &Branch, filter: Document, may_insert: bool) -> Result<Modified> {
        let signed = || self.signature.request(branch);
        let (collection, collation) = (&self.collection, self.collation.0.clone());
        let modified = match &self.change {
            FoundChange::Update { update, upsert, array_filters } => {
                check_update(&self.collation, update, array_filters)?;
                let command = UpdateCommand {
                    filter,
                    upsert: *upsert && may_insert,
                    array_filters: array_filters.iter().map(|filter| filter.0.clone()).collect(),
                    collation,
                    hint: self.hint(),
                    ..UpdateCommand::new(update.0.clone())
                };
                command.run(branch, collection, None, &signed).await?
            }
            FoundChange::Delete => {
                let command = DeleteCommand { filter, many: false, collation, hint: self.hint() };
                command.run(branch, collection, None, &signed).await?
            }
        };
        Ok(modified)
    }

    fn hint(&self) -> Option<Bson> {
        self.hint.as_ref().map(|hint| hint.0.clone())
    }

    /// The fields of a document that are returned.
    async fn project(
        &self,
        branch: &Branch,
        document: argon_core::model::Document,
    ) -> Result<RawDocumentBuf> {
        if self.projection.0.is_empty() {
            return Ok(document.into_raw());
        }
        let projection = self.projection.0.clone();
        let find = Find::compile(&FindCommand { projection, ..FindCommand::default() })?;
        let mut found = MemoryCollections::default();
        found.insert("found", vec![Row::from(document)]);
        let rows = find.run("found", &execution_over(found, branch.environment()));
        let mut rows: Vec<Row> = rows.try_concat().await?;
        Ok(rows.pop().map(Row::into_raw).unwrap_or_default())
    }
}
