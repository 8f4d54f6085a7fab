//! Appends commits to a timeline, and repeats an attempt until its outcome is known.

use std::sync::Arc;

use argon_core::model::{Commit, Head, Timeline, TimelineId};
use argon_core::storage::{Append, BuildId, IndexChanges, TimelineState, after_append};
use argon_core::{Environment, Error, Result};
use bson::{Binary, RawDocumentBuf, doc};

use super::build_record::{self, BuildList};
use super::builds::Builds;
use super::connection::Connection;
use super::entries::EntryWrites;
use super::extents::Extent;
use super::format::StoreFormat;
use super::large_commit::LargeCommits;
use super::log_walk::digest_of;
use super::record::{TimelineRecord, head_fields};
use super::retry::Backoff;
use super::rows::Rows;
use super::schema;
use super::timeline::{Timelines, refused, revision, unsealed};
use super::transaction::{Assignment, Changes, Outcome, RecordChange};

/// The largest transaction. A server holds the writes of a transaction in memory until it ends, and
/// aborts it after a minute.
const TRANSACTION_BYTES: usize = 32 * 1024 * 1024;
const TRANSACTION_ROWS: usize = 20_000;

/// Returns whether commits exceed one transaction.
fn are_large(commits: &[Commit]) -> bool {
    let rows: usize = commits.iter().map(|commit| commit.changes.len()).sum();
    let bytes: usize = commits.iter().map(Commit::document_bytes).sum();
    rows > TRANSACTION_ROWS || bytes > TRANSACTION_BYTES
}

/// Appends to timelines.
pub(super) struct Appends {
    pub(super) server: Arc<Connection>,
    pub(super) environment: Environment,
    pub(super) format: Arc<StoreFormat>,
    pub(super) timelines: Arc<Timelines>,
    pub(super) builds: Arc<Builds>,
    pub(super) large: Arc<LargeCommits>,
}

/// An append, as its caller wants it.
struct Request<'a> {
    timeline: Timeline,
    expected: Head,
    head: Head,
    /// The extent with the versions, if they were written before.
    extent: Option<Extent>,
    changes: Option<&'a IndexChanges>,
    /// The entries that are removed, and all insertions.
    removed: Vec<Binary>,
    rows: Vec<(&'static str, Vec<RawDocumentBuf>)>,
    /// The builds whose maintenance ends because they have too many changes.
    ended: Vec<BuildId>,
}

impl Request<'_> {
    /// Whether this is the first append to the timeline, whose record exists only if an index is being
    /// built on it.
    fn is_first(&self) -> bool {
        self.expected.lsn == self.timeline.base_lsn()
    }

    /// The transaction, for builds that are known; `None` if the changes are for others.
    fn transaction(&self, known: &KnownBuilds) -> Result<Option<(Changes<'_>, BuildList)>> {
        let before = known.list();
        let after = after_append(&before.builds, self.changes, self.expected.lsn, &self.ended);
        let Some(after) = after else { return Ok(None) };
        let is_new = matches!(known, KnownBuilds::Inherited(_));
        let changed = if is_new { !after.is_empty() } else { after != before.builds };
        let list = if changed { before.changed(after) } else { before.clone() };
        let builds = changed.then(|| build_record::encode(self.timeline.id, &list)).transpose()?;
        let record = if is_new { self.new_record(&list) } else { self.moved_record(before, &list) };
        let (timeline, extent) = (self.timeline.id, self.extent);
        let changes = Changes {
            what: "append to a timeline",
            record,
            extent: extent.map(|extent| Assignment { timeline, extent }),
            builds,
            removed: &self.removed,
            rows: &self.rows,
        };
        Ok(Some((changes, list)))
    }

    fn new_record(&self, list: &BuildList) -> RecordChange {
        let (timeline, head) = (self.timeline, self.head);
        let state = TimelineState { timeline, head, sealed: false, floor: timeline.base_lsn() };
        let extents = i64::from(self.extent.is_some());
        RecordChange::Insert(TimelineRecord { state, extents, builds: list.revision }.encode())
    }

    fn moved_record(&self, before: &BuildList, after: &BuildList) -> RecordChange {
        let mut filter = unsealed(self.timeline.id, &self.expected);
        filter.insert("builds", revision(before.revision));
        let mut set = head_fields(&self.timeline, &self.head);
        if after.revision != before.revision {
            set.insert("builds", after.revision);
        }
        let mut update = doc! { "$set": set };
        if self.extent.is_some() {
            update.insert("$inc", doc! { "pieces": 1_i64 });
        }
        RecordChange::Update { filter, update }
    }
}

