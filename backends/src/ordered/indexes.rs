//! The entries of indexes over the rows.

use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use argon_core::Result;
use argon_core::model::{CollectionId, Head, Lsn, Timeline, TimelineId, View};
use argon_core::storage::{
    Append, BuildId, BuildStatus, Entry, EntryRange, EntryStream, IndexBuild, Indexes,
    StoredEntries, serving,
};
use async_trait::async_trait;
use bson::Document;

use crate::ordered::builds::{BuildTable, put_build};
use crate::ordered::cursor::SegmentRows;
use crate::ordered::engine::{Batch, Direction};
use crate::ordered::entry_scan::{EntryScan, EntrySegment, past_entries};
use crate::ordered::removal::Removal;
use crate::ordered::rows::Rows;
use crate::ordered::timelines::{Slot, TimelineTable};
use crate::ordered::wal::Log;
use crate::ordered::{Ordered, Parts, entries, keys, value};

/// How many keys are looked up on the calling thread; more are looked up on another thread.
const FEW: usize = 8;

#[async_trait]
impl Indexes for Ordered {
    async fn builds(&self, timeline: TimelineId) -> Result<Arc<[IndexBuild]>> {
        self.in_place(|parts| Ok(parts.indexes.timelines.slot(timeline)?.builds()))
    }

    async fn reserve(&self, count: u32) -> Result<BuildId> {
        self.run_write(move |parts| parts.indexes.builds.reserve(count)).await
    }

    async fn begin(
        &self,
        timeline: &Timeline,
        head: &Head,
        collection: CollectionId,
        definition: &Document,
    ) -> Result<BuildId> {
        let (timeline, head, definition) = (*timeline, *head, Arc::new(definition.clone()));
        self.run_write(move |parts| {
            let id = parts.indexes.builds.reserve(1)?;
            let build = IndexBuild {
                id,
                collection,
                definition,
                status: BuildStatus::Building,
                inherited: false,
                multikey: false,
            };
            parts.log.begin_build(timeline, head, build)?;
            Ok(id)
        })
        .await
    }

    async fn fill(
        &self,
        timeline: TimelineId,
        build: BuildId,
        from: Lsn,
        added: Vec<Entry>,
        removed: Vec<Entry>,
    ) -> Result<()> {
        self.run_write(move |parts| {
            let table = &parts.indexes;
            let entry = table.timelines.entry(timeline)?.ok_or_else(|| build.gone())?;
            let mut batch = Batch::new();
            entries::put_filled(&mut batch, entry.short, build, from, &added, &removed)?;
            table.rows.apply(batch)
        })
        .await
    }

    async fn complete(
        &self,
        timeline: &Timeline,
        build: BuildId,
        head: &Head,
        multikey: bool,
    ) -> Result<Append> {
        let (timeline, head) = (*timeline, *head);
        self.run_write(move |parts| parts.indexes.complete(timeline.id, build, head, multikey))
            .await
    }

    async fn close(&self, timeline: TimelineId, build: BuildId) -> Result<()> {
        self.run_write(move |parts| parts.indexes.close(timeline, build)).await
    }

    fn scan(
        &self,
        view: &View,
        build: BuildId,
        range: EntryRange,
        direction: argon_core::storage::Direction,
    ) -> EntryStream {
        let scan = EntryScan::new(view.clone(), build, range, direction.into());
        self.steps_after_a_small_one(scan, |parts, scan| scan.step(&parts.indexes))
    }

    async fn holders(&self, view: &View, build: BuildId, keys: Vec<Vec<u8>>) -> Result<Vec<Entry>> {
        let (view, few) = (view.clone(), keys.len() <= FEW);
        let read = move |parts: &Parts| parts.indexes.holders(&view, build, &keys);
        if few { self.in_place(read) } else { self.run(read).await }
    }

    async fn missing(
        &self,
        view: &View,
        build: BuildId,
        entries: Vec<Entry>,
    ) -> Result<Vec<Entry>> {
        let view = view.clone();
        self.run(move |parts| parts.indexes.missing(&view, build, entries)).await
    }

    async fn stored(&self, timeline: TimelineId, build: BuildId) -> Result<StoredEntries> {
        self.run(move |parts| parts.indexes.stored(timeline, build)).await
    }
}

/// The builds of indexes, and their entries.
pub(super) struct IndexTable {
    pub(super) rows: Arc<Rows>,
    pub(super) timelines: Arc<TimelineTable>,
    pub(super) builds: Arc<BuildTable>,
}

