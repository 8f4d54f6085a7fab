//! Appending and sealing: one write under the name that follows the head.

use std::sync::Arc;

use argon_core::model::{Commit, Head, Lsn, Timeline, TimelineId};
use argon_core::segment::{self, SegmentMeta};
use argon_core::storage::{Append, TimelineState};
use argon_core::{Error, ErrorKind, Result};
use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::s3::bucket::{Bucket, Object};
use crate::s3::log::Log;
use crate::s3::log::contents::WHOLE_FOR_HEADERS;
use crate::s3::log::heads::{KnownHead, TimelineMemory};
use crate::s3::log::segment_index::{Listing, SegmentLocation, place};
use crate::s3::names;
use crate::s3::put::{Put, PutCondition, Write, WriteResolution};
use crate::s3::store::compute;

/// How often a head is asked for that moves on meanwhile.
const MOST_ROUNDS: usize = 100;

/// Up to so many bytes of documents a segment is made in place: the way to another thread costs more.
const SMALL_BYTES: usize = 32 * 1024;

/// A segment that is to follow a head: of commits, or the seal if there are none.
struct NextSegment {
    timeline: Timeline,
    expected: Head,
    commits: Arc<[Commit]>,
    level: i32,
    /// The segment, once it was made: not before it is known that it follows.
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

impl Log {
    pub(super) async fn append_commits(
        self: &Arc<Self>,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
    ) -> Result<Append> {
        let next_segment = self.next_segment(timeline, expected, commits);
        let answer = self.append_after(&next_segment).await?;
        if answer == Append::Done {
            self.appended(timeline.id, *expected, next_segment.head());
        }
        Ok(answer)
    }

    pub(super) async fn seal_after(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
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
            None => (self.ask(next_segment.timeline.id, &memory).await?, true),
        };
        for _ in 0..MOST_ROUNDS {
            if let Some(refusal) = refusal(&known, &next_segment.timeline, &next_segment.expected) {
                if asked_now || known.asked.is_after(began) {
                    return Ok(refusal);
                }
            } else if self.fence.may_send(known.asked)
                && let Some(answer) = self.write(next_segment, &known, &memory).await?
            {
                return Ok(answer);
            }
            known = self.ask(next_segment.timeline.id, &memory).await?;
            asked_now = true;
        }
        Err(Error::unavailable("the head of the timeline moves on too fast to be followed"))
    }

