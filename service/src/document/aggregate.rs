use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::{BranchName, CollectionName, Document, Point};
use argon_core::write::{Precondition, WriteRequest};
use argon_core::{Branch, CollectionView, Error, Revision, State};
use argon_query::pipeline::{
    Execution, Merge, MergeOutcome, Options, Pipeline, Row, Write, WriteMode,
};
use futures::{Stream, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evaluation::execution_in;
use crate::collections::Signature;
use crate::json::QueryDocument;
use crate::workspace::Workspace;
use crate::{Failure, Result};

/// Run an aggregation pipeline.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AggregateDocuments {
    /// The collection that the first stage reads.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The stages.
    pub pipeline: Vec<QueryDocument>,
    /// The variables of the pipeline: `let`.
    #[serde(default, rename = "let")]
    pub variables: QueryDocument,
}

/// What a pipeline with `$out` or `$merge` wrote.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WrittenRows {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The number of documents that were inserted, replaced or deleted.
    pub written: u64,
    /// The commit; null if nothing was written.
    pub lsn: Option<u64>,
}

impl AggregateDocuments {
    fn compile(&self) -> Result<Arc<Pipeline>> {
        let stages: Vec<_> = self.pipeline.iter().map(|stage| stage.0.clone()).collect();
        let options = Options { variables: self.variables.0.clone(), ..Options::default() };
        Ok(Arc::new(Pipeline::compile(&stages, &options)?))
    }

    /// Whether the pipeline ends in a stage that writes.
    pub fn writes(&self) -> bool {
        let last = self.pipeline.last().and_then(|stage| stage.0.keys().next());
        last.is_some_and(|name| matches!(name.as_str(), "$out" | "$merge"))
    }
}

/// Runs a pipeline over a state, and gives its documents, each as soon as it is known.
///
/// # Errors
/// `Invalid` for a malformed pipeline, with MongoDB's code, and for one that writes.
pub async fn aggregate(
    workspace: &Workspace,
    revision: Option<&Revision>,
    request: &AggregateDocuments,
) -> Result<impl Stream<Item = Result<Row, Failure>> + Send + use<>> {
    let pipeline = request.compile()?;
    if pipeline.write().is_some() {
        return Err(Error::invalid(
            "a pipeline with $out or $merge writes to the head of a branch, not to a past state",
        )
        .into());
    }
    let state = workspace.state(revision).await?;
    let branch = workspace.branch_of(revision);
    let execution = execution_in(&state, &workspace.project, branch);
    let batches = pipeline.run(request.collection.as_str(), &execution);
    let rows = batches.map_ok(|batch| stream::iter(batch.into_iter().map(Ok)));
    Ok(rows.try_flatten().map_err(|error: Error| Failure::from(error)))
}

/// Runs a pipeline that ends in `$out` or `$merge` over the head of the branch, and writes its
/// documents in one commit: all of them, or none.
///
/// # Errors
/// Those of [`aggregate`]; `Conflict` if others change the documents meanwhile.
pub async fn aggregate_into(
    workspace: &Workspace,
    signature: &Signature,
    request: &AggregateDocuments,
) -> Result<WrittenRows> {
    let pipeline = request.compile()?;
    let branch = workspace.branch().await?;
    let Some(write) = pipeline.write() else {
        return Err(Error::invalid("the pipeline has no $out or $merge").into());
    };
    if let Some(database) = &write.database
        && database != branch.project().name().as_str()
    {
        return Err(Error::unsupported(format!(
            "the pipeline writes to database '{database}'; only collections of project '{}' can \
             be written",
            branch.project().name()
        ))
        .into());
    }
    let state = branch.head().await?;
    let execution = execution_in(&state, &workspace.project, branch.name());
    let target = CollectionName::new(&write.collection)?;
    let mut rows = pipeline.run(request.collection.as_str(), &execution);
    let mut writer = Writer::new(&state, &branch, target.clone(), signature.request(&branch));
    while let Some(batch) = rows.try_next().await? {
        for row in batch {
            writer.write(write, row, &execution).await?;
        }
    }
    writer.finish(write).await
}

/// Collects what a pipeline writes.
struct Writer<'w> {
    branch: &'w Branch,
    target: CollectionName,
    existing: Option<CollectionView>,
    request: WriteRequest,
    written: u64,
    /// The `_id`s of `$out`'s documents.
    kept: BTreeSet<Key>,
    /// The documents by the values of `$merge`'s `on`, if that is not `_id`.
    by_key: Option<BTreeMap<Vec<u8>, (Key, Point, Document)>>,
}

