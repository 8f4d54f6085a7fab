//! Runs plans.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::key::Key;
use argon_core::storage::{KeyRange, Predicate, Version};
use argon_core::{CollectionView, Error, Result};
use bson::raw::RawDocument;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt, future};

use super::index_scan::{self, RangeEntries};
use super::{IndexSource, Plan};
use crate::find::Access;
use crate::sort::SortPattern;

/// The most `_id`s of one lookup.
const LOOKUP: usize = 256;

/// What a plan reads, and how. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    /// The collection.
    pub view: CollectionView,
    /// The indexes for which the plan was made.
    pub source: Option<Arc<dyn IndexSource>>,
    /// The filter, which is evaluated on each document.
    pub predicate: Option<Predicate>,
    /// The sort that the plan provides, if it does.
    pub sort: Option<SortPattern>,
    /// Counts what is read.
    pub counters: Arc<Counters>,
}

impl Reader {
    pub(super) fn matches(&self, document: &RawDocument) -> Result<bool> {
        self.predicate.as_ref().map_or(Ok(true), |predicate| predicate(document))
    }

    /// The same predicate, counting the documents.
    fn counted(&self, predicate: &Predicate) -> Predicate {
        let (predicate, counters) = (predicate.clone(), self.counters.clone());
        Arc::new(move |document| {
            counters.add_documents(1);
            predicate(document)
        })
    }
}

/// The entries and documents that a plan has read.
#[derive(Debug, Default)]
pub struct Counters {
    exact: bool,
    keys: AtomicU64,
    documents: AtomicU64,
    plans: Mutex<Vec<String>>,
}

impl Counters {
    /// Counters of a query that reads only what its answer takes.
    #[must_use]
    pub fn exact() -> Self {
        Self { exact: true, ..Self::default() }
    }

    /// The number of entries of indexes.
    pub fn keys(&self) -> u64 {
        self.keys.load(Ordering::Relaxed)
    }

    /// The number of documents, also those that did not match. Unless the counters are
    /// [exact](Self::exact), a scan also counts what it reads ahead, and versions that the state hides.
    pub fn documents(&self) -> u64 {
        self.documents.load(Ordering::Relaxed)
    }

    /// The plans by which was read, as MongoDB's log has them: `COLLSCAN`, or `IXSCAN { a: 1 }, IXSCAN { b: 1 }`.
    /// Empty if no collection was read.
    pub fn plan_summary(&self) -> String {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).join(", ")
    }

    /// Notes by which plan is read.
    pub(crate) fn add_plan(&self, summary: String) {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if !plans.contains(&summary) {
            plans.push(summary);
        }
    }

    pub(super) fn add_keys(&self, count: usize) {
        self.keys.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn add_documents(&self, count: usize) {
        self.documents.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// Returns the documents that match, each with the commit that last changed it: in the order of
/// their `_id`s, of the entries of the index, or of insertion if a capped collection is scanned. Memory is bounded, but for the `_id`s of a plan of
/// several indexes, and for documents whose cut keys have a common prefix.
pub fn read(plan: &Plan, reader: &Reader) -> BoxStream<'static, Result<(Key, Version)>> {
    match plan {
        Plan::IdPoints(keys) => matching(points(reader.view.clone(), keys), reader),
        Plan::IdRange(access) => matching(scan(&reader.view, access.clone()), reader),
        Plan::CollectionScan { direction, .. } if reader.view.info().capped().is_some() => {
            matching(reader.view.in_insertion_order(*direction), reader)
        }
        Plan::CollectionScan { .. } => match &reader.predicate {
            Some(predicate) if !reader.counters.exact => {
                reader.view.scan_with(reader.counted(predicate))
            }
            _ => matching(reader.view.scan_range(KeyRange::default()), reader),
        },
        Plan::IndexScan(scan) => index_scan::read(scan, reader.clone()),
        Plan::Or(plans) => {
            let reader = Reader { sort: None, ..reader.clone() };
            let parts = plans.clone().into_iter().map(move |plan| read(&plan, &reader));
            let mut known = HashSet::new();
            stream::iter(parts)
                .flatten()
                .try_filter(move |(key, _)| future::ready(known.insert(key.clone())))
                .boxed()
        }
    }
}

/// Returns the number of documents that match: from the entries alone, if these are exact.
///
/// # Errors
/// See [`read`].
pub async fn count(plan: &Plan, reader: &Reader) -> Result<u64> {
    if let (Plan::IndexScan(scan), Some(source)) = (plan, &reader.source)
        && scan.covers_filter
        && source.exact()
    {
        let (mut entries, mut count) = (RangeEntries::of(scan), 0);
        while entries.next(scan, &**source).await?.is_some() {
            count += 1;
        }
        reader.counters.keys.fetch_add(count, Ordering::Relaxed);
        return Ok(count);
    }
    read(plan, reader).try_fold(0, |count, _| future::ok(count + 1)).await
}

/// Keeps the documents that match.
fn matching(
    rows: BoxStream<'static, Result<(Key, Version)>>,
    reader: &Reader,
) -> BoxStream<'static, Result<(Key, Version)>> {
    let reader = reader.clone();
    rows.try_filter_map(move |(key, version)| {
        reader.counters.add_documents(1);
        let matches = reader.matches(version.document.as_raw());
        future::ready(matches.map(|matches| matches.then_some((key, version))))
    })
    .boxed()
}

fn points(collection: CollectionView, keys: &[Key]) -> BoxStream<'static, Result<(Key, Version)>> {
    let lookups: Vec<_> = keys.chunks(LOOKUP).map(<[Key]>::to_vec).collect();
    let found = stream::iter(lookups).then(move |keys| {
        let collection = collection.clone();
        async move {
            let versions = collection.versions(keys.clone()).await?;
            let found = keys.into_iter().zip(versions);
            Ok::<_, Error>(stream::iter(
                found.filter_map(|(key, version)| Some(Ok((key, version?)))),
            ))
        }
    });
    found.try_flatten().boxed()
}

fn scan(collection: &CollectionView, access: Access) -> BoxStream<'static, Result<(Key, Version)>> {
    let rows = collection.scan_range(access.range());
    rows.try_take_while(move |(key, _)| future::ok(!access.is_before(key))).boxed()
}