    /// Sends the segment; `None` if the head has to be asked for again.
    async fn write(
        &self,
        next_segment: &NextSegment,
        known: &KnownHead,
        memory: &TimelineMemory,
    ) -> Result<Option<Append>> {
        let first = next_segment.first();
        let name = names::segment(next_segment.timeline.id, first);
        let bytes = next_segment.bytes().await?;
        let resolve_ambiguous = |found: Option<&Object>| match found {
            None => WriteResolution::Unchanged,
            Some(object) if object.bytes == *bytes => WriteResolution::Ours,
            Some(_) => WriteResolution::Theirs,
        };
        let write = Write {
            name: &name,
            bytes,
            condition: PutCondition::Absent,
            resolve_ambiguous: &resolve_ambiguous,
            may_send: &|| self.fence.may_send(known.asked),
        };
        let asked = self.fence.now();
        let put = match self.store.bucket.put(&write).await {
            Ok(put) => put,
            Err(error) => {
                memory.forget_head();
                let stale = !self.fence.may_send(known.asked);
                let again = stale && error.kind() == ErrorKind::Unavailable;
                return if again { Ok(None) } else { Err(error) };
            }
        };
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
            memory.note_place(SegmentLocation { first, last, name, etag, length, modified: 0 });
        }
        Ok(Some(Append::Done))
    }

    /// Whether a segment that may have come too late is in the log. If a pack has its place, and
    /// something else in it, or if its place is pruned, the segment is taken back.
    async fn still_stands(&self, next_segment: &NextSegment, name: &str) -> Result<bool> {
        let first = next_segment.first();
        let timeline = next_segment.timeline.id;
        let places = self.store.bucket.places(timeline, &(first..=first), Listing::PacksLast).await;
        let in_doubt = |source: Error| {
            Error::indeterminate("an append took so long that it may have come too late")
                .with_source(source)
        };
        let places = places.map_err(in_doubt)?;
        if !places.is_packed(first) {
            let end = self.store.bucket.end(timeline).await.map_err(in_doubt)?;
            if end.floor < first {
                return Ok(true);
            }
            return self.take_back(name).await.map_err(in_doubt);
        }
        let place = places.covering(&(first..=first)).map_err(in_doubt)?.into_iter().next();
        let Some(place) = place else { return Ok(true) };
        let contents = self.store.contents(timeline, &place, WHOLE_FOR_HEADERS).await;
        if let Some(contents) = contents.map_err(in_doubt)? {
            let last = next_segment.head().lsn;
            let read = self.store.read_contents::<Commit<_>>(&contents, last..=last).await;
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
        tracing::warn!(name, "an append came too late and is taken back");
        self.store.bucket.delete(name).await.map(|()| false)
    }

    /// Asks where a timeline ends: one listing of one name, and if that is a new one, a look at the
    /// end of the segment.
    pub(super) async fn ask(
        &self,
        timeline: TimelineId,
        memory: &TimelineMemory,
    ) -> Result<KnownHead> {
        for _ in 0..MOST_ROUNDS {
            let asked = self.fence.now();
            let End { newest, floor: mark } = self.store.bucket.end(timeline).await?;
            let Some(newest) = newest else {
                let known = KnownHead { state: None, newest: None, asked };
                memory.note_head(known);
                return Ok(known);
            };
            let first = newest.first;
            if let Some(known) = memory.head().filter(|known| known.newest == Some(first)) {
                let state = known.state.map(|state| state.with_floor(mark));
                let known = KnownHead { state, asked, ..known };
                memory.note_head(known);
                return Ok(known);
            }
            let contents = self.store.contents(timeline, &newest, WHOLE_FOR_HEADERS).await?;
            // It may have been removed since, as there is a newer one.
            let Some(contents) = contents else { continue };
            let footer = &contents.footer;
            let (timeline, head) = (footer.timeline(), footer.head());
            let (sealed, floor) = (footer.sealed(), timeline.base_lsn());
            let state = TimelineState { timeline, head, sealed, floor }.with_floor(mark);
            let known = KnownHead { state: Some(state), newest: Some(first), asked };
            memory.note_head(known);
            if head.lsn >= first {
                memory.note_place(SegmentLocation { last: Some(head.lsn), ..newest });
            }
            return Ok(known);
        }
        Err(Error::unavailable("the head of the timeline moves on too fast to be followed"))
    }
}

/// The end of a timeline.
pub(super) struct End {
    /// The newest segment.
    pub(super) newest: Option<SegmentLocation>,
    /// The commits up to this one are gone; zero if nobody pruned the timeline.
    pub(super) floor: Lsn,
}

impl Bucket {
    /// The end of a timeline: one listing of two names, as there is one mark of its floor at most
    /// unless a prune was cut off.
    pub(super) async fn end(&self, timeline: TimelineId) -> Result<End> {
        let folder = names::log_of(timeline);
        let (mut floor, mut after) = (Lsn::ZERO, None);
        loop {
            let page = self.list(&folder, after.as_deref(), 2).await?;
            for listed in page.objects {
                let name = listed.name.clone();
                if let Some(mark) = name.strip_prefix(&folder).and_then(names::parse_floor) {
                    floor = floor.max(mark);
                    after = Some(name);
                    continue;
                }
                let newest = place(&folder, listed).ok_or_else(|| {
                    Error::corrupt(format!("the object {name} does not belong there"))
                })?;
                return Ok(End { newest: Some(newest), floor });
            }
            if !page.more {
                return Ok(End { newest: None, floor });
            }
        }
    }
}

/// What a mark says of a state.
trait WithFloor {
    /// The state of a timeline that is pruned up to `floor`, or higher.
    fn with_floor(self, floor: Lsn) -> Self;
}

impl WithFloor for TimelineState {
    fn with_floor(self, floor: Lsn) -> Self {
        Self { floor: self.floor.max(floor), ..self }
    }
}

/// What to answer if the head is not the expected one. Where nothing is, and not the first commit is
/// to be written, the timeline was dropped.
fn refusal(known: &KnownHead, timeline: &Timeline, expected: &Head) -> Option<Append> {
    match &known.state {
        Some(state) if state.sealed => Some(Append::Sealed(state.head)),
        Some(state) if state.head != *expected => Some(Append::HeadMoved(state.head)),
        None if expected.lsn != timeline.base_lsn() => Some(Append::Sealed(*expected)),
        _ => None,
    }
}

/// The segments that an append of this many commits may be counted as, for compaction.
pub(super) fn crosses(before: Lsn, after: Lsn, every: u64) -> bool {
    before.get() / every != after.get() / every
}