impl IndexTable {
    pub(super) fn new(
        rows: Arc<Rows>,
        timelines: Arc<TimelineTable>,
        builds: Arc<BuildTable>,
    ) -> Self {
        Self { rows, timelines, builds }
    }

    pub(super) fn head_of(&self, timeline: TimelineId) -> Result<Lsn> {
        Ok(self.timelines.entry(timeline)?.map_or(Lsn::ZERO, |entry| entry.state.head.lsn))
    }

    /// The segments of a view that have entries of a build, leaf first.
    ///
    /// # Errors
    /// `NotFound` if the build does not cover the view.
    pub(super) fn segments_of(&self, view: &View, build: BuildId) -> Result<Vec<EntrySegment>> {
        let mut found = Vec::new();
        for segment in view.segments() {
            let builds = self.timelines.slot(segment.timeline)?.builds();
            let known =
                serving(&builds, build, segment.upto).ok_or_else(|| build.not_covering())?;
            let rows = self.timelines.segment(segment)?;
            found.push(EntrySegment { rows, timeline: segment.timeline });
            if !known.inherited {
                break;
            }
        }
        Ok(found)
    }

    /// Entries with one of these ascending keys. Visits one row for each key at least; after a key
    /// without entries, all keys before the next row's are skipped.
    fn holders(&self, view: &View, build: BuildId, wanted: &[Vec<u8>]) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        for EntrySegment { rows: segment, timeline } in self.segments_of(view, build)? {
            self.holders_in(segment, build, wanted, &mut found)?;
            if self.head_of(timeline)? > segment.upto {
                for key in wanted {
                    self.past_holders(segment, build, key, &mut found)?;
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn holders_in(
        &self,
        segment: SegmentRows,
        build: BuildId,
        wanted: &[Vec<u8>],
        found: &mut Vec<Entry>,
    ) -> Result<()> {
        let prefix = keys::entries(segment.timeline, build);
        let end = keys::after_prefix(&prefix);
        let mut wanted = wanted;
        while let Some(first) = wanted.first() {
            let from = [&prefix[..], first].concat();
            let (mut failed, mut at_end) = (Ok(()), true);
            self.rows.engine().visit(&from, &end, Direction::Ascending, &mut |row, stored| {
                match entries::decode(row, &row[prefix.len()..], stored) {
                    Ok((entry, begin)) if entry.key == *first => {
                        if begin <= segment.upto {
                            found.push(entry);
                        }
                        return ControlFlow::Continue(());
                    }
                    // All keys up to this row's have no entries.
                    Ok((entry, _)) => {
                        let passed = wanted.partition_point(|key| *key < entry.key);
                        wanted = &wanted[passed.max(1)..];
                        at_end = false;
                    }
                    Err(error) => failed = Err(error),
                }
                ControlFlow::Break(())
            })?;
            failed?;
            if at_end {
                break;
            }
        }
        Ok(())
    }

    fn missing(&self, view: &View, build: BuildId, entries: Vec<Entry>) -> Result<Vec<Entry>> {
        let segments = self.segments_of(view, build)?;
        let mut missing = Vec::new();
        for entry in entries {
            let mut found = false;
            for segment in &segments {
                found |= self.has(segment, build, &entry)?;
            }
            if !found {
                missing.push(entry);
            }
        }
        Ok(missing)
    }

    fn has(&self, segment: &EntrySegment, build: BuildId, entry: &Entry) -> Result<bool> {
        let SegmentRows { timeline, upto, .. } = segment.rows;
        let engine = self.rows.engine();
        let prefix = keys::entries(timeline, build);
        let row = entries::row_key(&prefix, entry);
        if let Some(stored) = engine.get(&row)?
            && entries::decode(&row, &row[prefix.len()..], &stored)?.1 <= upto
        {
            return Ok(true);
        }
        let prefix = keys::past_entries(timeline, build);
        let from = entries::row_key(&prefix, entry);
        let to = keys::ending_at(from.clone(), Lsn::ZERO);
        let past = past_entries(engine, &prefix, from, &to, upto)?;
        Ok(past.iter().any(|(_, found)| found == entry))
    }

    fn past_holders(
        &self,
        segment: SegmentRows,
        build: BuildId,
        key: &[u8],
        found: &mut Vec<Entry>,
    ) -> Result<()> {
        let prefix = keys::past_entries(segment.timeline, build);
        let from = [&prefix[..], key].concat();
        let to = keys::after_prefix(&from);
        let entries = past_entries(self.rows.engine(), &prefix, from, &to, segment.upto)?;
        found.extend(entries.into_iter().map(|(_, entry)| entry).filter(|entry| entry.key == key));
        Ok(())
    }

    fn complete(
        &self,
        timeline: TimelineId,
        build: BuildId,
        head: Head,
        multikey: bool,
    ) -> Result<Append> {
        let slot = self.timelines.slot(timeline)?;
        let _writing = slot.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = slot.get() else { return Err(build.gone()) };
        if entry.state.sealed {
            return Ok(Append::Sealed(entry.state.head));
        }
        if entry.state.head != head {
            return Ok(Append::HeadMoved(entry.state.head));
        }
        self.change(&slot, entry.short, build, |known| {
            known.status = BuildStatus::Maintained { from: head.lsn };
            known.multikey |= multikey;
        })?;
        Ok(Append::Done)
    }

    fn close(&self, timeline: TimelineId, build: BuildId) -> Result<()> {
        let slot = self.timelines.slot(timeline)?;
        let _writing = slot.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = slot.get() else { return Ok(()) };
        match slot.builds().iter().find(|known| known.id == build) {
            None => Ok(()),
            Some(known) if known.status == BuildStatus::Building => {
                self.remove(&slot, entry.short, build)
            }
            Some(_) => self.change(&slot, entry.short, build, |known| {
                known.status = known.status.closed(entry.state.head.lsn);
            }),
        }
    }

    /// Changes the record of a build durably, then lets readers see it. The caller holds the lock.
    fn change(
        &self,
        slot: &Slot,
        timeline: keys::Short,
        build: BuildId,
        change: impl FnOnce(&mut IndexBuild),
    ) -> Result<()> {
        let mut builds = slot.builds().to_vec();
        let known =
            builds.iter_mut().find(|known| known.id == build).ok_or_else(|| build.gone())?;
        change(known);
        let mut batch = Batch::new();
        put_build(&mut batch, timeline, known)?;
        self.rows.apply(batch)?;
        slot.publish_builds(builds.into());
        Ok(())
    }

    /// Removes the entries of a build from a timeline, then its record. The caller holds the lock.
    pub(super) fn remove(&self, slot: &Slot, timeline: keys::Short, build: BuildId) -> Result<()> {
        let left = slot.builds().iter().filter(|known| known.id != build).cloned().collect();
        slot.publish_builds(left);
        let mut removal = Removal::new(&self.rows, false);
        for prefix in [keys::entries(timeline, build), keys::past_entries(timeline, build)] {
            let end = keys::after_prefix(&prefix);
            removal.rows_between(&(prefix, end), argon_core::storage::Reclaimed::default())?;
        }
        removal.flush()?;
        removal.row(keys::build(timeline, build));
        removal.finish().map(drop)
    }

    fn stored(&self, timeline: TimelineId, build: BuildId) -> Result<StoredEntries> {
        let Some(entry) = self.timelines.entry(timeline)? else {
            return Ok(StoredEntries::default());
        };
        let mut found = StoredEntries::default();
        let mut bytes = 0;
        let mut count = |prefix: Vec<u8>| -> Result<u64> {
            let (mut number, end) = (0, keys::after_prefix(&prefix));
            self.rows.engine().visit(&prefix, &end, Direction::Ascending, &mut |key, stored| {
                number += 1;
                bytes += (key.len() + value::size(stored)) as u64;
                ControlFlow::Continue(())
            })?;
            Ok(number)
        };
        found.held = count(keys::entries(entry.short, build))?;
        found.past = count(keys::past_entries(entry.short, build))?;
        Ok(StoredEntries { bytes, ..found })
    }
}

impl Log {
    /// Writes the record of a build that begins, and of its timeline if it is new.
    fn begin_build(&self, timeline: Timeline, head: Head, build: IndexBuild) -> Result<()> {
        let slot = self.timelines.slot(timeline.id)?;
        let _writing = slot.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::new();
        let (entry, mut builds) = match slot.get() {
            Some(entry) => (entry, slot.builds().to_vec()),
            None => self.new_timeline(&mut batch, timeline, head)?,
        };
        put_build(&mut batch, entry.short, &build)?;
        builds.push(build);
        self.rows.apply(batch)?;
        slot.publish(entry);
        slot.publish_builds(builds.into());
        Ok(())
    }
}
