//! The commands that run, on all connections, and how they are ended before they are done.
//!
//! An operation is ended by its time, by `killOp`, or since its client has gone away. A command that waits is
//! dropped, unless it writes; what it evaluates ends by an [`Interrupt`](argon_query::Interrupt).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use argon_core::Environment;
use argon_query::Code;
use argon_query::expression::Context;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::AbortOnDrop;
use crate::auth::Who;
use crate::connection::Connection;
use crate::failure::Result;
use crate::sessions::SessionId;
use crate::wire::Request;

/// Why an operation is ended before it is done: MongoDB's code, and the message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reason(u32, &'static str);

impl Reason {
    pub(crate) const TIME_IS_UP: Self = Self(50, "operation exceeded time limit");
    pub(crate) const DISCONNECTED: Self =
        Self(279, "operation was interrupted because a client disconnected");
    pub(crate) const SHUTDOWN: Self = Self(11600, "interrupted at shutdown");
    pub(crate) const KILLED: Self = Self(11601, "operation was interrupted");
}

/// The running commands of a server.
#[derive(Default)]
pub(crate) struct Operations {
    last: AtomicI32,
    running: Mutex<BTreeMap<i32, Arc<Operation>>>,
}

/// A running command.
pub(crate) struct Operation {
    /// The number by which it can be ended.
    pub(crate) id: i32,
    /// The number of its connection.
    pub(crate) connection: i32,
    pub(crate) client: SocketAddr,
    pub(crate) application: Option<String>,
    pub(crate) user: Option<Who>,
    pub(crate) request: Arc<Request>,
    pub(crate) begun: Instant,
    /// Its session, once that is known.
    pub(crate) session: OnceLock<SessionId>,
    /// What its expressions are evaluated in.
    pub(crate) context: Arc<Context>,
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Default)]
struct State {
    reason: Option<Reason>,
    /// Whether it is done, so that nothing ends it any more.
    is_done: bool,
    cursor: Option<Adopted>,
}

/// A cursor that an operation reads, which another one has opened.
struct Adopted {
    context: Arc<Context>,
    /// The entries and documents that had been read before.
    before: [u64; 2],
}

/// What an operation has read.
pub(crate) struct Examined {
    pub(crate) keys: u64,
    pub(crate) documents: u64,
    pub(crate) plan: String,
}

/// An operation that is listed as long as this exists.
pub(crate) struct Running<'o> {
    operations: &'o Operations,
    pub(crate) operation: Arc<Operation>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.operations.running().remove(&self.operation.id);
    }
}

impl Operations {
    /// Lists a command as running.
    pub(crate) fn begin(
        &self,
        environment: &Environment,
        connection: &Connection,
        request: &Arc<Request>,
    ) -> Running<'_> {
        let operation = Arc::new(Operation {
            id: self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
            connection: connection.id,
            client: connection.peer,
            application: connection.application(),
            user: connection.who(),
            request: request.clone(),
            begun: Instant::now(),
            session: OnceLock::new(),
            context: Arc::new(Context::of(environment)),
            state: Mutex::default(),
            ended: Notify::new(),
        });
        self.running().insert(operation.id, operation.clone());
        Running { operations: self, operation }
    }

    /// The running commands, in the order in which they began.
    pub(crate) fn list(&self) -> Vec<Arc<Operation>> {
        self.running().values().cloned().collect()
    }

    pub(crate) fn get(&self, id: i32) -> Option<Arc<Operation>> {
        self.running().get(&id).cloned()
    }

    /// Ends those for which a condition holds.
    pub(crate) fn end(&self, reason: Reason, is_meant: impl Fn(&Operation) -> bool) {
        for operation in self.list().iter().filter(|operation| is_meant(operation)) {
            operation.end(reason);
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<Operation>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operation {
    /// Ends it, unless it is done.
    pub(crate) fn end(&self, reason: Reason) {
        let mut state = self.state();
        if state.is_done || state.reason.is_some() {
            return;
        }
        state.reason = Some(reason);
        let cursor = state.cursor.as_ref().map(|cursor| &cursor.context);
        for context in cursor.into_iter().chain([&self.context]) {
            reason.end(context);
        }
        drop(state);
        self.ended.notify_waiters();
    }

    /// Ends it after a time, as long as the result exists.
    pub(crate) fn end_after(self: &Arc<Self>, time: Duration) -> AbortOnDrop<()> {
        let operation = self.clone();
        AbortOnDrop(tokio::spawn(async move {
            tokio::time::sleep(time).await;
            operation.end(Reason::TIME_IS_UP);
        }))
    }

    /// Makes what a cursor evaluates its own, in the context of the operation that opened it.
    pub(crate) fn adopt(&self, context: Arc<Context>) {
        let mut state = self.state();
        if let Some(reason) = state.reason {
            reason.end(&context);
        }
        let before = read_in(&context);
        state.cursor = Some(Adopted { context, before });
    }

    /// What it has read so far.
    pub(crate) fn examined(&self) -> Examined {
        let state = self.state();
        let own = (&self.context, [0; 2]);
        let cursor = state.cursor.as_ref().map(|cursor| (&cursor.context, cursor.before));
        let (context, before) = cursor.unwrap_or(own);
        let read = read_in(context);
        Examined {
            keys: read[0].saturating_sub(before[0]),
            documents: read[1].saturating_sub(before[1]),
            plan: context.examined().plan_summary(),
        }
    }

    /// Makes it one that nothing ends any more: its cursor is for others to read.
    ///
    /// # Errors
    /// If it was ended already.
    pub(crate) fn done(&self) -> Result<()> {
        let mut state = self.state();
        state.is_done = state.reason.is_none();
        drop(state);
        self.check()
    }

    /// Goes on, unless it was ended.
    ///
    /// # Errors
    /// Why it was.
    pub(crate) fn check(&self) -> Result<()> {
        Ok(self.context.check()?)
    }

    /// Whether it was ended, and has not stopped yet.
    pub(crate) fn is_ending(&self) -> bool {
        self.state().reason.is_some()
    }

    /// Waits for a result, unless it is ended before.
    ///
    /// # Errors
    /// Why it was.
    pub(crate) async fn unless_ended<T>(&self, waiting: impl Future<Output = T>) -> Result<T> {
        let ended = async {
            loop {
                let ended = self.ended.notified();
                if let Err(error) = self.check() {
                    return error;
                }
                ended.await;
            }
        };
        tokio::select! {
            biased;
            error = ended => Err(error),
            result = waiting => Ok(result),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reason {
    fn end(self, context: &Context) {
        context.interrupt().set(Code::location(self.0), self.1);
    }
}

/// The entries and the documents that were read.
fn read_in(context: &Context) -> [u64; 2] {
    [context.examined().keys(), context.examined().documents()]
}
