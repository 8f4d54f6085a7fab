//! Logical sessions of drivers: their transactions, and the replies of writes that may be retried.
//!
//! As in MongoDB, the end of a session ends its transaction, and no retry: whoever uses the session again goes on
//! with its numbers, until they are forgotten after half an hour.

mod replies;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::Branch;
use argon_query::transaction::Transaction;
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, Timestamp, doc};
use futures::FutureExt;
use tokio::time::Instant;

pub(crate) use replies::{KeptReply, Replies};

use crate::failure::{CommandError, Result};

/// A session that is not used for so long ends.
pub(crate) const IDLE: Duration = Duration::from_mins(30);
/// The most sessions, as in MongoDB.
const MOST: usize = 1_000_000;
/// A transaction that is open for so long is aborted, as by MongoDB's `transactionLifetimeLimitSeconds`.
pub(crate) const LIFETIME: Duration = Duration::from_mins(1);

/// The identity of a session: the bytes of its UUID.
pub(crate) type SessionId = [u8; 16];

/// The sessions of a server.
#[derive(Default)]
pub(crate) struct Sessions {
    known: Mutex<HashMap<SessionId, Arc<Session>>>,
    /// The replies of their writes.
    pub(crate) replies: Replies,
}

/// A session.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    used: Mutex<Instant>,
    /// Whether it was ended, and not used since.
    is_ended: AtomicBool,
    /// The commands of a session run one after the other.
    pub(crate) state: Arc<tokio::sync::Mutex<SessionState>>,
}

/// What a session is doing.
#[derive(Default)]
pub(crate) struct SessionState {
    /// The latest number of a transaction or of a retryable write; `None` before the first that this
    /// run of the server sees.
    pub(crate) number: Option<i64>,
    pub(crate) work: Work,
}

/// What the latest number is of.
#[derive(Default)]
pub(crate) enum Work {
    #[default]
    None,
    /// A write that may be sent again, and its reply.
    Written(KeptReply),
    /// A transaction that is open.
    Open(Box<OpenTransaction>),
    /// A transaction whose commit ended without a result: the log says whether it took place.
    Unknown(Box<Branch>),
    /// A transaction that was committed, and its reply.
    Committed(Document),
    /// A transaction that was aborted.
    Aborted,
}

/// An open transaction. It reads any branches, and writes to one.
pub(crate) struct OpenTransaction {
    since: Instant,
    /// The time at which it began: it reads every branch as it was then.
    pub(crate) time: Timestamp,
    /// Whether its writes bypass validators; `None` before the first.
    pub(crate) bypasses_validation: Option<bool>,
    /// The branches that it has used.
    pub(crate) begun: Vec<(Branch, Transaction)>,
}

impl OpenTransaction {
    pub(crate) fn begin(time: Timestamp) -> Self {
        Self { since: Instant::now(), time, bypasses_validation: None, begun: Vec::new() }
    }

    /// Whether it is open for too long.
    pub(crate) fn has_expired(&self) -> bool {
        self.since.elapsed() >= LIFETIME
    }

    /// What it does on a branch.
    pub(crate) fn on(&mut self, branch: &Branch) -> Option<&mut Transaction> {
        let same = |other: &Branch| is_same(other, branch);
        self.begun.iter_mut().find(|(other, _)| same(other)).map(|(_, transaction)| transaction)
    }

    /// The branch that it has written to.
    pub(crate) fn written(&self) -> Option<&Branch> {
        self.begun.iter().find(|(_, transaction)| !transaction.is_empty()).map(|(branch, _)| branch)
    }
}

/// Whether two handles are of one branch.
pub(crate) fn is_same(one: &Branch, other: &Branch) -> bool {
    one.name() == other.name() && one.project().name() == other.project().name()
}

impl Sessions {
    /// The session of this identity, which begins with its first use.
    ///
    /// # Errors
    /// `TooManyLogicalSessions` for a new one.
    pub(crate) fn session(&self, id: SessionId) -> Result<Arc<Session>> {
        let mut known = self.known();
        if known.len() >= MOST && !known.contains_key(&id) {
            let message = format!("the server has {MOST} sessions, which is the most: end some");
            return Err(CommandError::new(261, message));
        }
        let session = known.entry(id).or_insert_with(|| {
            let (used, is_ended) = (Mutex::new(Instant::now()), AtomicBool::new(false));
            Arc::new(Session { id, used, is_ended, state: Arc::default() })
        });
        session.is_ended.store(false, Ordering::Relaxed);
        *session.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Ok(session.clone())
    }

    /// Ends a session, with its transaction. What it needs to recognise a retry is kept.
    pub(crate) fn end(&self, id: &SessionId) {
        let mut known = self.known();
        let Some(session) = known.get(id).cloned() else { return };
        let mut locked = Box::pin(session.state.clone().lock_owned());
        match (&mut locked).now_or_never() {
            Some(state) if state.number.is_none() => drop(known.remove(id)),
            Some(mut state) => state.abort(),
            // A command is running in it: this lock is the next one.
            None => drop(tokio::spawn(async move { locked.await.abort() })),
        }
        session.is_ended.store(true, Ordering::Relaxed);
    }

    /// The sessions, as `$listLocalSessions` shows them.
    pub(crate) fn listed(&self, now: DateTime) -> Vec<Document> {
        let listed = |id: &SessionId| {
            let id = Binary { subtype: BinarySubtype::Uuid, bytes: id.to_vec() };
            doc! { "_id": { "id": id }, "lastUse": now }
        };
        let known = self.known();
        let active = known.iter().filter(|(_, session)| !session.has_ended());
        active.map(|(id, _)| listed(id)).collect()
    }

    /// The number of sessions that were not ended.
    pub(crate) fn count(&self) -> usize {
        self.known().values().filter(|session| !session.has_ended()).count()
    }

    /// Forgets those that were not used for long.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        self.known().retain(|_, session| {
            let used = *session.used.lock().unwrap_or_else(PoisonError::into_inner);
            now.duration_since(used) < IDLE
        });
        for session in self.known().values() {
            // One that runs a command is looked at by that.
            if let Ok(mut state) = session.state.try_lock() {
                state.abort_expired();
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Session>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn has_ended(&self) -> bool {
        self.is_ended.load(Ordering::Relaxed)
    }
}

impl SessionState {
    /// Aborts the transaction that is open.
    fn abort(&mut self) {
        if matches!(self.work, Work::Open(_)) {
            self.work = Work::Aborted;
        }
    }

    /// Goes on to a number.
    ///
    /// # Errors
    /// `TransactionTooOld` for one that has passed.
    pub(crate) fn advance(&mut self, number: i64) -> Result<()> {
        match self.number {
            Some(latest) if number < latest => Err(CommandError::new(
                225,
                format!(
                    "Cannot start transaction {number} because a newer transaction {latest} has already started"
                ),
            )),
            Some(latest) if number == latest => Ok(()),
            _ => {
                self.number = Some(number);
                self.work = Work::None;
                Ok(())
            }
        }
    }

    /// Aborts a transaction that is open for too long.
    pub(crate) fn abort_expired(&mut self) {
        if matches!(&self.work, Work::Open(open) if open.has_expired()) {
            self.work = Work::Aborted;
        }
    }
}
