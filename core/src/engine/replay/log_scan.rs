//! Reads of a log that does not fit into memory: passes over the log that keep only the requested
//! documents.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::engine::replay::cached_log::{DocumentPosition, Page, missing, weight};
use crate::model::{Change, CollectionId, Commit, Image, Lsn, Segment, Touched};
use crate::storage::{CommitStream, Direction, Wal};

/// The maximum number of commits that are read one by one instead of a whole range.
const FEW_COMMITS: usize = 32;

/// The number of concurrent reads of single commits.
const AT_ONCE: usize = 8;

/// Segments of a log, root first.
#[derive(Clone)]
pub(super) struct LogScan {
    wal: Arc<dyn Wal>,
    segments: Arc<[Segment]>,
    most_bytes: usize,
}

impl LogScan {
    /// Creates a scan of `segments`, which are root first. A page has at most `most_bytes`, or one
    /// document.
    pub(super) fn new(wal: Arc<dyn Wal>, segments: &[Segment], most_bytes: usize) -> Self {
        Self { wal, segments: segments.into(), most_bytes }
    }

    /// Returns the last changes of documents, whose keys are in ascending order. One pass over the
    /// headers, from the leaf down to the last document that is found.
    pub(super) async fn stamps(
        &self,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<(Lsn, bool)>>> {
        let mut found = vec![None; keys.len()];
        let mut unknown = keys.len();
        let mut commits = headers(&self.wal, &self.segments);
        let mut expected = self.segments.last().map_or(Lsn::ZERO, |leaf| leaf.upto);
        while unknown > 0 {
            let commit = match commits.try_next().await? {
                Some(commit) if commit.meta.lsn == expected => commit,
                None if expected == self.above() => break,
                _ => return Err(missing(expected)),
            };
            expected = expected.back(1).unwrap_or_default();
            for change in commit.changes.iter().filter(|change| change.collection == collection) {
                if let Ok(at) = keys.binary_search(&change.key)
                    && found[at].is_none()
                {
                    found[at] = Some((commit.meta.lsn, change.deleted));
                    unknown -= 1;
                }
            }
        }
        Ok(found)
    }

    /// Returns the last images of documents, whose keys are in ascending order: one pass over the
    /// headers, and then the commits that wrote them.
    pub(super) async fn images(
        &self,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<(Lsn, Image)>>> {
        let stamps = self.stamps(collection, keys).await?;
        let mut wanted: BTreeMap<Lsn, HashMap<&Key, usize>> = BTreeMap::new();
        let mut images = vec![None; keys.len()];
        for (at, stamp) in stamps.into_iter().enumerate() {
            match stamp {
                Some((lsn, true)) => images[at] = Some((lsn, Image::Deleted)),
                Some((lsn, false)) => {
                    wanted.entry(lsn).or_default().insert(&keys[at], at);
                }
                None => {}
            }
        }
        let lsns: Vec<Lsn> = wanted.keys().copied().collect();
        let mut commits = self.commits(lsns);
        while let Some(commit) = commits.try_next().await? {
            let lsn = commit.meta.lsn;
            let Some(wanted) = wanted.get(&lsn) else { continue };
            for change in commit.changes {
                if change.collection == collection
                    && let Some(at) = wanted.get(&change.key)
                {
                    images[*at] = Some((lsn, change.image));
                }
            }
        }
        // A commit whose header existed but that is missing now: it was collected in between.
        match wanted.iter().find(|(_, keys)| keys.values().any(|at| images[*at].is_none())) {
            Some((lsn, _)) => Err(missing(*lsn)),
            None => Ok(images),
        }
    }

    /// Returns the first changed documents between two positions with their last images: one pass
    /// over the log.
    pub(super) async fn page(
        &self,
        from: &Bound<DocumentPosition>,
        to: &Bound<DocumentPosition>,
    ) -> Result<Page> {
        let mut page: BTreeMap<DocumentPosition, (Lsn, Image, usize)> = BTreeMap::new();
        let mut bytes = 0;
        let mut more = false;
        let mut to = to.clone();
        let mut changes = self.changes();
        while let Some((lsn, change)) = changes.try_next().await? {
            let weight = weight(&change);
            let place = (change.collection, Some(change.key));
            if !after(from, &place) || !before(&place, &to) {
                continue;
            }
            bytes += weight;
            if let Some((_, _, replaced)) = page.insert(place, (lsn, change.image, weight)) {
                bytes -= replaced;
            }
            while bytes > self.most_bytes && page.len() > 1 {
                // A document that does not fit belongs to the next page, with all documents after
                // it.
                let Some((place, (_, _, weight))) = page.pop_last() else { break };
                bytes -= weight;
                to = Bound::Excluded(place);
                more = true;
            }
        }
        let page = page.into_iter().map(|(place, (lsn, image, _))| (place, (lsn, image)));
        Ok((page.collect(), more))
    }

    /// The position after which the segments begin.
    fn above(&self) -> Lsn {
        self.segments.first().map_or(Lsn::ZERO, |root| root.above)
    }

    /// All changes, oldest first. A segment with missing commits is an error: they may have been
    /// collected after its snapshot was chosen.
    fn changes(&self) -> BoxStream<'static, Result<(Lsn, Change)>> {
        let wal = self.wal.clone();
        stream::iter(self.segments.to_vec())
            .flat_map(move |segment| {
                let commits = wal.read(segment.timeline, segment.above.next()..=segment.upto);
                whole(commits, segment)
            })
            .map_ok(|commit| {
                let lsn = commit.meta.lsn;
                stream::iter(commit.changes.into_iter().map(move |change| Ok((lsn, change))))
            })
            .try_flatten()
            .boxed()
    }

    /// The commits at these positions, which are in ascending order, and perhaps others.
    fn commits(&self, lsns: Vec<Lsn>) -> BoxStream<'static, Result<Commit>> {
        if lsns.len() <= FEW_COMMITS {
            return single_commits(
                self.wal.clone(),
                self.segments.clone(),
                stream::iter(lsns.into_iter().map(Ok)),
            );
        }
        let (first, last) = (lsns[0], lsns[lsns.len() - 1]);
        let wal = self.wal.clone();
        stream::iter(self.segments.to_vec())
            .filter(move |segment| {
                std::future::ready(segment.above < last && first <= segment.upto)
            })
            .flat_map(move |segment| {
                let from = segment.above.next().max(first);
                wal.read(segment.timeline, from..=segment.upto.min(last))
            })
            .boxed()
    }
}

