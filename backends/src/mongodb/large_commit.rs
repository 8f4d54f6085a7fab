//! Commits that are too large for a transaction.
//!
//! Their versions are written first, in batches, under an extent: a random name that nothing reads.
//! The transaction that moves the timeline only adds the headers and gives the extent to the
//! timeline, so all of it appears at once. An extent that was never given is left over from an append
//! that was cut off; `orphans.rs` removes it when it is old.

use std::sync::Arc;

use argon_core::model::{Commit, Head, Timeline, TimelineId};
use argon_core::storage::Append;
use argon_core::{Error, Result};
use bson::{RawDocumentBuf, rawdoc};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::append::Rows;
use super::batches::batches;
use super::extents::Extent;
use super::factory::Store;
use super::failure::Failure;
use super::record::id;
use super::schema;

/// How many batches are on their way at a time.
const BATCHES: usize = 2;

/// How often a batch is written again after an answer that was lost.
const ATTEMPTS: usize = 5;

impl Store {
    /// [`append`](Store::append) for commits that are too large for one transaction.
    pub(super) async fn append_large(
        self: &Arc<Self>,
        timeline: &Timeline,
        expected: &Head,
        head: &Head,
        commits: &[Commit],
    ) -> Result<Append> {
        // What is lost already need not be sent.
        let first = expected.lsn == timeline.base_lsn();
        if let Some(answer) = self.refusal(timeline.id, expected, first).await? {
            return Ok(answer);
        }
        self.raise_format().await?;
        let name = TimelineId::from_bytes(self.environment.random());
        let extent = Extent { name, first: expected.lsn.next(), last: head.lsn, empty: false };
        let rows = Rows::of(timeline.id, name, commits, &self.environment);
        let answer = match self.stage(name, &rows.versions, &rows.parts).await {
            Ok(()) => {
                let rows = vec![(schema::COMMITS, rows.commits)];
                self.move_to(timeline, expected, head, Some(extent), rows).await
            }
            Err(error) => Err(error),
        };
        match &answer {
            Ok(Append::Done) => {}
            Err(error) if error.kind() == argon_core::ErrorKind::Indeterminate => {}
            // In the background, since it may take long. Should it fail, the extent is removed when
            // it is old.
            _ => {
                let store = self.clone();
                tokio::spawn(async move { store.remove_extent(name).await });
            }
        }
        answer
    }

    /// Writes what a commit is made of where nothing reads it.
    async fn stage(
        &self,
        extent: TimelineId,
        versions: &[RawDocumentBuf],
        parts: &[RawDocumentBuf],
    ) -> Result<()> {
        let row = rawdoc! { "_id": id(extent), "made": self.environment.latest() };
        self.insert_until_there(schema::PIECES, &[row]).await?;
        let mut writes = Vec::new();
        for (collection, rows) in [(schema::PARTS, parts), (schema::VERSIONS, versions)] {
            for batch in batches(rows) {
                writes.push(self.insert_until_there(collection, batch));
            }
        }
        stream::iter(writes).buffer_unordered(BATCHES).try_collect().await
    }

    /// Inserts rows of names of their own; those that are there already were inserted by an attempt
    /// whose answer was lost.
    pub(super) async fn insert_until_there(
        &self,
        collection: &'static str,
        rows: &[RawDocumentBuf],
    ) -> Result<()> {
        let bytes = rows.iter().map(|row| row.as_bytes().len()).sum();
        let collection = self.server.collection(collection);
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.server.count_retry();
            }
            self.server.count_sent(bytes);
            let insert = collection.insert_many(rows).ordered(false);
            match self.server.write("write a large commit", insert).await {
                Ok(_) | Err(Failure::Duplicate) => return Ok(()),
                Err(Failure::Definite(error)) => return Err(error),
                Err(Failure::Doubtful(error)) => last = Some(error),
            }
        }
        // The commit itself was not asked for, so it has definitely not happened.
        let error = Error::unavailable("MongoDB did not take a large commit; try again later");
        Err(match last {
            Some(source) => error.with_source(source),
            None => error,
        })
    }
}
