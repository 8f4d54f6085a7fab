//! What pipelines read.

use std::collections::BTreeSet;
use std::sync::Arc;

use argon_core::{Error, LaterIndex, Result};
use async_trait::async_trait;
use bson::Document;
use bson::raw::RawDocument;
use futures::{StreamExt, TryStreamExt, future, stream};

use super::rows::{self, Row, Rows};
use super::values::keys_at;
use crate::Code;
use crate::find::Selection;
use crate::plan::{Choice, Counters, Hint, Indexes, Query, choose};
use crate::sort::SortPattern;

/// The collections that a pipeline reads.
#[async_trait]
pub trait Collections: Send + Sync {
    /// Opens a collection: in the state that the pipeline reads, or in that of a revision, such as
    /// `main~3`. A collection that does not exist is an empty one.
    ///
    /// # Errors
    /// `NotFound` or `Invalid` if the revision names no state.
    async fn open(&self, name: &str, revision: Option<&str>) -> Result<Arc<dyn Collection>>;

    /// Returns the commits that changed a collection, newest first, as documents of the stage
    /// `$history`.
    ///
    /// # Errors
    /// `Unsupported` if there is no history.
    async fn history(&self, _collection: &str, _request: &HistoryRequest) -> Result<Rows> {
        Err(without_history("$history"))
    }

    /// Returns the differences of a collection between two revisions, as documents of the stage
    /// `$diff`.
    ///
    /// # Errors
    /// `Unsupported` if there is no history; `NotFound` or `Invalid` if a revision names no state.
    async fn diff(&self, _collection: &str, _from: &str, _to: Option<&str>) -> Result<Rows> {
        Err(without_history("$diff"))
    }
}

/// The arguments of `$history`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryRequest {
    /// The `_id` of the only document whose versions are wanted.
    pub id: Option<bson::Bson>,
}

/// What a pipeline reads of a collection.
pub struct ReadRequest<'r> {
    /// The filter; `None` for all documents.
    pub filter: Option<Selection>,
    /// The order that is wanted.
    pub sort: Option<&'r SortPattern>,
    /// The number of documents that suffice.
    pub limit: Option<u64>,
    /// How the collection must be read.
    pub hint: Option<&'r Hint>,
    /// Counts what is read.
    pub examined: Arc<Counters>,
}

impl ReadRequest<'_> {
    /// All documents.
    pub fn all(examined: Arc<Counters>) -> Self {
        Self { filter: None, sort: None, limit: None, hint: None, examined }
    }
}

/// The rows of a [`ReadRequest`].
pub struct ReadRows {
    /// All rows that match.
    pub rows: Rows,
    /// Whether they are in the order that is wanted.
    pub is_sorted: bool,
    /// Whether they are in the reverse of the natural order, for a hint that wants it.
    pub is_reversed: bool,
}

/// A collection in a state.
#[async_trait]
pub trait Collection: Send + Sync {
    /// Returns the documents that match, by the best plan.
    ///
    /// # Errors
    /// See [`plan`](Self::plan).
    fn read(&self, request: ReadRequest<'_>) -> Result<ReadRows> {
        self.plan(&request)?;
        let (rows, is_sorted) = (self.scan(request.filter), request.sort.is_none());
        Ok(ReadRows { rows, is_sorted, is_reversed: false })
    }

    /// Chooses the plan by which [`read`](Self::read) reads.
    ///
    /// # Errors
    /// The error of the hint.
    fn plan(&self, request: &ReadRequest<'_>) -> Result<Choice> {
        let filter = request.filter.as_ref().map(Selection::query).cloned().unwrap_or_default();
        let definitions = self.indexes();
        let indexes = Indexes { definitions: &definitions, ..Indexes::default() };
        let query = Query { sort: request.sort, hint: request.hint, ..Query::of(&filter) };
        Ok(Choice::scan(&choose(&query, indexes)?))
    }

    /// The indexes that only later states can be read by, for explanations.
    ///
    /// # Errors
    /// Those of the store.
    async fn later_indexes(&self) -> Result<Vec<LaterIndex>> {
        Ok(Vec::new())
    }

    /// Whether the collection is capped: its documents come in the order of insertion.
    fn is_capped(&self) -> bool {
        false
    }

    /// Returns the documents in the order of their `_id`s, or of insertion in a capped collection. A filter runs where the rows are: what
    /// does not match is not copied.
    fn scan(&self, filter: Option<Selection>) -> Rows;