/// The commits of a segment, with an error instead of the first missing one.
fn whole(commits: CommitStream, segment: Segment) -> CommitStream {
    stream::try_unfold((commits, segment.above.next()), move |(mut commits, next)| async move {
        match commits.try_next().await? {
            Some(commit) if commit.meta.lsn == next => Ok(Some((commit, (commits, next.next())))),
            None if next > segment.upto => Ok(None),
            _ => Err(missing(next)),
        }
    })
    .boxed()
}

/// The commits of segments, which are root first, without their documents, newest first.
pub(super) fn headers(
    wal: &Arc<dyn Wal>,
    segments: &[Segment],
) -> BoxStream<'static, Result<Commit<Touched>>> {
    let (wal, segments) = (wal.clone(), segments.to_vec());
    stream::iter(segments.into_iter().rev())
        .flat_map(move |segment| {
            let range = segment.above.next()..=segment.upto;
            wal.read_headers(segment.timeline, range, Direction::Descending)
        })
        .boxed()
}

/// The commits at some positions of segments, in the order of the positions, with concurrent
/// requests.
pub(super) fn single_commits(
    wal: Arc<dyn Wal>,
    segments: Arc<[Segment]>,
    lsns: impl stream::Stream<Item = Result<Lsn>> + Send + 'static,
) -> BoxStream<'static, Result<Commit>> {
    lsns.map_ok(move |lsn| {
        let segment = segments.iter().find(|segment| segment.above < lsn && lsn <= segment.upto);
        let commits = segment.map(|segment| wal.read(segment.timeline, lsn..=lsn));
        async move {
            let Some(mut commits) = commits else { return Err(missing(lsn)) };
            commits.try_next().await?.ok_or_else(|| missing(lsn))
        }
    })
    .try_buffered(AT_ONCE)
    .boxed()
}

fn after(from: &Bound<DocumentPosition>, place: &DocumentPosition) -> bool {
    match from {
        Bound::Included(from) => from <= place,
        Bound::Excluded(from) => from < place,
        Bound::Unbounded => true,
    }
}

fn before(place: &DocumentPosition, to: &Bound<DocumentPosition>) -> bool {
    match to {
        Bound::Included(to) => place <= to,
        Bound::Excluded(to) => place < to,
        Bound::Unbounded => true,
    }
}
