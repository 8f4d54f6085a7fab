//! Logical sessions of drivers: their transactions, and the replies of writes that may be retried.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon_core::Branch;
use argon_query::transaction::Transaction;
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc};

use crate::failure::{CommandError, Result};

/// A session that is not used for so long ends.
pub(crate) const IDLE: Duration = Duration::from_mins(30);

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
    /// The latest number of a transaction or of a retryable write.
    pub(crate) number: i64,
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
    /// A transaction that was committed, and its reply.
    Committed(Document),
    /// A transaction that was aborted.
    Aborted,
}

/// An open transaction. It is of one branch, which its first command names.
#[derive(Default)]
pub(crate) struct OpenTransaction {
    pub(crate) begun: Option<(Branch, Transaction)>,
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
    pub(crate) fn listed(&self) -> Vec<Document> {
        let listed = |id: &SessionId| {
            let id = Binary { subtype: BinarySubtype::Uuid, bytes: id.to_vec() };
            doc! { "_id": { "id": id }, "lastUse": DateTime::now() }
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
        if number < self.number {
            return Err(CommandError::new(
                225,
                format!(
                    "Cannot start transaction {number} because a newer transaction {} has already started",
                    self.number
                ),
            ));
        }
        if number > self.number {
            self.number = number;
            self.work = Work::None;
        }
        Ok(())
    }
}
