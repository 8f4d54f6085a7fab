//! Open cursors: the rest of the documents of a query, until it is asked for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_query::expression::Context;
use argon_query::pipeline::{Row, Rows};
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;

use crate::change_stream::ChangeStream;
use crate::failure::{CommandError, Result};
use crate::rights::Claim;
use crate::sessions::{self, SessionId};
use crate::tail::Tail;

/// The number of documents in a first batch, if none is asked for.
pub(crate) const FIRST_BATCH: usize = 101;
/// The most bytes of the documents in a batch. One document may be larger.
pub(crate) const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// A cursor that is not used for so long is closed.
const IDLE: Duration = Duration::from_mins(10);

/// The cursors of a server.
#[derive(Default)]
pub(crate) struct Cursors {
    next: AtomicI64,
    open: Mutex<HashMap<i64, Entry>>,
}

struct Entry {
    namespace: String,
    /// Whose it is.
    claim: Claim,
    used: Instant,
    no_timeout: bool,
    /// Whether it waits for events.
    is_stream: bool,
    /// The transaction that it reads in, which alone may read on.
    transaction: Option<(SessionId, i64)>,
    /// `None` while a batch is read.
    cursor: Option<Cursor>,
}

/// What a cursor gives documents of.
pub(crate) enum Cursor {
    /// The rest of the documents of a query.
    Rows(RowCursor),
    /// A change stream.
    Stream(Box<ChangeStream>),
    /// A capped collection, with what is inserted later.
    Tail(Box<Tail>),
}

/// The documents that a query has not given yet.
pub(crate) struct RowCursor {
    rows: Rows,
    /// Rows that were read, and are not given yet, in reverse.
    read: Vec<Row>,
    ended: bool,
    /// What it evaluates in.
    context: Arc<Context>,
}

/// Documents of a cursor.
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    /// Whether no more follow.
    pub(crate) is_last: bool,
}

impl RowCursor {
    /// A cursor of rows, which are evaluated in a context.
    pub(crate) fn new(rows: Rows, context: Arc<Context>) -> Self {
        Self { rows, read: Vec::new(), ended: false, context }
    }

    /// The next documents: at most `count`, and not many more bytes than fit a message.
    pub(crate) async fn batch(&mut self, count: usize) -> Result<Batch> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < count {
            let Some(row) = self.next().await? else { return Ok(Batch { rows, is_last: true }) };
            let size = row.as_raw().as_bytes().len();
            if !rows.is_empty() && bytes + size > BATCH_BYTES {
                self.read.push(row);
                break;
            }
            bytes += size;
            rows.push(row);
        }
        // A query that has no more documents needs no cursor.
        let is_last = count > 0 && self.read.is_empty() && (self.ended || self.ends_now()?);
        Ok(Batch { rows, is_last })
    }

    /// Whether the rows are known to end here, without waiting for them.
    fn ends_now(&mut self) -> Result<bool> {
        Ok(match self.rows.next().now_or_never() {
            Some(Some(next)) => {
                self.keep(next?);
                self.read.is_empty()
            }
            Some(None) => {
                self.ended = true;
                true
            }
            None => false,
        })
    }

    async fn next(&mut self) -> Result<Option<Row>> {
        while self.read.is_empty() && !self.ended {
            match self.rows.next().await {
                Some(batch) => self.keep(batch?),
                None => self.ended = true,
            }
        }
        Ok(self.read.pop())
    }

    fn keep(&mut self, mut batch: Vec<Row>) {
        batch.reverse();
        self.read = batch;
    }
}

/// A cursor of which a batch is read.
pub(crate) struct Taken<'c> {
    cursors: &'c Cursors,
    id: i64,
    /// `None` once it was put back.
    cursor: Option<Cursor>,
}

impl Taken<'_> {
    /// The cursor.
    pub(crate) fn cursor(&mut self) -> Result<&mut Cursor> {
        self.cursor.as_mut().ok_or_else(|| not_found(self.id))
    }

    /// What a cursor of rows evaluates in; a change stream has the context of each command.
    pub(crate) fn context(&self) -> Option<Arc<Context>> {
        match self.cursor.as_ref()? {
            Cursor::Rows(rows) => Some(rows.context.clone()),
            Cursor::Stream(_) | Cursor::Tail(_) => None,
        }
    }

    /// Puts the cursor back, unless it was killed meanwhile.
    pub(crate) fn put_back(mut self) {
        if let Some(entry) = self.cursors.open().get_mut(&self.id) {
            (entry.cursor, entry.used) = (self.cursor.take(), Instant::now());
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.cursor.is_some() {
            self.cursors.close(self.id);
        }
    }
}

impl Cursors {
    /// Keeps a cursor, and returns its number.
    pub(crate) fn keep(
        &self,
        namespace: String,
        cursor: Cursor,
        no_timeout: bool,
        claim: Claim,
        transaction: Option<(SessionId, i64)>,
    ) -> i64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let entry = Entry {
            namespace,
            claim,
            used: Instant::now(),
            no_timeout,
            is_stream: !matches!(cursor, Cursor::Rows(_)),
            transaction,
            cursor: Some(cursor),
        };
        self.open().insert(id, entry);
        id
    }

    /// Takes a cursor to read a batch of it. It is closed, unless it is [put back](Taken::put_back): so one whose
    /// client goes away meanwhile is not kept.
    ///
    /// # Errors
    /// `CursorNotFound`; `CursorInUse`; `Unauthorized` for a cursor of another collection.
    pub(crate) fn take(
        &self,
        id: i64,
        namespace: &str,
        transaction: Option<(SessionId, i64)>,
    ) -> Result<Taken<'_>> {
        let mut open = self.open();
        let entry = open.get_mut(&id).filter(|entry| entry.transaction == transaction);
        let Some(entry) = entry else { return Err(not_found(id)) };
        if entry.namespace != namespace {
            return Err(CommandError::new(
                13,
                format!(
                    "Requested getMore on namespace '{namespace}', but cursor belongs to a different \
                     namespace {}",
                    entry.namespace
                ),
            ));
        }
        let cursor = entry.cursor.take();
        if cursor.is_none() {
            return Err(CommandError::new(12051, format!("cursor id {id} is already in use")));
        }
        drop(open);
        Ok(Taken { cursors: self, id, cursor })
    }

    /// Whose a cursor is; `None` if it is not open.
    pub(crate) fn claim(&self, id: i64) -> Option<Claim> {
        self.open().get(&id).map(|entry| entry.claim.clone())
    }

    /// Whether an open cursor is a change stream.
    pub(crate) fn is_stream(&self, id: i64) -> bool {
        self.open().get(&id).is_some_and(|entry| entry.is_stream)
    }

    /// Closes a cursor. Returns whether it was open.
    pub(crate) fn close(&self, id: i64) -> bool {
        self.open().remove(&id).is_some()
    }

    /// The number of open cursors.
    /// Closes all: the server has ended, and some of them have it.
    pub(crate) fn close_all(&self) {
        let open = std::mem::take(&mut *self.open());
        drop(open);
    }

    pub(crate) fn count(&self) -> usize {
        self.open().len()
    }

    /// Closes those that were not used for long.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        self.open().retain(|_, entry| {
            let most = if entry.no_timeout { sessions::IDLE } else { IDLE };
            entry.cursor.is_none() || now.duration_since(entry.used) < most
        });
    }

    fn open(&self) -> MutexGuard<'_, HashMap<i64, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(id: i64) -> CommandError {
    CommandError::new(43, format!("cursor id {id} not found"))
}
