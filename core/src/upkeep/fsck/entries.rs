//! Compares the entries of indexes with documents.

use std::collections::BTreeSet;

use futures::TryStreamExt;

use super::{Check, Problem};
use crate::document::Index;
use crate::document::key::Key;
use crate::engine::index::compile;
use crate::model::View;
use crate::storage::{Direction, Entry, EntryRange, IndexBuild, Indexes, KeyRange};
use crate::{Error, Result};

/// How many entries are compared at a time.
const BATCH: usize = 1_000;

/// How many entries of one index are repaired at most in one run; more are left to a new build.
const MOST_REPAIRED: usize = 100_000;

/// The entries that differ from the documents of a state.
#[derive(Default)]
struct Difference {
    missing: Vec<Entry>,
    outdated: Vec<Entry>,
}

impl Check<'_> {
    /// Compares the entries of every branch with its documents, and writes those that are missing if
    /// the check repairs.
    pub(super) async fn entries(&mut self) -> Result<()> {
        let shared = &self.store.shared;
        let Some(indexes) = shared.backend.indexes.clone() else { return Ok(()) };
        let states: Vec<(String, View)> =
            self.readers.iter().map(|reader| (reader.name.clone(), reader.view.clone())).collect();
        let mut seen = BTreeSet::new();
        for (name, view) in states {
            let Some(point) = view.point().filter(|point| seen.insert(*point)) else { continue };
            for build in indexes.builds(point.timeline).await?.iter() {
                if !build.status.covers(point.lsn) {
                    continue;
                }
                self.report.indexes += 1;
                match self.compare(&*indexes, &view, build).await {
                    Ok(difference) => {
                        self.report_difference(&*indexes, &name, &view, build, difference).await;
                    }
                    Err(error) => {
                        let what = format!("{}: {}", title(build), error.in_full());
                        self.problem(what, vec![name.clone()]);
                    }
                }
            }
        }
        Ok(())
    }

    async fn compare(
        &self,
        indexes: &dyn Indexes,
        view: &View,
        build: &IndexBuild,
    ) -> Result<Difference> {
        let index = compile(&build.definition)?;
        let mut difference = Difference::default();
        let materialize = &self.store.shared.materialize;
        let mut rows = materialize.scan(view, build.collection, KeyRange::default());
        let mut batch = Vec::with_capacity(BATCH);
        while let Some((id, version)) = rows.try_next().await? {
            let keys = index.entries_of(version.document.as_raw())?.keys;
            batch.extend(keys.into_iter().map(|key| Entry { key, id: id.clone() }));
            if batch.len() >= BATCH {
                let entries = std::mem::take(&mut batch);
                difference.missing.extend(indexes.missing(view, build.id, entries).await?);
            }
        }
        difference.missing.extend(indexes.missing(view, build.id, batch).await?);
        // Entries of an earlier timeline may be outdated by right.
        if !build.inherited {
            self.outdated(indexes, view, build, &index, &mut difference.outdated).await?;
        }
        Ok(difference)
    }

    /// Adds the entries that are of no document.
    async fn outdated(
        &self,
        indexes: &dyn Indexes,
        view: &View,
        build: &IndexBuild,
        index: &Index,
        found: &mut Vec<Entry>,
    ) -> Result<()> {
        let range = EntryRange { from: Vec::new(), to: None };
        let entries = indexes.scan(view, build.id, range, Direction::Ascending);
        let mut batches = std::pin::pin!(entries.try_ready_chunks(BATCH));
        while let Some(entries) = batches.try_next().await.map_err(|error| error.1)? {
            let ids: BTreeSet<Key> = entries.iter().map(|entry| entry.id.clone()).collect();
            let ids: Vec<Key> = ids.into_iter().collect();
            let materialize = &self.store.shared.materialize;
            let documents = materialize.get_many(view, build.collection, ids.clone()).await?;
            for entry in entries {
                let at = ids.binary_search(&entry.id).unwrap_or_default();
                let has = match documents.get(at).and_then(Option::as_ref) {
                    Some(version) => {
                        index.entries_of(version.document.as_raw())?.keys.contains(&entry.key)
                    }
                    None => false,
                };
                if !has {
                    found.push(entry);
                }
            }
        }
        Ok(())
    }

    async fn report_difference(
        &mut self,
        indexes: &dyn Indexes,
        name: &str,
        view: &View,
        build: &IndexBuild,
        difference: Difference,
    ) {
        let (missing, outdated) = (difference.missing.len(), difference.outdated.len());
        if missing + outdated == 0 {
            return;
        }
        let what = format!(
            "{}: {missing} entries are missing and {outdated} are of no document",
            title(build)
        );
        let repaired = self.rebuild
            && missing + outdated <= MOST_REPAIRED
            && self.repair(indexes, view, build, difference).await.is_ok();
        self.report.problems.push(Problem { what, affects: vec![name.to_owned()], repaired });
    }

    /// Writes missing entries and removes outdated ones, unless the branch was written to since.
    async fn repair(
        &self,
        indexes: &dyn Indexes,
        view: &View,
        build: &IndexBuild,
        difference: Difference,
    ) -> Result<()> {
        let point = view.point().ok_or_else(|| Error::internal("an empty state has an index"))?;
        let state = self.store.shared.backend.wal.state(point.timeline).await?;
        if state.is_none_or(|state| state.head.lsn != point.lsn) {
            return Err(Error::conflict("the branch was written to during the check"));
        }
        let Difference { missing, outdated } = difference;
        // The states before have lost these entries: none of them is older than the index.
        let from = match build.status {
            crate::storage::BuildStatus::Maintained { from } => from,
            _ => point.lsn,
        };
        indexes.fill(point.timeline, build.id, from, missing, outdated).await
    }
}

fn title(build: &IndexBuild) -> String {
    let key = build.definition.get("key").map(ToString::to_string).unwrap_or_default();
    format!("the index {key} of collection {}", build.collection)
}
