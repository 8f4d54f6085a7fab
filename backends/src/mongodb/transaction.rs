//! One attempt of an append, or of a change of builds: a transaction on the server.

use std::time::Duration;

use argon_core::{Error, Result};
use bson::{Binary, Document, RawDocument, RawDocumentBuf, doc};
use mongodb::ClientSession;
use mongodb::error::Error as DriverError;
use mongodb::options::{
    DeleteManyModel, InsertOneModel, ReadPreference, SelectionCriteria, UpdateOneModel, WriteModel,
};

use super::address::write_concern;
use super::batches::batches;
use super::build_record::BUILDS;
use super::connection::{Connection, READ_TIME};
use super::entries::NAMES;
use super::extents::Extent;
use super::failure;
use super::large_commit::unassigned;
use super::old_versions::name_of;
use super::record::{id, lsn};
use super::retry::ATTEMPTS;
use super::schema;

/// The most rows and bytes in one request with the change of the head. The driver copies them, and an
/// append that loses the race has sent them in vain.
const MERGED_ROWS: usize = 64;
const MERGED_BYTES: usize = 1024 * 1024;

/// The change of the record of a timeline.
pub(super) enum RecordChange {
    /// The record is new.
    Insert(RawDocumentBuf),
    /// The record that `filter` matches is updated; it is none if the timeline has changed.
    Update { filter: Document, update: Document },
}

/// An extent that a transaction assigns to a timeline.
pub(super) struct Assignment {
    pub(super) timeline: argon_core::model::TimelineId,
    pub(super) extent: Extent,
}

/// The writes of a transaction.
pub(super) struct Changes<'a> {
    /// The request, for errors.
    pub(super) what: &'static str,
    pub(super) record: RecordChange,
    /// The extent with the versions, if they were written before.
    pub(super) extent: Option<Assignment>,
    /// The new list of builds of the timeline, if it changes.
    pub(super) builds: Option<RawDocumentBuf>,
    /// The entries of indexes that are removed before rows are inserted.
    pub(super) removed: &'a [Binary],
    /// The insertions by collection, in this order.
    pub(super) rows: &'a [(&'static str, Vec<RawDocumentBuf>)],
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

