//! Logical sessions of drivers: their transactions, and the replies of writes that may be retried.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::Branch;
use argon_query::transaction::Transaction;
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, Timestamp, doc};
use tokio::time::Instant;

use crate::failure::{CommandError, Result};

/// A session that is not used for so long ends.
pub(crate) const IDLE: Duration = Duration::from_mins(30);
/// A transaction that is open for so long is aborted, as by MongoDB's `transactionLifetimeLimitSeconds`.
pub(crate) const LIFETIME: Duration = Duration::from_mins(1);

/// The identity of a session: the bytes of its UUID.
pub(crate) type SessionId = [u8; 16];

/// The sessions of a server.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<SessionId, Arc<Session>>>,
}

/// A session.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    used: Mutex<Instant>,
    /// The commands of a session run one after the other.
    pub(crate) state: tokio::sync::Mutex<SessionState>,
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
    Written(Document),
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
    pub(crate) fn session(&self, id: SessionId) -> Arc<Session> {
        let mut open = self.open();
        let session = open.entry(id).or_insert_with(|| {
            let (used, state) = (Mutex::new(Instant::now()), tokio::sync::Mutex::default());
            Arc::new(Session { id, used, state })
        });
        *session.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        session.clone()
    }

    /// Ends a session, with its transaction.
    pub(crate) fn end(&self, id: &SessionId) {
        self.open().remove(id);
    }

    /// The sessions, as `$listLocalSessions` shows them.
    pub(crate) fn listed(&self, now: DateTime) -> Vec<Document> {
        let listed = |id: &SessionId| {
            let id = Binary { subtype: BinarySubtype::Uuid, bytes: id.to_vec() };
            doc! { "_id": { "id": id }, "lastUse": now }
        };
        self.open().keys().map(listed).collect()
    }

    /// The number of sessions.
    pub(crate) fn count(&self) -> usize {
        self.open().len()
    }

    /// Ends those that were not used for long.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        self.open().retain(|_, session| {
            let used = *session.used.lock().unwrap_or_else(PoisonError::into_inner);
            now.duration_since(used) < IDLE
        });
        for session in self.open().values() {
            // One that runs a command is looked at by that.
            if let Ok(mut state) = session.state.try_lock() {
                state.abort_expired();
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionState {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_session_only_grow() {
        let mut state = SessionState::default();
        state.advance(0).unwrap();
        state.work = Work::Written(Document::new());
        state.advance(0).unwrap();
        assert!(matches!(state.work, Work::Written(_)));
        state.advance(7).unwrap();
        assert!(matches!(state.work, Work::None));
        assert_eq!(state.advance(6).unwrap_err().code(), 225);
    }

    #[test]
    fn a_transaction_ends_after_its_lifetime() {
        let mut open = OpenTransaction::begin(Timestamp { time: 1, increment: 1 });
        assert!(!open.has_expired());
        let Some(since) = Instant::now().checked_sub(LIFETIME) else { return };
        open.since = since;
        let mut state = SessionState { number: Some(1), work: Work::Open(Box::new(open)) };
        state.abort_expired();
        assert!(matches!(state.work, Work::Aborted));
    }
}
