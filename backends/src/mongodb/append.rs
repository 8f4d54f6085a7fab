//! Appending: building what is written, and trying until it is known what came of it.

use std::sync::Arc;
use std::time::Duration;

use argon_core::model::{Change, CollectionId, Commit, Head, Image, Lsn, Timeline, TimelineId};
use argon_core::storage::{Append, TimelineState};
use argon_core::{Environment, Error, Result};
use bson::oid::ObjectId;
use bson::{RawDocumentBuf, cstr, rawdoc};

use super::checksum::Sum;
use super::extents::Extent;
use super::factory::Store;
use super::record::{TimelineRecord, id, lsn};
use super::transaction::{Changes, Outcome};
use super::{header, key, parts, schema};

/// What one transaction takes. A server holds what a transaction wrote in memory until it ends, and
/// ends it after a minute.
const TRANSACTION_BYTES: usize = 32 * 1024 * 1024;
const TRANSACTION_ROWS: usize = 20_000;

/// How often another transaction may be in the way. The waits between grow to [`LONGEST_WAIT`], so
/// together they are some 75 seconds: longer than the 60 for which a server keeps the transaction of a
/// client that went away in the middle of it.
const CONFLICTS: u32 = 600;
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// How often the server may go away before a commit is asked for.
const BREAKS: u32 = 3;

/// The documents of an append.
pub(super) struct Rows {
    pub(super) commits: Vec<RawDocumentBuf>,
    pub(super) versions: Vec<RawDocumentBuf>,
    pub(super) parts: Vec<RawDocumentBuf>,
}

impl Rows {
    /// The documents for `commits` on `timeline`, with the versions under `place`: the timeline
    /// itself, or an extent.
    pub(super) fn of(
        timeline: TimelineId,
        place: TimelineId,
        commits: &[Commit],
        environment: &Environment,
    ) -> Self {
        let mut rows = Self { commits: Vec::new(), versions: Vec::new(), parts: Vec::new() };
        for commit in commits {
            let mut row = rawdoc! {
                "_id": environment.object_id(),
                "t": id(timeline),
                "l": lsn(commit.meta.lsn),
                "changes": i64::try_from(commit.changes.len()).unwrap_or(i64::MAX),
                "bytes": i64::try_from(commit.document_bytes()).unwrap_or(i64::MAX),
            };
            if place != timeline {
                row.append(cstr!("piece"), id(place));
            }
            let header = header::encode(commit);
            parts::put(&mut row, &mut rows.parts, place, &header, environment);
            let counts = (commit.changes.len(), commit.document_bytes());
            let sum = commit_sum(timeline, place, commit.meta.lsn, counts).end(&header);
            row.append(cstr!("crc"), sum.value());
            rows.commits.push(row);
            for change in &commit.changes {
                rows.version(place, commit, change, environment.object_id(), environment);
            }
        }
        rows
    }

    fn version(
        &mut self,
        place: TimelineId,
        commit: &Commit,
        change: &Change,
        name: ObjectId,
        environment: &Environment,
    ) {
        let key = key::encode(&change.key);
        let sum = version_sum(place, change.collection, &key, commit.meta.lsn);
        let mut row = rawdoc! {
            "_id": name,
            "t": id(place),
            "c": change.collection.get().cast_signed(),
            "k": key,
            "l": lsn(commit.meta.lsn),
        };
        let sum = match &change.image {
            Image::Document(document) => {
                let bytes = document.as_bytes();
                parts::put(&mut row, &mut self.parts, place, bytes, environment);
                sum.end(bytes)
            }
            Image::Deleted => sum,
        };
        row.append(cstr!("crc"), sum.value());
        self.versions.push(row);
    }
}

/// The checksum of a commit's record but for its header, which comes last; `place` is where its
/// versions are.
pub(super) fn commit_sum(
    timeline: TimelineId,
    place: TimelineId,
    at: Lsn,
    (changes, bytes): (usize, usize),
) -> Sum {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let sum = Sum::of(schema::COMMITS).id(timeline).id(place).number(lsn(at));
    sum.number(number(changes)).number(number(bytes))
}

/// The checksum of a version but for its document, which comes last; of a deletion this is all.
pub(super) fn version_sum(place: TimelineId, of: CollectionId, key: &str, at: Lsn) -> Sum {
    let sum = Sum::of(schema::VERSIONS).id(place).number(of.get().cast_signed());
    sum.text(key).number(lsn(at))
}

