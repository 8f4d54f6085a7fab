//! Collections of a state below the writes of a transaction.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use argon_core::Result;
use argon_core::key::Key;
use argon_core::model::CollectionName;
use async_trait::async_trait;
use bson::{Document as Definition, RawDocument};
use futures::{StreamExt, TryStreamExt, stream};

use super::staged::{Staged, Writes, in_order};
use crate::find::Selection;
use crate::pipeline::{
    Collection, Collections, HistoryRequest, ReadRequest, ReadRows, Row, Rows, StateCollections,
};
use crate::plan::{Direction, Hint};
use crate::value::malformed;

/// The collections of a state, with the writes of a transaction.
pub(super) struct OverlayCollections {
    pub(super) base: StateCollections,
    pub(super) writes: BTreeMap<CollectionName, Arc<Writes>>,
}

/// A collection of which a transaction has written documents.
struct OverlayCollection {
    base: Arc<dyn Collection>,
    writes: Arc<Writes>,
}

#[async_trait]
impl Collections for OverlayCollections {
    async fn open(&self, name: &str, revision: Option<&str>) -> Result<Arc<dyn Collection>> {
        let base = self.base.open(name, revision).await?;
        let writes = CollectionName::new(name).ok().and_then(|name| self.writes.get(&name));
        match writes {
            Some(writes) if revision.is_none() => {
                Ok(Arc::new(OverlayCollection { base, writes: writes.clone() }))
            }
            _ => Ok(base),
        }
    }

    async fn history(&self, collection: &str, request: &HistoryRequest) -> Result<Rows> {
        self.base.history(collection, request).await
    }

    async fn diff(&self, collection: &str, from: &str, to: Option<&str>) -> Result<Rows> {
        self.base.diff(collection, from, to).await
    }
}

#[async_trait]
impl Collection for OverlayCollection {
    /// The order of an index is not that in which the written documents are put between.
    fn read(&self, request: ReadRequest<'_>) -> Result<ReadRows> {
        let (is_sorted, filter) = (request.sort.is_none(), request.filter.clone());
        let natural = match request.hint {
            Some(Hint::Natural(direction)) => Some(*direction),
            _ => self.is_capped().then_some(Direction::Ascending),
        };
        let Some(direction) = natural else {
            let request = ReadRequest { sort: None, limit: None, ..request };
            let rows = self.merged(self.base.read(request)?.rows, filter);
            return Ok(ReadRows { rows, is_sorted, is_reversed: false });
        };
        self.plan(&request)?;
        let is_reversed = self.is_capped() && direction == Direction::Descending;
        let rows = self.scan(filter);
        let rows = if is_reversed { reversed(rows) } else { rows };
        Ok(ReadRows { rows, is_sorted, is_reversed })
    }

    fn is_capped(&self) -> bool {
        self.base.is_capped()
    }

    /// A written document of a capped collection keeps its place, even if what is stored there does not match.
    fn scan(&self, filter: Option<Selection>) -> Rows {
        let of_base = filter.clone().filter(|_| !self.is_capped());
        self.merged(self.base.scan(of_base), filter)
    }

    fn indexes(&self) -> Vec<Definition> {
        self.base.indexes()
    }
}

impl OverlayCollection {
    /// Puts the written documents that match between stored ones.
    fn merged(&self, batches: Rows, filter: Option<Selection>) -> Rows {
        let is_capped = self.is_capped();
        let merge = Merge { writes: self.writes.clone(), filter, upto: None, is_capped };
        let merged = stream::try_unfold(Some((batches, merge)), |state| async move {
            let Some((mut batches, mut merge)) = state else { return Ok(None) };
            match batches.try_next().await? {
                Some(batch) => Ok(Some((merge.batch(batch)?, Some((batches, merge))))),
                None => Ok(Some((merge.rest()?, None))),
            }
        });
        merged.try_filter(|batch| std::future::ready(!batch.is_empty())).boxed()
    }
}

/// Puts the written documents between stored ones: by `_id`, or by insertion in a capped collection.
struct Merge {
    writes: Arc<Writes>,
    filter: Option<Selection>,
    /// The last `_id` whose written document is out.
    upto: Option<Key>,
    /// Whether the order is that of insertion.
    is_capped: bool,
}

impl Merge {
    fn batch(&mut self, batch: Vec<Row>) -> Result<Vec<Row>> {
        let mut merged = Vec::with_capacity(batch.len());
        for row in batch {
            let id = row.as_raw().get("_id").map_err(malformed)?;
            let Some(key) = id.map(Key::of_id).transpose()? else { continue };
            if self.is_capped {
                self.in_place(&key, row, &mut merged)?;
                continue;
            }
            self.before(Bound::Excluded(&key), &mut merged)?;
            if !self.writes.contains_key(&key) {
                merged.push(row);
            }
        }
        Ok(merged)
    }

    /// Adds a stored document, or what is written in its place.
    fn in_place(&self, key: &Key, row: Row, rows: &mut Vec<Row>) -> Result<()> {
        match self.writes.get(key) {
            Some(staged) => self.add(staged, rows)?,
            None if self.matches(row.as_raw())? => rows.push(row),
            None => {}
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<Vec<Row>> {
        let mut rest = Vec::new();
        if self.is_capped {
            let inserted = self.writes.iter().filter(|(_, staged)| staged.read.is_none());
            for (_, staged) in in_order(inserted.map(|(key, staged)| (key, staged.clone()))) {
                self.add(&staged, &mut rest)?;
            }
        } else {
            self.before(Bound::Unbounded, &mut rest)?;
        }
        Ok(rest)
    }

    /// Adds the written documents that follow the last one, up to a stored one.
    fn before(&mut self, end: Bound<&Key>, rows: &mut Vec<Row>) -> Result<()> {
        let start = self.upto.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        // Stored rows are not in the order of their `_id`s where an index of another field is read.
        if let (Bound::Excluded(start), Bound::Excluded(end)) = (start, end)
            && start >= end
        {
            return Ok(());
        }
        let writes = self.writes.clone();
        for (key, staged) in writes.range::<Key, _>((start, end)) {
            self.add(staged, rows)?;
            self.upto = Some(key.clone());
        }
        Ok(())
    }

    /// Adds a written document, if it matches.
    fn add(&self, staged: &Staged, rows: &mut Vec<Row>) -> Result<()> {
        if let Some(document) = &staged.after
            && self.matches(document.as_raw())?
        {
            rows.push(Row::Stored(document.clone()));
        }
        Ok(())
    }

    fn matches(&self, document: &RawDocument) -> Result<bool> {
        self.filter.as_ref().map_or(Ok(true), |all| all.matches(document))
    }
}

fn reversed(rows: Rows) -> Rows {
    let all = async move {
        let mut rows: Vec<Row> = rows.try_concat().await?;
        rows.reverse();
        Ok(rows)
    };
    stream::once(all).boxed()
}
