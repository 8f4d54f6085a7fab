//! Reads from the versions of documents.

use std::ops::ControlFlow;
use std::sync::Arc;

use argon_core::Result;
use argon_core::key::Key;
use argon_core::model::{CollectionId, Image, Lsn, View};
use argon_core::storage::{KeyRange, Materialize, Predicate, Version, VersionStamp, VersionStream};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use crate::ordered::Ordered;
use crate::ordered::ancestry::Ancestries;
use crate::ordered::collections::CollectionNumbers;
use crate::ordered::cursor::SegmentRows;
use crate::ordered::engine::Direction;
use crate::ordered::keys::{self, Short};
use crate::ordered::rows::Rows;
use crate::ordered::scan::{History, STEP_BYTES, Scan};
use crate::ordered::timelines::TimelineTable;
use crate::ordered::value::{self, StoredImage};

/// How many keys are looked up on the calling thread; more are looked up on another thread.
const FEW: usize = 16;

/// How many rows a lookup of many keys skips before it seeks.
const PASSED_OVER: usize = 12;

#[async_trait]
impl Materialize for Ordered {
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>> {
        self.in_place(|parts| parts.index.get(view, collection, key))
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        if keys.len() <= FEW {
            return self.in_place(|parts| parts.index.get_many(view, collection, &keys));
        }
        let view = view.clone();
        self.run(move |parts| parts.index.get_many(&view, collection, &keys)).await
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>> {
        if keys.len() <= FEW {
            return self.in_place(|parts| parts.index.stamps(view, collection, &keys));
        }
        let view = view.clone();
        self.run(move |parts| parts.index.stamps(&view, collection, &keys)).await
    }

    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream {
        self.scan_of(view, collection, range, None)
    }

    fn scan_with(
        &self,
        view: &View,
        collection: CollectionId,
        range: KeyRange,
        predicate: Predicate,
    ) -> VersionStream {
        self.scan_of(view, collection, range, Some(predicate))
    }

    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>> {
        let Some(collection) = self.0.index.collections.find(collection) else {
            return stream::empty().boxed();
        };
        let history =
            History { view: view.clone(), collection, key: key.clone(), below: view.lsn().next() };
        self.steps(history, |parts, history| history.step(&parts.index))
    }
}

impl Ordered {
    fn scan_of(
        &self,
        view: &View,
        collection: CollectionId,
        range: KeyRange,
        predicate: Option<Predicate>,
    ) -> VersionStream {
        let Some(collection) = self.0.index.collections.find(collection) else {
            return stream::empty().boxed();
        };
        let (view, rows, failed) = (view.clone(), None, None);
        let scan = Scan { view, collection, range, predicate, rows, failed };
        self.steps_after_a_small_one(scan, |parts, scan| scan.step(&parts.index))
    }
}

/// The versions of all documents, which answer reads.
pub(super) struct VersionIndex {
    pub(super) rows: Arc<Rows>,
    pub(super) timelines: Arc<TimelineTable>,
    collections: Arc<CollectionNumbers>,
    ancestries: Ancestries,
}

impl VersionIndex {
    pub(super) fn new(
        rows: Arc<Rows>,
        timelines: Arc<TimelineTable>,
        collections: Arc<CollectionNumbers>,
    ) -> Self {
        let ancestries = Ancestries::new(rows.clone(), timelines.clone());
        Self { rows, timelines, collections, ancestries }
    }

