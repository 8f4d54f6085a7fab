//! One attempt of an append: a transaction on the server.

use std::time::Duration;

use argon_core::model::{Head, Timeline};
use argon_core::{Error, Result};
use bson::{Document, RawDocument, RawDocumentBuf, doc};
use mongodb::ClientSession;
use mongodb::error::Error as DriverError;
use mongodb::options::{
    InsertOneModel, ReadPreference, SelectionCriteria, UpdateOneModel, WriteModel,
};

use super::address::write_concern;
use super::batches::batches;
use super::connection::{Connection, READ_TIME};
use super::extents::Extent;
use super::failure;
use super::large_commit::unassigned;
use super::record::{head_fields, id, lsn};
use super::retry::ATTEMPTS;
use super::schema;
use super::timeline::unsealed;

/// The most rows and bytes in one request with the change of the head. The driver copies them, and an
/// append that loses the race has sent them in vain.
const MERGED_ROWS: usize = 64;
const MERGED_BYTES: usize = 1024 * 1024;

/// The writes of the transaction of an append.
pub(super) struct Changes {
    pub(super) timeline: Timeline,
    /// The head before and after the append.
    pub(super) expected: Head,
    pub(super) head: Head,
    /// The record of the timeline, if this is its first append.
    pub(super) new: Option<RawDocumentBuf>,
    /// The extent with the versions, if they were written before.
    pub(super) extent: Option<Extent>,
    /// The insertions by collection, in this order.
    pub(super) rows: Vec<(&'static str, Vec<RawDocumentBuf>)>,
}

/// The outcome of an attempt.
pub(super) enum Outcome {
    /// It is in the journals of a majority.
    Done,
    /// The timeline is not as expected; nothing was changed.
    Refused,
    /// The transaction conflicted with another, or, if `is_break`, the connection broke before the
    /// commit was requested; nothing was changed.
    Undone { error: Error, is_break: bool },
    /// The commit was requested, and its outcome is unknown. If `over`, it can't be applied later.
    Unknown { error: Error, over: bool },
}

/// The request, for errors.
const WHAT: &str = "append to a timeline";

impl Changes {
    /// Runs the transaction once. It changes the record of the timeline first: of two appends that expect
    /// the same head, one fails there, before it sends many documents.
    ///
    /// A server with `bulkWrite` gets the change of the head and the first rows in one request, so a
    /// small append takes two: this one, and the commit.
    ///
    /// A transaction that ends without a commit changes nothing: the driver aborts it, or the server
    /// does after a minute.
    ///
    /// # Errors
    /// Only if nothing was changed.
    pub(super) async fn attempt(&self, server: &Connection) -> Result<Outcome> {
        let mut session =
            server.read("begin a transaction", server.client().start_session()).await?;
        let begin = session
            .start_transaction()
            .write_concern(write_concern())
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .max_commit_time(READ_TIME);
        server.read("begin a transaction", begin).await?;
        let merged = if server.has_bulk_write() { self.mergeable() } else { 0 };
        let ended = match merged {
            0 => self.move_head(server, &mut session).await?,
            _ => self.move_head_with_rows(server, &mut session, merged).await?,
        };
        if let Some(outcome) = ended {
            return Ok(outcome);
        }
        for (collection, rows) in &self.rows[merged..] {
            for batch in batches(rows) {
                let bytes = batch.iter().map(|row| row.as_bytes().len()).sum();
                server.count_sent(bytes);
                let collection = server.collection(collection);
                let insert = collection.insert_many(batch).session(&mut session);
                match server.bounded(insert).await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return before_commit(server, &error),
                    None => return Err(server.silence(WHAT)),
                }
            }
        }
        Ok(commit(server, &mut session).await)
    }

    /// The number of leading collections whose rows fit into one request with the change of the head.
    /// Zero for a large commit, of which two statements can be refused for different reasons.
    fn mergeable(&self) -> usize {
        if self.extent.is_some() {
            return 0;
        }
        let (mut count, mut bytes) = (0, 0);
        let fits = |(_, rows): &&(&str, Vec<RawDocumentBuf>)| {
            count += rows.len();
            bytes += rows.iter().map(|row| row.as_bytes().len()).sum::<usize>();
            count <= MERGED_ROWS && bytes <= MERGED_BYTES
        };
        self.rows.iter().take_while(fits).count()
    }

