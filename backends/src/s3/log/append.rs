//! Appends and seals: each is one write under the name that follows the head, on condition that the
//! name is free.

use std::sync::Arc;

use argon_core::model::{Commit, Head, Lsn, Timeline};
use argon_core::segment::{self, SegmentMeta};
use argon_core::storage::{Append, TimelineState};
use argon_core::{Error, ErrorKind, Result};
use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::s3::condition::PutCondition;
use crate::s3::log::compaction::Compactor;
use crate::s3::log::contents::{SegmentReader, WHOLE_FOR_HEADERS};
use crate::s3::log::fence::Fence;
use crate::s3::log::heads::{Heads, KnownHead, MOST_ROUNDS, TimelineMemory, too_fast};
use crate::s3::log::segment_index::{Listing, SegmentIndex, SegmentLocation};
use crate::s3::names;
use crate::s3::put::{Put, Write};
use crate::s3::store::{S3Store, compute};

/// Up to this many bytes of documents a segment is encoded on the current thread: a hand-over to another
/// one costs more.
const SMALL_BYTES: usize = 32 * 1024;

/// A segment that will follow a head: commits, or a seal, which has none.
struct NextSegment {
    timeline: Timeline,
    expected: Head,
    commits: Arc<[Commit]>,
    level: i32,
    /// The encoded segment. It is encoded once the head is known to be the expected one.
    bytes: OnceCell<Bytes>,
}

impl NextSegment {
    /// The head after it.
    fn head(&self) -> Head {
        self.commits.last().map_or(self.expected, Commit::head)
    }

    fn seals(&self) -> bool {
        self.commits.is_empty()
    }

    fn first(&self) -> Lsn {
        self.expected.lsn.next()
    }

    async fn bytes(&self) -> Result<&Bytes> {
        let make = || async {
            let (timeline, before, sealed) = (self.timeline, self.expected, self.seals());
            let meta = SegmentMeta { timeline, before, sealed };
            let (commits, level) = (self.commits.clone(), self.level);
            if commits.iter().map(Commit::document_bytes).sum::<usize>() <= SMALL_BYTES {
                return segment::encode(&meta, &commits, level).map(Bytes::from);
            }
            compute(move || segment::encode(&meta, &commits, level).map(Bytes::from)).await
        };
        self.bytes.get_or_try_init(make).await
    }
}

/// Appends commits and seals.
pub(in crate::s3) struct LogWriter {
    pub(super) store: Arc<S3Store>,
    pub(super) heads: Arc<Heads>,
    pub(super) index: Arc<SegmentIndex>,
    pub(super) segments: Arc<SegmentReader>,
    pub(super) compactor: Arc<Compactor>,
    pub(super) fence: Fence,
}