/// The builds of a timeline before an append.
enum KnownBuilds {
    /// Those of an existing timeline.
    Own(BuildList),
    /// Those that a new timeline continues.
    Inherited(BuildList),
}

impl KnownBuilds {
    fn list(&self) -> &BuildList {
        match self {
            Self::Own(list) | Self::Inherited(list) => list,
        }
    }

    /// Whether they are those of a timeline with this record.
    fn are_of(&self, record: Option<&TimelineRecord>) -> bool {
        match self {
            Self::Own(list) => record.is_some_and(|record| record.builds == list.revision),
            Self::Inherited(_) => record.is_none(),
        }
    }
}

impl Appends {
    /// Appends commits after `expected`, with the changes of the entries of indexes; without, the
    /// maintenance of all indexes ends.
    pub(super) async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: &[Commit],
        changes: Option<&IndexChanges>,
    ) -> Result<Append> {
        let Some(head) = commits.last().map(Commit::head) else {
            return Err(Error::internal("an append without commits"));
        };
        let entries = match changes {
            Some(changes) => EntryWrites::of(&self.server, timeline.id, changes).await?,
            None => EntryWrites::default(),
        };
        let EntryWrites { removed, rows: entries, too_many: ended } = entries;
        let mut request = Request {
            timeline: *timeline,
            expected: *expected,
            head,
            extent: None,
            changes,
            removed,
            rows: vec![(schema::ENTRIES, entries)],
            ended,
        };
        if are_large(commits) {
            return self.append_large(request, commits).await;
        }
        let rows = Rows::of(timeline.id, timeline.id, commits, &self.environment);
        let rows = [
            (schema::COMMITS, rows.commits),
            (schema::VERSIONS, rows.versions),
            (schema::PARTS, rows.parts),
        ];
        request.rows.splice(0..0, rows);
        self.move_to(&request).await
    }

    /// [`append`](Self::append) for commits that are too large for one transaction.
    async fn append_large(&self, mut request: Request<'_>, commits: &[Commit]) -> Result<Append> {
        let Request { timeline, expected, head, .. } = request;
        // An append that has already lost sends no documents.
        let lost = self.timelines.refusal(timeline.id, &expected, request.is_first()).await?;
        if let Some(answer) = lost {
            return Ok(answer);
        }
        self.format.raise().await?;
        let name = TimelineId::from_bytes(self.environment.random());
        let extent = Extent { name, first: expected.lsn.next(), last: head.lsn, empty: false };
        let rows = Rows::of(timeline.id, name, commits, &self.environment);
        let answer = match self.large.stage(name, &rows.versions, &rows.parts).await {
            Ok(()) => {
                request.extent = Some(extent);
                request.rows.insert(0, (schema::COMMITS, rows.commits));
                self.move_to(&request).await
            }
            Err(error) => Err(error),
        };
        match &answer {
            Ok(Append::Done) => {}
            Err(error) if error.kind() == argon_core::ErrorKind::Indeterminate => {}
            // In the background, since it may take long. If it fails, a later compaction removes the
            // extent.
            _ => {
                let large = self.large.clone();
                tokio::spawn(async move { large.remove(name).await });
            }
        }
        answer
    }

    /// Moves a timeline to its new head and writes all rows, in one transaction.
    async fn move_to(&self, request: &Request<'_>) -> Result<Append> {
        self.format.raise().await?;
        let Request { timeline, expected, head, .. } = request;
        let mut known = self.builds_before(request).await?;
        let mut is_current = false;
        let mut backoff = Backoff::default();
        loop {
            let Some((changes, list)) = request.transaction(&known)? else {
                if is_current {
                    return Ok(Append::HeadMoved(*expected));
                }
                (known, is_current) = match self.builds_now(request).await? {
                    Ok(known) => (known, true),
                    Err(refusal) => return Ok(refusal),
                };
                continue;
            };
            match self.try_until_known(request, &known, &changes, &mut backoff).await? {
                Some(Append::Done) => {
                    self.builds.note(timeline.id, list);
                    if request.extent.is_none() {
                        let first = matches!(known, KnownBuilds::Inherited(_));
                        let extents = &self.timelines.extents;
                        extents.note_append(timeline.id, first, expected.lsn, head.lsn);
                    }
                    return Ok(Append::Done);
                }
                Some(answer) => return Ok(answer),
                None => match self.builds_now(request).await? {
                    Ok(now) => (known, is_current) = (now, true),
                    Err(refusal) => return Ok(refusal),
                },
            }
        }
    }

    /// The builds that are probably those before an append. The transaction fails if they are not.
    async fn builds_before(&self, request: &Request<'_>) -> Result<KnownBuilds> {
        let timeline = request.timeline.id;
        let cached = self.builds.cached(timeline);
        if request.is_first() && cached.as_ref().is_none_or(|list| list.revision == 0) {
            return Ok(KnownBuilds::Inherited(self.builds.inherited_by(&request.timeline).await?));
        }
        // A caller that changes entries has read the builds, so they are cached.
        Ok(KnownBuilds::Own(cached.unwrap_or_default()))
    }

    /// The builds before an append as the server has them; `Err` if the timeline does not take it.
    async fn builds_now(&self, request: &Request<'_>) -> Result<Result<KnownBuilds, Append>> {
        let found = self.timelines.with_builds(&self.builds, request.timeline.id).await?;
        let record = found.as_ref().map(|(record, _)| record);
        if let Some(refusal) = refused(record, &request.expected, request.is_first()) {
            return Ok(Err(refusal));
        }
        Ok(Ok(match found {
            Some((_, list)) => KnownBuilds::Own(list),
            None => KnownBuilds::Inherited(self.builds.inherited_by(&request.timeline).await?),
        }))
    }

    /// Repeats an attempt until its outcome is known; `None` if the builds have changed.
    async fn try_until_known(
        &self,
        request: &Request<'_>,
        known: &KnownBuilds,
        changes: &Changes<'_>,
        backoff: &mut Backoff,
    ) -> Result<Option<Append>> {
        loop {
            let mut went_away = false;
            let last = match changes.attempt(&self.server).await? {
                Outcome::Done => return Ok(Some(Append::Done)),
                Outcome::Unknown { error, over } => match self.look(request, error, over).await? {
                    Some(answer) => return Ok(Some(answer)),
                    None => None,
                },
                Outcome::Refused => None,
                Outcome::Undone { error, is_break } => {
                    went_away = is_break;
                    Some(error)
                }
            };
            let record = self.timelines.record(request.timeline.id).await?;
            let refusal = refused(record.as_ref(), &request.expected, request.is_first());
            if refusal.is_some() {
                return Ok(refusal);
            }
            if !known.are_of(record.as_ref()) {
                return Ok(None);
            }
            self.server.count_retry();
            if !backoff.wait(went_away, &self.environment).await {
                return Err(last.unwrap_or_else(busy));
            }
        }
    }

    /// Reads the outcome of a commit whose answer was lost; `None` if the commit was not applied and
    /// can't be applied any more.
    async fn look(
        &self,
        request: &Request<'_>,
        doubt: Error,
        over: bool,
    ) -> Result<Option<Append>> {
        let timeline = request.timeline.id;
        let Ok(found) = self.timelines.record(timeline).await else { return Err(doubt) };
        let Some(record) = found else { return if over { Ok(None) } else { Err(doubt) } };
        let TimelineState { head, sealed, .. } = record.state;
        if head == request.expected && !sealed {
            return if over { Ok(None) } else { Err(doubt) };
        }
        let ours = self.has_commit(timeline, &request.head, &head).await;
        Ok(Some(match ours {
            Ok(true) => Append::Done,
            Ok(false) if sealed => Append::Sealed(head),
            Ok(false) => Append::HeadMoved(head),
            Err(_) => return Err(doubt),
        }))
    }

    /// Returns whether the commit that ends in `head` is in the log, which may have grown since.
    ///
    /// # Errors
    /// Those of the server, and `Unavailable` if the commit at that position is already pruned.
    async fn has_commit(&self, timeline: TimelineId, head: &Head, now: &Head) -> Result<bool> {
        if now.lsn <= head.lsn {
            return Ok(now == head);
        }
        match digest_of(&self.timelines, timeline, head.lsn).await? {
            Some(digest) => Ok(digest == head.digest),
            None => Err(Error::unavailable(format!(
                "commit {} of timeline {timeline} was pruned",
                head.lsn
            ))),
        }
    }
}