    /// Changes the head and inserts the rows of the first `collections`, by one request.
    async fn move_head_with_rows(
        &self,
        server: &Connection,
        session: &mut ClientSession,
        collections: usize,
    ) -> Result<Option<Outcome>> {
        let mut statements = vec![match &self.new {
            Some(row) => insertion(server, schema::TIMELINES, row)?,
            None => UpdateOneModel::builder()
                .namespace(server.collection(schema::TIMELINES).namespace())
                .filter(unsealed(self.timeline.id, &self.expected))
                .update(self.moved())
                .build()
                .into(),
        }];
        for (collection, rows) in &self.rows[..collections] {
            server.count_sent(rows.iter().map(|row| row.as_bytes().len()).sum());
            for row in rows {
                statements.push(insertion(server, collection, row)?);
            }
        }
        // An update that matches nothing is no error, and the insertions after it are undone with the
        // transaction.
        let expected = i64::from(self.new.is_none());
        match server.bounded(server.client().bulk_write(statements).session(session)).await {
            Some(Ok(done)) if done.matched_count == expected => Ok(None),
            Some(Ok(_)) => Ok(Some(Outcome::Refused)),
            Some(Err(error)) if failure::lacks_or_denies(&error) => {
                server.give_up_bulk_write();
                let error = server.place().definite(WHAT, &error);
                Ok(Some(Outcome::Undone { error, is_break: false }))
            }
            Some(Err(error)) => before_commit(server, &error).map(Some),
            None => Err(server.silence(WHAT)),
        }
    }

    async fn move_head(
        &self,
        server: &Connection,
        session: &mut ClientSession,
    ) -> Result<Option<Outcome>> {
        let timelines = server.collection(schema::TIMELINES);
        if let Some(row) = &self.new {
            let insert = timelines.insert_one(row).session(&mut *session);
            match server.bounded(insert).await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return before_commit(server, &error).map(Some),
                None => return Err(server.silence(WHAT)),
            }
        } else {
            let filter = unsealed(self.timeline.id, &self.expected);
            if let Some(outcome) =
                update(server, session, schema::TIMELINES, filter, self.moved()).await?
            {
                return Ok(Some(outcome));
            }
        }
        let Some(extent) = &self.extent else { return Ok(None) };
        let filter = unassigned(extent.name);
        let set = doc! { "$set": {
            "t": id(self.timeline.id),
            "f": lsn(extent.first),
            "l": lsn(extent.last),
            "crc": extent.sum(self.timeline.id).value(),
        } };
        match update(server, session, schema::PIECES, filter, set).await? {
            Some(Outcome::Refused) => Err(Error::unavailable(
                "the versions of a large commit were removed as abandoned before the commit was \
                 complete; try again",
            )),
            other => Ok(other),
        }
    }

    fn moved(&self) -> Document {
        let mut update = doc! { "$set": head_fields(&self.timeline, &self.head) };
        if self.extent.is_some() {
            update.insert("$inc", doc! { "pieces": 1_i64 });
        }
        update
    }
}

fn insertion(server: &Connection, collection: &str, row: &RawDocument) -> Result<WriteModel> {
    let document = Document::try_from(row)
        .map_err(|source| Error::internal("a row is malformed").with_source(source))?;
    let namespace = server.collection(collection).namespace();
    Ok(InsertOneModel::builder().namespace(namespace).document(document).build().into())
}

/// Updates one document; returns the outcome unless it succeeded.
async fn update(
    server: &Connection,
    session: &mut ClientSession,
    collection: &str,
    filter: Document,
    update: Document,
) -> Result<Option<Outcome>> {
    let collection = server.collection(collection);
    match server.bounded(collection.update_one(filter, update).session(session)).await {
        Some(Ok(done)) if done.matched_count == 1 => Ok(None),
        Some(Ok(_)) => Ok(Some(Outcome::Refused)),
        Some(Err(error)) => before_commit(server, &error).map(Some),
        None => Err(server.silence(WHAT)),
    }
}

/// The outcome of an error before the commit was requested; nothing was changed, whatever it is.
fn before_commit(server: &Connection, error: &DriverError) -> Result<Outcome> {
    if failure::is_duplicate(error) {
        return Ok(Outcome::Refused);
    }
    let told = server.place().definite(WHAT, error);
    if failure::is_transient(error) {
        Ok(Outcome::Undone { error: told, is_break: failure::is_break(error) })
    } else {
        Err(told)
    }
}

/// Requests the commit until its outcome is known. The server recognizes a commit by session and number,
/// so it is applied once.
async fn commit(server: &Connection, session: &mut ClientSession) -> Outcome {
    let mut doubt: Option<Error> = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            server.count_retry();
            tokio::time::sleep(Duration::from_millis(50) * attempt).await;
        }
        let error = match server.bounded(session.commit_transaction()).await {
            Some(Ok(())) => return Outcome::Done,
            Some(Err(error)) => error,
            None => {
                doubt.get_or_insert_with(|| server.no_word(WHAT));
                continue;
            }
        };
        if failure::is_unknown_commit(&error) {
            doubt.get_or_insert_with(|| server.place().doubtful(WHAT, &error));
            continue;
        }
        // The server does not know the transaction. The outcome is unknown all the same: the driver
        // repeats the request when an answer is lost, and a server that applied the commit and then
        // restarted does not know it either.
        let over = failure::is_transient(&error);
        let error = doubt.unwrap_or_else(|| server.place().doubtful(WHAT, &error));
        return Outcome::Unknown { error, over };
    }
    let error = doubt.unwrap_or_else(|| Error::internal("a commit was never requested"));
    Outcome::Unknown { error, over: false }
}