impl LogWriter {
    /// [`Wal::append`](argon_core::storage::Wal::append).
    pub(in crate::s3) async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
    ) -> Result<Append> {
        let next_segment = self.next_segment(timeline, expected, commits);
        let answer = self.append_after(&next_segment).await?;
        if answer == Append::Done {
            self.compactor.appended(timeline.id, *expected, next_segment.head());
        }
        Ok(answer)
    }

    /// [`Wal::seal`](argon_core::storage::Wal::seal).
    pub(in crate::s3) async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        match self.append_after(&self.next_segment(timeline, expected, Arc::new([]))).await? {
            Append::Sealed(head) if head == *expected => Ok(Append::Done),
            answer => Ok(answer),
        }
    }

    fn next_segment(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
    ) -> NextSegment {
        let level = self.store.bucket.settings.snapshots.level;
        let (timeline, expected) = (*timeline, *expected);
        NextSegment { timeline, expected, commits, level, bytes: OnceCell::new() }
    }

    /// Writes the segment if the head is the one that it follows.
    async fn append_after(&self, next_segment: &NextSegment) -> Result<Append> {
        let memory = self.heads.of(next_segment.timeline.id);
        let _writing = memory.writing.lock().await;
        let began = self.fence.now();
        let remembered = memory.head().filter(|known| self.fence.may_send(known.asked));
        let (mut known, mut asked_now) = match remembered {
            Some(known) => (known, false),
            None => (self.heads.ask(next_segment.timeline.id, &memory).await?, true),
        };
        for _ in 0..MOST_ROUNDS {
            if let Some(refusal) = refusal(&known, &next_segment.timeline, &next_segment.expected) {
                // A remembered head may be older than the expected one, so it refuses nothing.
                if asked_now || known.asked.is_after(began) {
                    return Ok(refusal);
                }
            } else if self.fence.may_send(known.asked)
                && let Some(answer) = self.write(next_segment, &known, &memory).await?
            {
                return Ok(answer);
            }
            known = self.heads.ask(next_segment.timeline.id, &memory).await?;
            asked_now = true;
        }
        Err(too_fast())
    }

    /// Sends the segment; `None` if the head must be read again.
    async fn write(
        &self,
        next_segment: &NextSegment,
        known: &KnownHead,
        memory: &TimelineMemory,
    ) -> Result<Option<Append>> {
        let first = next_segment.first();
        let name = names::segment(next_segment.timeline.id, first);
        let bytes = next_segment.bytes().await?;
        let may_send = || self.fence.may_send(known.asked);
        let write = Write::new(&name, bytes, PutCondition::Absent).only_while(&may_send);
        let asked = self.fence.now();
        let put = match write.put(&self.store.bucket).await {
            Ok(put) => put,
            Err(error) => {
                // The segment may be there, so the head is unknown.
                memory.forget_head();
                let stale = !may_send();
                let again = stale && error.kind() == ErrorKind::Unavailable;
                return if again { Ok(None) } else { Err(error) };
            }
        };
        // Another segment has the name. The next look at the head shows which.
        let Put::Done(etag) = put else { return Ok(None) };
        if !self.fence.was_in_time(known.asked) && !self.still_stands(next_segment, &name).await? {
            memory.forget_head();
            return Ok(None);
        }
        let (timeline, head, sealed) =
            (next_segment.timeline, next_segment.head(), next_segment.seals());
        let floor = known.state.map_or(timeline.base_lsn(), |state| state.floor);
        let state = TimelineState { timeline, head, sealed, floor };
        memory.note_head(KnownHead { state: Some(state), newest: Some(first), asked });
        if let Some(etag) = etag.filter(|_| !sealed) {
            let length = bytes.len() as u64;
            let last = Some(head.lsn);
            memory.note_location(SegmentLocation { first, last, name, etag, length, modified: 0 });
        }
        Ok(Some(Append::Done))
    }

    /// Returns whether a segment that may have arrived too late is in the log. If a pack has its name's
    /// position with other commits, or the position is pruned, the segment is removed again.
    async fn still_stands(&self, next_segment: &NextSegment, name: &str) -> Result<bool> {
        let first = next_segment.first();
        let timeline = next_segment.timeline.id;
        let listing = self.index.list(timeline, &(first..=first), Listing::PacksLast).await;
        let in_doubt = |source: Error| {
            Error::indeterminate("an append took so long that it may have arrived too late")
                .with_source(source)
        };
        let listing = listing.map_err(in_doubt)?;
        if !listing.is_packed(first) {
            let end = self.heads.end(timeline).await.map_err(in_doubt)?;
            if end.floor < first {
                return Ok(true);
            }
            return self.take_back(name).await.map_err(in_doubt);
        }
        let location = listing.covering(&(first..=first)).map_err(in_doubt)?.into_iter().next();
        let Some(location) = location else { return Ok(true) };
        let contents = self.segments.open(timeline, &location, WHOLE_FOR_HEADERS).await;
        if let Some(contents) = contents.map_err(in_doubt)? {
            let last = next_segment.head().lsn;
            let read = self.segments.read::<Commit<_>>(&contents, last..=last).await;
            let read = read.map_err(in_doubt)?.map(|(commits, _)| commits).unwrap_or_default();
            if read.last().is_some_and(|commit: &Commit<argon_core::model::Touched>| {
                commit.digest == next_segment.head().digest
            }) {
                return Ok(true);
            }
        }
        self.take_back(name).await.map_err(in_doubt)
    }

    async fn take_back(&self, name: &str) -> Result<bool> {
        tracing::warn!(name, "an append arrived too late and is removed again");
        self.store.bucket.delete(name).await.map(|()| false)
    }
}

/// The answer if the head is not the expected one. A timeline without segments that is not at its first
/// commit was dropped.
fn refusal(known: &KnownHead, timeline: &Timeline, expected: &Head) -> Option<Append> {
    match &known.state {
        Some(state) if state.sealed => Some(Append::Sealed(state.head)),
        Some(state) if state.head != *expected => Some(Append::HeadMoved(state.head)),
        None if expected.lsn != timeline.base_lsn() => Some(Append::Sealed(*expected)),
        _ => None,
    }
}