    /// Returns the documents that have one of the values, or an array with one of them, at a path:
    /// those that an equality in a query matches, null for missing. The values are given by their
    /// [keys](argon_core::key).
    ///
    /// Without an index it is a scan. What is read is counted.
    fn lookup(&self, path: &[String], keys: BTreeSet<Box<[u8]>>, examined: &Arc<Counters>) -> Rows {
        scanned_lookup(self, path, keys, examined)
    }

    /// Whether [`lookup`](Self::lookup) of a path reads only what it returns.
    fn is_indexed(&self, _path: &[String]) -> bool {
        false
    }

    /// The number of documents, and what they take.
    async fn statistics(&self) -> Result<Statistics> {
        let mut statistics = Statistics::default();
        let mut rows = self.scan(None);
        while let Some(batch) = rows.try_next().await? {
            statistics.count += batch.len() as u64;
            let sizes = batch.iter().map(|row| row.as_raw().as_bytes().len() as u64);
            statistics.size += sizes.sum::<u64>();
        }
        Ok(statistics)
    }

    /// The definitions of the indexes.
    fn indexes(&self) -> Vec<Document> {
        Vec::new()
    }
}

/// The numbers of `$collStats`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The number of documents.
    pub count: u64,
    /// Their bytes.
    pub size: u64,
}

/// Reads all documents, and keeps those that have one of the keys at a path.
pub(crate) fn scanned_lookup(
    collection: &(impl Collection + ?Sized),
    path: &[String],
    keys: BTreeSet<Box<[u8]>>,
    examined: &Arc<Counters>,
) -> Rows {
    let path = path.to_vec();
    match collection.read(ReadRequest::all(examined.clone())) {
        Ok(read) => filtered(read.rows, move |document| has_key_at(document, &path, &keys)),
        Err(error) => stream::once(future::err(error)).boxed(),
    }
}

/// Whether a document has one of the keys at a path.
pub(crate) fn has_key_at(
    document: &RawDocument,
    path: &[String],
    keys: &BTreeSet<Box<[u8]>>,
) -> Result<bool> {
    let mut found = false;
    keys_at(document, path, &mut |key| found |= keys.contains(key))?;
    Ok(found)
}

/// Keeps the rows that satisfy a condition.
pub(crate) fn filtered(
    input: Rows,
    mut condition: impl FnMut(&RawDocument) -> Result<bool> + Send + 'static,
) -> Rows {
    let kept = input.map_ok(move |batch| {
        let mut kept = Vec::with_capacity(batch.len());
        for row in batch {
            if condition(row.as_raw())? {
                kept.push(row);
            }
        }
        Ok::<Vec<Row>, Error>(kept)
    });
    Box::pin(
        kept.and_then(std::future::ready).try_filter(|batch| std::future::ready(!batch.is_empty())),
    )
}

/// Collections in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryCollections(std::collections::BTreeMap<String, MemoryCollection>);

/// A collection in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryCollection(Arc<Vec<Row>>);

impl MemoryCollections {
    /// Adds a collection, or replaces it.
    pub fn insert(&mut self, name: impl Into<String>, rows: Vec<Row>) {
        self.0.insert(name.into(), MemoryCollection(Arc::new(rows)));
    }
}

impl MemoryCollection {
    pub(crate) fn new(rows: Arc<Vec<Row>>) -> Self {
        Self(rows)
    }
}

#[async_trait]
impl Collections for MemoryCollections {
    async fn open(&self, name: &str, revision: Option<&str>) -> Result<Arc<dyn Collection>> {
        if revision.is_some() {
            return Err(without_history("$at"));
        }
        Ok(Arc::new(self.0.get(name).cloned().unwrap_or_default()))
    }
}

#[async_trait]
impl Collection for MemoryCollection {
    fn scan(&self, filter: Option<Selection>) -> Rows {
        let all = self.0.clone();
        let mut place = 0;
        rows::from_iter(std::iter::from_fn(move || {
            loop {
                let row = all.get(place)?;
                place += 1;
                match filter.as_ref().map(|filter| filter.matches(row.as_raw())) {
                    None | Some(Ok(true)) => return Some(Ok(row.clone())),
                    Some(Ok(false)) => {}
                    Some(Err(error)) => return Some(Err(error)),
                }
            }
        }))
    }
}

fn without_history(what: &str) -> Error {
    Code::COMMAND_NOT_SUPPORTED
        .error(format!("{what} is not supported on collections that have no history"))
}