impl<'w> Writer<'w> {
    fn new(
        state: &State,
        branch: &'w Branch,
        target: CollectionName,
        request: WriteRequest,
    ) -> Self {
        let existing = state.collection(&target).ok();
        Self { branch, target, existing, request, written: 0, kept: BTreeSet::new(), by_key: None }
    }

    async fn write(&mut self, write: &Write, row: Row, execution: &Execution) -> Result<()> {
        match &write.mode {
            WriteMode::Replace => self.replace(row).await,
            WriteMode::Merge(merge) => self.merge(merge, row, execution).await,
        }
    }

    async fn replace(&mut self, row: Row) -> Result<()> {
        let collection = self.branch.collection(&self.target);
        let (key, document) = collection.with_id(row.into_raw())?;
        let existing = self.version(&key).await?;
        if !self.kept.insert(key.clone()) {
            return Err(Error::already_exists(format!(
                "two documents of the pipeline have the _id {key}"
            ))
            .into());
        }
        if existing.as_ref().is_some_and(|(_, before)| *before == document) {
            return Ok(());
        }
        self.put(key, document, existing.map(|(read, _)| read))
    }

    async fn merge(&mut self, merge: &Merge, row: Row, execution: &Execution) -> Result<()> {
        let existing = self.matching(merge, &row).await?;
        let before = existing.as_ref().map(|(_, _, document)| document.as_raw());
        match merge.merge(row, before, execution)? {
            MergeOutcome::Keep => Ok(()),
            MergeOutcome::Insert(document) => {
                let (key, document) = self.branch.collection(&self.target).with_id(document)?;
                self.put(key, document, None)
            }
            MergeOutcome::Replace(document) => {
                let (key, document) = Document::checked(document)?;
                match existing {
                    Some((_, _, before)) if before == document => Ok(()),
                    existing => self.put(key, document, existing.map(|(_, read, _)| read)),
                }
            }
        }
    }

    /// The document that a row is merged into.
    async fn matching(
        &mut self,
        merge: &Merge,
        row: &Row,
    ) -> Result<Option<(Key, Point, Document)>> {
        if merge.on == ["_id"] {
            let id = row.as_raw().get("_id").map_err(malformed)?;
            let Some(id) = id else { return Ok(None) };
            let key = Key::of_id(id).map_err(|error| Error::invalid(error.to_string()))?;
            let found = self.version(&key).await?;
            return Ok(found.map(|(read, document)| (key, read, document)));
        }
        if self.by_key.is_none() {
            self.by_key = Some(self.all_by_key(merge).await?);
        }
        let key = merge.key(row.as_raw())?;
        Ok(key.and_then(|key| self.by_key.as_ref()?.get(&key).cloned()))
    }

    async fn all_by_key(&self, merge: &Merge) -> Result<BTreeMap<Vec<u8>, (Key, Point, Document)>> {
        let mut all = BTreeMap::new();
        let Some(existing) = &self.existing else { return Ok(all) };
        let mut rows = existing.scan_range(argon_core::storage::KeyRange::default());
        while let Some((key, version)) = rows.try_next().await? {
            // A document without the fields is merged into by no row.
            let Ok(Some(by)) = merge.key(version.document.as_raw()) else { continue };
            let read = existing.point_of(version.lsn)?;
            all.insert(by, (key, read, version.document));
        }
        Ok(all)
    }

    async fn version(&self, key: &Key) -> Result<Option<(Point, Document)>> {
        let Some(existing) = &self.existing else { return Ok(None) };
        let found = existing.version(key).await?;
        Ok(found.map(|found| (found.changed_by, found.document)))
    }

    fn put(&mut self, key: Key, document: Document, read: Option<Point>) -> Result<()> {
        let condition = read.map_or(Precondition::Absent, Precondition::ChangedBy);
        self.written += 1;
        Ok(self.request.put(self.target.clone(), key, document, condition)?)
    }

    async fn finish(mut self, write: &Write) -> Result<WrittenRows> {
        if let (WriteMode::Replace, Some(existing)) = (&write.mode, self.existing.take()) {
            let mut rows = existing.scan_range(argon_core::storage::KeyRange::default());
            while let Some((key, version)) = rows.try_next().await? {
                if !self.kept.contains(&key) {
                    let read = Precondition::ChangedBy(existing.point_of(version.lsn)?);
                    self.request.delete(self.target.clone(), key, read);
                    self.written += 1;
                }
            }
        }
        let lsn = if self.written == 0 {
            None
        } else {
            Some(self.branch.commit(self.request).await?.committed()?.lsn.get())
        };
        Ok(WrittenRows {
            branch: self.branch.name().clone(),
            collection: self.target,
            written: self.written,
            lsn,
        })
    }
}

fn malformed(source: bson::error::Error) -> Error {
    Error::corrupt("failed to decode a document").with_source(source)
}