/// Whether commits are more than one transaction takes.
fn are_large(commits: &[Commit]) -> bool {
    let rows: usize = commits.iter().map(|commit| commit.changes.len()).sum();
    let bytes: usize = commits.iter().map(Commit::document_bytes).sum();
    rows > TRANSACTION_ROWS || bytes > TRANSACTION_BYTES
}

impl Store {
    /// Appends commits after `expected`.
    pub(super) async fn append(
        self: &Arc<Self>,
        timeline: &Timeline,
        expected: &Head,
        commits: &[Commit],
    ) -> Result<Append> {
        let Some(head) = commits.last().map(Commit::head) else {
            return Err(Error::internal("an append without commits"));
        };
        if are_large(commits) {
            return self.append_large(timeline, expected, &head, commits).await;
        }
        let rows = Rows::of(timeline.id, timeline.id, commits, &self.environment);
        let rows = vec![
            (schema::COMMITS, rows.commits),
            (schema::VERSIONS, rows.versions),
            (schema::PARTS, rows.parts),
        ];
        self.move_to(timeline, expected, &head, None, rows).await
    }

    /// Moves a timeline from `expected` to `head`, with all that belongs to it, in one transaction.
    pub(super) async fn move_to(
        self: &Arc<Self>,
        timeline: &Timeline,
        expected: &Head,
        head: &Head,
        extent: Option<Extent>,
        rows: Vec<(&'static str, Vec<RawDocumentBuf>)>,
    ) -> Result<Append> {
        self.raise_format().await?;
        let new = (expected.lsn == timeline.base_lsn()).then(|| {
            let floor = timeline.base_lsn();
            let state = TimelineState { timeline: *timeline, head: *head, sealed: false, floor };
            TimelineRecord { state, extents: i64::from(extent.is_some()) }.encode()
        });
        let (timeline, expected, head) = (*timeline, *expected, *head);
        let first = new.is_some();
        let changes = Changes { timeline, expected, head, new, extent, rows };
        let answer = self.try_until_known(&changes).await?;
        if answer == Append::Done && extent.is_none() {
            self.extents.note_append(timeline.id, first, expected.lsn, head.lsn);
        }
        Ok(answer)
    }

    async fn try_until_known(self: &Arc<Self>, changes: &Changes) -> Result<Append> {
        let (mut conflicts, mut breaks) = (0, 0);
        loop {
            let last = match changes.attempt(&self.server).await? {
                Outcome::Done => return Ok(Append::Done),
                Outcome::Unknown { error, over } => match self.look(changes, error, over).await? {
                    Some(answer) => return Ok(answer),
                    None => None,
                },
                Outcome::Refused => None,
                Outcome::Undone { error, is_break } => {
                    breaks += u32::from(is_break);
                    Some(error)
                }
            };
            let first = changes.new.is_some();
            if let Some(answer) =
                self.refusal(changes.timeline.id, &changes.expected, first).await?
            {
                return Ok(answer);
            }
            self.server.count_retry();
            conflicts += 1;
            if conflicts > CONFLICTS || breaks > BREAKS {
                return Err(last.unwrap_or_else(busy));
            }
            self.wait(conflicts).await;
        }
    }

    /// Finds out what came of a commit whose answer was lost; `None` if it was not applied and can't
    /// be any more.
    async fn look(
        self: &Arc<Self>,
        changes: &Changes,
        doubt: Error,
        over: bool,
    ) -> Result<Option<Append>> {
        let Ok(found) = self.timeline(changes.timeline.id).await else { return Err(doubt) };
        let Some(record) = found else { return if over { Ok(None) } else { Err(doubt) } };
        let TimelineState { head, sealed, .. } = record.state;
        if head == changes.expected && !sealed {
            return if over { Ok(None) } else { Err(doubt) };
        }
        let ours = self.has_commit(changes.timeline.id, &changes.head, &head).await;
        Ok(Some(match ours {
            Ok(true) => Append::Done,
            Ok(false) if sealed => Append::Sealed(head),
            Ok(false) => Append::HeadMoved(head),
            Err(_) => return Err(doubt),
        }))
    }

    /// Waits a random while that doubles with each conflict.
    async fn wait(&self, conflicts: u32) {
        let most = Duration::from_millis(1 << conflicts.min(10)).min(LONGEST_WAIT);
        let random = u32::from(u16::from_le_bytes(self.environment.random()));
        tokio::time::sleep(most * random / u32::from(u16::MAX)).await;
    }
}

fn busy() -> Error {
    Error::unavailable("the timeline is written by others all the time; try again later")
}

#[cfg(test)]
mod tests {
    use argon_core::model::{
        Actor, CommitMeta, Digest, Document, Message, Nonce, Origin, Trailers,
    };
    use bson::DateTime;

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
