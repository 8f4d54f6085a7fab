//! The removal of rows in batches.

use std::ops::ControlFlow;

use argon_core::Result;
use argon_core::storage::{IndexBuild, Reclaimed, RetainedStates};

use crate::ordered::engine::{Batch, Direction, Write};
use crate::ordered::rows::Rows;
use crate::ordered::timelines::Entry;
use crate::ordered::versions::{Version, Versions};
use crate::ordered::{entries, keys, value};

/// About how many rows one batch removes.
const BATCH: usize = 4096;

/// The count of a removed row, besides its bytes.
pub(super) const COMMIT: Reclaimed = Reclaimed { versions: 0, commits: 1, chunks: 0, bytes: 0 };
pub(super) const CHUNK: Reclaimed = Reclaimed { versions: 0, commits: 0, chunks: 1, bytes: 0 };

/// A removal in progress.
pub(super) struct Removal<'a> {
    rows: &'a Rows,
    dry_run: bool,
    /// Removed first.
    batch: Batch,
    /// Deletions, removed after `batch`: until then they hide some of its versions.
    deletions: Batch,
    freed: Reclaimed,
}

impl<'a> Removal<'a> {
    pub(super) fn new(rows: &'a Rows, dry_run: bool) -> Self {
        let freed = Reclaimed::default();
        Self { rows, dry_run, batch: Vec::new(), deletions: Vec::new(), freed }
    }

    /// Adds a row that does not count.
    pub(super) fn row(&mut self, key: Vec<u8>) {
        self.batch.push(Write::Remove { key });
    }

    /// Adds the versions of a timeline that neither a retained state nor a commit above the floor
    /// needs.
    pub(super) fn versions(&mut self, entry: &Entry, keep: &RetainedStates) -> Result<()> {
        let floor = entry.state.floor;
        let is_root = entry.state.timeline.base.is_none();
        let mut versions = Versions::of(entry.short);
        // Deletions of one document that hide nothing unless an older version of it is retained.
        let mut hiding: Vec<Version> = Vec::new();
        loop {
            let step = versions.step(self.rows.engine())?;
            if step.is_empty() {
                break;
            }
            for version in step {
                if version.newest {
                    self.take_deletions(&mut hiding);
                }
                let listed = version.written > floor;
                if listed || keep.needs(version.written, version.replaced) {
                    if version.deleted && is_root && !listed {
                        hiding.push(version);
                    } else {
                        hiding.clear();
                    }
                } else {
                    self.count(Reclaimed {
                        versions: 1,
                        bytes: version.bytes,
                        ..Reclaimed::default()
                    });
                    take(&mut self.batch, &version.key, version.parts);
                }
            }
            if self.batch.len() + self.deletions.len() >= BATCH {
                self.flush()?;
            }
        }
        self.take_deletions(&mut hiding);
        self.flush()
    }

    fn take_deletions(&mut self, hiding: &mut Vec<Version>) {
        for deletion in hiding.drain(..) {
            self.count(Reclaimed { versions: 1, bytes: deletion.bytes, ..Reclaimed::default() });
            take(&mut self.deletions, &deletion.key, 0);
        }
    }

    /// Adds all rows of a range, each of which counts as `each`.
    pub(super) fn rows_between(
        &mut self,
        range: &(Vec<u8>, Vec<u8>),
        each: Reclaimed,
    ) -> Result<()> {
        self.rows_where(range, each, |_, _| true)
    }

    /// Adds the rows of a range that are `wanted` by key and value, each of which counts as `each`.
    pub(super) fn rows_where(
        &mut self,
        (from, to): &(Vec<u8>, Vec<u8>),
        each: Reclaimed,
        wanted: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        let mut from = from.clone();
        loop {
            let mut found: Vec<(Vec<u8>, u16, usize)> = Vec::new();
            let engine = self.rows.engine();
            engine.visit(&from, to, Direction::Ascending, &mut |key, stored| {
                if !wanted(key, stored) {
                    return ControlFlow::Continue(());
                }
                found.push((key.to_vec(), value::parts(stored), value::size(stored)));
                if found.len() < BATCH { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            let Some((last, ..)) = found.last() else { return Ok(()) };
            from = [&last[..], &[0]].concat();
            for (key, parts, bytes) in found {
                self.count(Reclaimed { bytes: (key.len() + bytes) as u64, ..each });
                take(&mut self.batch, &key, parts);
            }
            if self.batch.len() >= BATCH {
                self.flush()?;
            }
        }
    }

    /// Adds the entries of indexes that no retained state of a timeline needs, and the builds whose
    /// last state is not retained.
    pub(super) fn entries(
        &mut self,
        entry: &Entry,
        builds: &[IndexBuild],
        keep: &RetainedStates,
    ) -> Result<()> {
        for build in builds {
            let past = keys::past_entries(entry.short, build.id);
            let (prefix, end) = (past.len(), keys::after_prefix(&past));
            if build.status.is_needed(keep) {
                self.rows_where(&(past, end), Reclaimed::default(), |row, stored| {
                    let span = keys::split_version(row).and_then(|(whole, to)| {
                        Some((entries::decode(row, whole.get(prefix..)?, stored).ok()?.1, to))
                    });
                    // A malformed row is left for the check of the store.
                    span.is_some_and(|(from, to)| !keep.needs(from, Some(to)))
                })?;
                continue;
            }
            self.rows_between(&(past, end), Reclaimed::default())?;
            let held = keys::entries(entry.short, build.id);
            let end = keys::after_prefix(&held);
            self.rows_between(&(held, end), Reclaimed::default())?;
            self.flush()?;
            self.row(keys::build(entry.short, build.id));
        }
        self.flush()
    }

    fn count(&mut self, freed: Reclaimed) {
        self.freed += freed;
    }

    /// Removes the rows that were added so far.
    pub(super) fn flush(&mut self) -> Result<()> {
        for batch in [std::mem::take(&mut self.batch), std::mem::take(&mut self.deletions)] {
            if !self.dry_run && !batch.is_empty() {
                self.rows.apply(batch)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Reclaimed> {
        self.flush()?;
        Ok(self.freed)
    }
}

/// Adds the removal of a row and of the parts of its value.
fn take(batch: &mut Batch, key: &[u8], parts: u16) {
    batch.extend((0..parts).map(|number| Write::Remove { key: keys::part(key, number) }));
    batch.push(Write::Remove { key: key.to_vec() });
}