    fn get(&self, view: &View, collection: CollectionId, key: &Key) -> Result<Option<Version>> {
        let Some(collection) = self.collections.find(collection) else { return Ok(None) };
        let [leaf, below @ ..] = view.segments() else { return Ok(None) };
        let newest = |segment| self.newest(segment, collection, key);
        let first_of = |segments: &mut dyn Iterator<Item = Result<SegmentRows>>| -> Result<_> {
            for segment in segments {
                if let Some(found) = newest(segment?)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        };
        let found = match newest(self.timelines.segment(leaf)?)? {
            Some(found) => Some(found),
            None => match self.ancestries.of(view, collection)? {
                Some(known) => first_of(&mut known.segments_of(key.as_bytes()).map(Ok))?,
                None => first_of(&mut below.iter().map(|segment| self.timelines.segment(segment)))?,
            },
        };
        Ok(found.and_then(|(lsn, image)| Some(Version { lsn, document: image.into_document()? })))
    }

    fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<Version>>> {
        keys.iter().map(|key| self.get(view, collection, key)).collect()
    }

    /// The newest image of a document in a segment.
    fn newest(
        &self,
        segment: SegmentRows,
        collection: Short,
        key: &Key,
    ) -> Result<Option<(Lsn, Image)>> {
        let mut from = keys::versions(segment.timeline, collection);
        let prefix = from.len();
        keys::put_version(&mut from, key.as_bytes(), segment.upto);
        let mut to = from.clone();
        keys::set_lsn(&mut to, segment.above);
        let mut found = None;
        self.rows.engine().visit(&from, &to, Direction::Ascending, &mut |full, value| {
            let lsn = keys::split_version(&full[prefix..]).map_or(Lsn::ZERO, |(_, lsn)| lsn);
            found = Some((lsn, StoredImage::of(full, value)));
            ControlFlow::Break(())
        })?;
        let Some((lsn, stored)) = found else { return Ok(None) };
        let at = || {
            keys::set_lsn(&mut from, lsn);
            from
        };
        Ok(Some((lsn, stored?.image(self.rows.engine(), at)?)))
    }

    /// The newest images of a document in a segment that are below `below`: at most `most`, and fewer
    /// if they are large, but at least one if one exists.
    pub(super) fn images(
        &self,
        segment: SegmentRows,
        collection: Short,
        key: &Key,
        below: Lsn,
        most: usize,
    ) -> Result<Vec<(Lsn, Image)>> {
        let prefix = keys::versions(segment.timeline, collection);
        let upto = segment.upto.min(below.back(1).unwrap_or_default());
        let from = keys::version(&prefix, key.as_bytes(), upto);
        let to = keys::version(&prefix, key.as_bytes(), segment.above);
        let mut rows: Vec<(Lsn, Result<StoredImage>)> = Vec::with_capacity(most.min(8));
        let mut bytes = 0;
        if from < to {
            self.rows.engine().visit(&from, &to, Direction::Ascending, &mut |full, value| {
                let lsn =
                    keys::split_version(&full[prefix.len()..]).map_or(Lsn::ZERO, |(_, lsn)| lsn);
                rows.push((lsn, StoredImage::of(full, value)));
                bytes += value::size(value);
                let more = rows.len() < most && bytes < STEP_BYTES;
                if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        rows.into_iter()
            .map(|(lsn, stored)| {
                let at = || keys::version(&prefix, key.as_bytes(), lsn);
                Ok((lsn, stored?.image(self.rows.engine(), at)?))
            })
            .collect()
    }

    fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<VersionStamp>>> {
        let mut found = vec![StampLookup::Unknown; keys.len()];
        if let Some(collection) = self.collections.find(collection) {
            let ancestry = self.ancestries.of(view, collection)?;
            for (at, segment) in view.segments().iter().enumerate() {
                let may_hold = |key: &Key| match (&ancestry, at.checked_sub(1)) {
                    (Some(ancestry), Some(below)) => ancestry.may_hold(below, key.as_bytes()),
                    _ => true,
                };
                let unknown = (0..keys.len())
                    .filter(|at| matches!(found[*at], StampLookup::Unknown) && may_hold(&keys[*at]))
                    .collect::<Vec<_>>();
                if !unknown.is_empty() {
                    let segment = self.timelines.segment(segment)?;
                    self.stamps_in(segment, collection, keys, unknown, &mut found)?;
                }
            }
        }
        Ok(found.into_iter().map(StampLookup::stamp).collect())
    }

    /// Fills in the stamps of the `unknown` keys that a segment has. Walks keys and rows side by side, and
    /// seeks only past runs of rows that no key needs.
    fn stamps_in(
        &self,
        segment: SegmentRows,
        collection: Short,
        keys: &[Key],
        unknown: Vec<usize>,
        found: &mut [StampLookup],
    ) -> Result<()> {
        let prefix = keys::versions(segment.timeline, collection);
        let end = keys::after_prefix(&prefix);
        let mut wanted = unknown.into_iter().peekable();
        while let Some(&first) = wanted.peek() {
            let from = keys::version(&prefix, keys[first].as_bytes(), segment.upto);
            let mut passed_over = 0;
            let mut exhausted = true;
            self.rows.engine().visit(&from, &end, Direction::Ascending, &mut |full, value| {
                let Some((key, lsn)) = keys::split_version(&full[prefix.len()..]) else {
                    return ControlFlow::Continue(());
                };
                while wanted.next_if(|at| keys[*at].as_bytes() < key).is_some() {
                    passed_over = 0;
                }
                let Some(&at) = wanted.peek() else { return ControlFlow::Break(()) };
                let inside = segment.above < lsn && lsn <= segment.upto;
                if keys[at].as_bytes() == key && inside {
                    found[at] = if value.is_empty() {
                        StampLookup::Deleted
                    } else {
                        StampLookup::Found(VersionStamp { lsn })
                    };
                    wanted.next();
                    passed_over = 0;
                }
                passed_over += 1;
                if passed_over < PASSED_OVER {
                    return ControlFlow::Continue(());
                }
                exhausted = false;
                ControlFlow::Break(())
            })?;
            if exhausted {
                break;
            }
        }
        Ok(())
    }
}

/// The state of a document in the segments that were read so far.
#[derive(Clone, Copy)]
enum StampLookup {
    Unknown,
    Found(VersionStamp),
    Deleted,
}

impl StampLookup {
    fn stamp(self) -> Option<VersionStamp> {
        match self {
            StampLookup::Found(stamp) => Some(stamp),
            StampLookup::Unknown | StampLookup::Deleted => None,
        }
    }
}
