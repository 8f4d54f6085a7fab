//! Appends commits to a timeline, and repeats an attempt until its outcome is known.

use std::sync::Arc;

use argon_core::model::{Commit, Head, Timeline, TimelineId};
use argon_core::storage::{Append, TimelineState};
use argon_core::{Environment, Error, Result};
use bson::RawDocumentBuf;

use super::connection::Connection;
use super::extents::Extent;
use super::format::StoreFormat;
use super::large_commit::LargeCommits;
use super::log_walk::digest_of;
use super::record::TimelineRecord;
use super::retry::Backoff;
use super::rows::Rows;
use super::schema;
use super::timeline::Timelines;
use super::transaction::{Changes, Outcome};

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
    pub(super) large: Arc<LargeCommits>,
}

impl Appends {
    /// Appends commits after `expected`.
    pub(super) async fn append(
        &self,
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

    /// [`append`](Self::append) for commits that are too large for one transaction.
    async fn append_large(
        &self,
        timeline: &Timeline,
        expected: &Head,
        head: &Head,
        commits: &[Commit],
    ) -> Result<Append> {
        // An append that has already lost sends no documents.
        let first = expected.lsn == timeline.base_lsn();
        if let Some(answer) = self.timelines.refusal(timeline.id, expected, first).await? {
            return Ok(answer);
        }
        self.format.raise().await?;
        let name = TimelineId::from_bytes(self.environment.random());
        let extent = Extent { name, first: expected.lsn.next(), last: head.lsn, empty: false };
        let rows = Rows::of(timeline.id, name, commits, &self.environment);
        let answer = match self.large.stage(name, &rows.versions, &rows.parts).await {
            Ok(()) => {
                let rows = vec![(schema::COMMITS, rows.commits)];
                self.move_to(timeline, expected, head, Some(extent), rows).await
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

    /// Moves a timeline from `expected` to `head` and writes `rows`, in one transaction.
    async fn move_to(
        &self,
        timeline: &Timeline,
        expected: &Head,
        head: &Head,
        extent: Option<Extent>,
        rows: Vec<(&'static str, Vec<RawDocumentBuf>)>,
    ) -> Result<Append> {
        self.format.raise().await?;
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
            self.timelines.extents.note_append(timeline.id, first, expected.lsn, head.lsn);
        }
        Ok(answer)
    }

    async fn try_until_known(&self, changes: &Changes) -> Result<Append> {
        let mut backoff = Backoff::default();
        loop {
            let mut went_away = false;
            let last = match changes.attempt(&self.server).await? {
                Outcome::Done => return Ok(Append::Done),
                Outcome::Unknown { error, over } => match self.look(changes, error, over).await? {
                    Some(answer) => return Ok(answer),
                    None => None,
                },
                Outcome::Refused => None,
                Outcome::Undone { error, is_break } => {
                    went_away = is_break;
                    Some(error)
                }
            };
            let first = changes.new.is_some();
            if let Some(answer) =
                self.timelines.refusal(changes.timeline.id, &changes.expected, first).await?
            {
                return Ok(answer);
            }
            self.server.count_retry();
            if !backoff.wait(went_away, &self.environment).await {
                return Err(last.unwrap_or_else(busy));
            }
        }
    }

    /// Reads the outcome of a commit whose answer was lost; `None` if the commit was not applied and
    /// can't be applied any more.
    async fn look(&self, changes: &Changes, doubt: Error, over: bool) -> Result<Option<Append>> {
        let Ok(found) = self.timelines.record(changes.timeline.id).await else { return Err(doubt) };
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