fn busy() -> Error {
    Error::unavailable("other writers keep changing the timeline; try again later")
}

#[cfg(test)]
mod tests {
    use argon_core::model::{
        Actor, Change, CollectionId, CommitMeta, Digest, Document, Image, Lsn, Message, Nonce,
        Origin, Trailers,
    };
    use bson::{DateTime, rawdoc};

    use super::super::header;
    use super::*;

    fn commit(changes: Vec<Change>) -> Commit {
        let meta = CommitMeta {
            lsn: Lsn::new(7),
            time: DateTime::from_millis(1_700_000_000_123),
            nonce: Nonce(1),
            actor: Actor::new("ada").unwrap(),
            message: Message::default(),
            origin: Origin::Write,
            trailers: Trailers::default(),
        };
        Commit { meta, digest: Digest::of(b"x"), changes }
    }

    fn put(id: i32, text: &str) -> Change {
        let document = rawdoc! { "_id": id, "text": text };
        let (key, document) = Document::checked(document).unwrap();
        Change { collection: CollectionId::new(99), key, image: Image::Document(document) }
    }

    #[test]
    fn a_header_comes_back_without_the_documents() {
        let mut deletion = put(2, "b");
        deletion.image = Image::Deleted;
        let other = Change { collection: CollectionId::new(u64::MAX), ..put(3, "c") };
        let commit = commit(vec![put(1, "a"), deletion, other, put(4, "d")]);
        let found = header::decode(&header::encode(&commit)).unwrap();
        assert_eq!((found.meta, found.digest), (commit.meta.clone(), commit.digest));
        assert_eq!(found.changes.len(), 4);
        for (found, change) in found.changes.iter().zip(&commit.changes) {
            assert_eq!((&found.key, found.collection), (&change.key, change.collection));
            assert_eq!(found.deleted, change.image == Image::Deleted);
        }
        let bytes = header::encode(&commit);
        for length in 0..bytes.len() {
            assert!(header::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        let hex = Digest::of(&bytes).to_string();
        assert_eq!(
            hex, "fda081d6e7ad3cfb0338b9b7cc63d3c07c2ad684bf8da0ab2528a263f9529748",
            "golden"
        );
    }

    #[test]
    fn what_one_transaction_takes_is_not_staged() {
        assert!(!are_large(&[commit(vec![put(1, "a"); TRANSACTION_ROWS])]));
        assert!(are_large(&[commit(vec![put(1, "a"); TRANSACTION_ROWS + 1])]));
        let large = put(1, &"x".repeat(TRANSACTION_BYTES / 3));
        assert!(!are_large(&[commit(vec![large.clone(); 2])]));
        assert!(are_large(&[commit(vec![large.clone(); 2]), commit(vec![large])]));
    }

    #[test]
    fn a_damaged_header_is_read_or_refused_and_counts_are_bounded() {
        let mut deletion = put(2, "b");
        deletion.image = Image::Deleted;
        let bytes = header::encode(&commit(vec![put(1, "a"), deletion]));
        argon_core::codec::for_each_damage(&bytes, |damaged| match header::decode(damaged) {
            Ok(found) => assert!(found.changes.len() <= damaged.len()),
            Err(error) => assert_eq!(error.kind(), argon_core::ErrorKind::Corrupt),
        });
    }
}