impl Changes<'_> {
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
            0 => self.change_record(server, &mut session).await?,
            _ => self.change_record_and_rows(server, &mut session, merged).await?,
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
                if let Err(outcome) = self.send(server, insert).await? {
                    return Ok(outcome);
                }
            }
        }
        Ok(self.commit(server, &mut session).await)
    }

    /// Sends a request of the transaction; `Err` is the outcome if it failed.
    async fn send<T>(
        &self,
        server: &Connection,
        request: impl IntoFuture<Output = mongodb::error::Result<T>>,
    ) -> Result<Result<T, Outcome>> {
        match server.bounded(request).await {
            Some(Ok(done)) => Ok(Ok(done)),
            Some(Err(error)) => self.before_commit(server, &error).map(Err),
            None => Err(server.silence(self.what)),
        }
    }

    /// The number of leading collections whose rows fit into one request with the change of the record.
    /// Zero for a large commit and for a change of builds, of which several statements can be refused
    /// for different reasons.
    fn mergeable(&self) -> usize {
        if self.extent.is_some() || self.builds.is_some() {
            return 0;
        }
        let (mut count, mut bytes) = (self.removed.len(), 0);
        let fits = |(_, rows): &&(&str, Vec<RawDocumentBuf>)| {
            count += rows.len();
            bytes += rows.iter().map(|row| row.as_bytes().len()).sum::<usize>();
            count <= MERGED_ROWS && bytes <= MERGED_BYTES
        };
        self.rows.iter().take_while(fits).count()
    }

    /// Changes the record and inserts the rows of the first `collections`, by one request.
    async fn change_record_and_rows(
        &self,
        server: &Connection,
        session: &mut ClientSession,
        collections: usize,
    ) -> Result<Option<Outcome>> {
        let namespace = |name: &str| server.collection(name).namespace();
        let (mut statements, expected) = match &self.record {
            RecordChange::Insert(row) => (vec![insertion(server, schema::TIMELINES, row)?], 0),
            RecordChange::Update { filter, update } => {
                let update = UpdateOneModel::builder()
                    .namespace(namespace(schema::TIMELINES))
                    .filter(filter.clone())
                    .update(update.clone())
                    .build();
                (vec![update.into()], 1)
            }
        };
        if !self.removed.is_empty() {
            let delete = DeleteManyModel::builder()
                .namespace(namespace(schema::ENTRIES))
                .filter(named(self.removed))
                .build();
            statements.push(delete.into());
        }
        for (collection, rows) in &self.rows[..collections] {
            server.count_sent(rows.iter().map(|row| row.as_bytes().len()).sum());
            for row in rows {
                statements.push(insertion(server, collection, row)?);
            }
        }
        // An update that matches nothing is no error, and the insertions after it are undone with the
        // transaction.
        match server.bounded(server.client().bulk_write(statements).session(session)).await {
            Some(Ok(done)) if done.matched_count == expected => Ok(None),
            Some(Ok(_)) => Ok(Some(Outcome::Refused)),
            Some(Err(error)) if failure::lacks_or_denies(&error) => {
                server.give_up_bulk_write();
                let error = server.place().definite(self.what, &error);
                Ok(Some(Outcome::Undone { error, is_break: false }))
            }
            Some(Err(error)) => self.before_commit(server, &error).map(Some),
            None => Err(server.silence(self.what)),
        }
    }

    /// Changes all but rows, by one request each.
    async fn change_record(
        &self,
        server: &Connection,
        session: &mut ClientSession,
    ) -> Result<Option<Outcome>> {
        let timelines = server.collection(schema::TIMELINES);
        match &self.record {
            RecordChange::Insert(row) => {
                let insert = timelines.insert_one(row).session(&mut *session);
                if let Err(outcome) = self.send(server, insert).await? {
                    return Ok(Some(outcome));
                }
            }
            RecordChange::Update { filter, update } => {
                let update = timelines.update_one(filter.clone(), update.clone());
                match self.send(server, update.session(&mut *session)).await? {
                    Ok(done) if done.matched_count == 1 => {}
                    Ok(_) => return Ok(Some(Outcome::Refused)),
                    Err(outcome) => return Ok(Some(outcome)),
                }
            }
        }
        if let Some(assignment) = &self.extent
            && let Some(outcome) = self.assign(server, session, assignment).await?
        {
            return Ok(Some(outcome));
        }
        if let Some(row) = &self.builds {
            let name = name_of(row, BUILDS)?;
            let builds = server.collection(schema::BUILDS);
            let replace = builds.replace_one(doc! { "_id": name }, row).upsert(true);
            if let Err(outcome) = self.send(server, replace.session(&mut *session)).await? {
                return Ok(Some(outcome));
            }
        }
        let entries = server.collection(schema::ENTRIES);
        for names in self.removed.chunks(NAMES) {
            let delete = entries.delete_many(named(names)).session(&mut *session);
            if let Err(outcome) = self.send(server, delete).await? {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }

    async fn assign(
        &self,
        server: &Connection,
        session: &mut ClientSession,
        Assignment { timeline, extent }: &Assignment,
    ) -> Result<Option<Outcome>> {
        let set = doc! { "$set": {
            "t": id(*timeline),
            "f": lsn(extent.first),
            "l": lsn(extent.last),
            "crc": extent.sum(*timeline).value(),
        } };
        let pieces = server.collection(schema::PIECES);
        let update = pieces.update_one(unassigned(extent.name), set);
        match self.send(server, update.session(session)).await? {
            Ok(done) if done.matched_count == 1 => Ok(None),
            Ok(_) => Err(Error::unavailable(
                "the versions of a large commit were removed as abandoned before the commit was \
                 complete; try again",
            )),
            Err(outcome) => Ok(Some(outcome)),
        }
    }

    /// The outcome of an error before the commit was requested; nothing was changed, whatever it is.
    fn before_commit(&self, server: &Connection, error: &DriverError) -> Result<Outcome> {
        if failure::is_duplicate(error) {
            return Ok(Outcome::Refused);
        }
        let told = server.place().definite(self.what, error);
        if failure::is_transient(error) {
            Ok(Outcome::Undone { error: told, is_break: failure::is_break(error) })
        } else {
            Err(told)
        }
    }

    /// Requests the commit until its outcome is known. The server recognizes a commit by session and
    /// number, so it is applied once.
    async fn commit(&self, server: &Connection, session: &mut ClientSession) -> Outcome {
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
                    doubt.get_or_insert_with(|| server.no_word(self.what));
                    continue;
                }
            };
            if failure::is_unknown_commit(&error) {
                doubt.get_or_insert_with(|| server.place().doubtful(self.what, &error));
                continue;
            }
            // The server does not know the transaction. The outcome is unknown all the same: the driver
            // repeats the request when an answer is lost, and a server that applied the commit and then
            // restarted does not know it either.
            let over = failure::is_transient(&error);
            let error = doubt.unwrap_or_else(|| server.place().doubtful(self.what, &error));
            return Outcome::Unknown { error, over };
        }
        let error = doubt.unwrap_or_else(|| Error::internal("a commit was never requested"));
        Outcome::Unknown { error, over: false }
    }
}

/// Matches rows by their `_id`s.
pub(super) fn named(names: &[Binary]) -> Document {
    doc! { "_id": { "$in": names.to_vec() } }
}

fn insertion(server: &Connection, collection: &str, row: &RawDocument) -> Result<WriteModel> {
    let document = Document::try_from(row)
        .map_err(|source| Error::internal("a row is malformed").with_source(source))?;
    let namespace = server.collection(collection).namespace();
    Ok(InsertOneModel::builder().namespace(namespace).document(document).build().into())
}
