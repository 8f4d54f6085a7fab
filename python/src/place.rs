//! What documents are read of, and written to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use argon_core::model::{BranchName, Lsn, ProjectName, Trailers};
use argon_core::{Branch, Digest, Error, Revision, State};
use argon_query::expression::Context;
use argon_query::pipeline::{Execution, Limits, StateCollections};
use argon_query::transaction::Transaction;
use argon_service::Result;
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use crate::connection::{Connection, Lease, forget_state};
use crate::users::{StoreUser, closed};

/// The head of a branch, a past state, or a transaction.
#[derive(Clone)]
pub(crate) struct PlaceOfDocuments {
    pub(crate) connection: Arc<Connection>,
    pub(crate) project: ProjectName,
    pub(crate) branch: BranchName,
    /// The trailers of what is committed here.
    trailers: Trailers,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Head,
    State(Arc<PastState>),
    Transaction(Arc<OpenTransaction>),
}

/// A state as it was when it was named.
pub(crate) struct PastState {
    connection: Arc<Connection>,
    /// Under this number an open store keeps the state.
    number: u64,
    revision: Revision,
    pub(crate) lsn: Lsn,
    pub(crate) digest: Digest,
}

/// A transaction; `None` after its end.
pub(crate) type OpenTransaction = Mutex<Option<Begun>>;

/// A transaction that was begun, with what it keeps open.
pub(crate) struct Begun {
    pub(crate) transaction: Transaction,
    pub(crate) branch: Branch,
    pub(crate) _lease: Lease,
}

/// What a read reads, which stays open as long as this.
pub(crate) struct Reading {
    pub(crate) lease: Lease,
    /// Below the writes of a transaction.
    pub(crate) state: State,
    pub(crate) execution: Execution,
    /// Whether the state is all that is read.
    pub(crate) is_state: bool,
}

static STATES: AtomicU64 = AtomicU64::new(0);

impl PlaceOfDocuments {
    pub(crate) fn head(
        connection: Arc<Connection>,
        project: ProjectName,
        branch: BranchName,
        trailers: Trailers,
    ) -> Self {
        Self { connection, project, branch, trailers, kind: Kind::Head }
    }

    /// The state that a revision names now.
    ///
    /// # Errors
    /// `NotFound` if it does not exist.
    pub(crate) async fn state(
        connection: Arc<Connection>,
        project: ProjectName,
        branch: BranchName,
        revision: Revision,
    ) -> Result<Self> {
        let lease = connection.lease().await?;
        let trailers = Trailers::default();
        let workspace = lease.workspace(&project, &branch, &trailers).await?;
        let revision = revision.explicit(&workspace.project).await?;
        let state = workspace.state(Some(&revision)).await?;
        let past = PastState {
            connection: connection.clone(),
            number: STATES.fetch_add(1, Ordering::Relaxed),
            revision,
            lsn: state.lsn(),
            digest: state.last_digest().await?,
        };
        lease.keep_state(past.number, &state);
        drop(lease);
        Ok(Self { connection, project, branch, trailers, kind: Kind::State(Arc::new(past)) })
    }

    /// Begins a transaction on a branch.
    ///
    /// # Errors
    /// `NotFound` if it does not exist.
    pub(crate) async fn transaction(
        connection: Arc<Connection>,
        project: ProjectName,
        branch: BranchName,
        trailers: Trailers,
    ) -> Result<Self> {
        let lease = connection.lease().await?;
        let head = lease.branch_with_trailers(&project, &branch, &trailers).await?;
        let transaction = Transaction::begin(&head).await?;
        let open = Arc::new(Mutex::new(Some(Begun { transaction, branch: head, _lease: lease })));
        let user: Weak<OpenTransaction> = Arc::downgrade(&open);
        connection.users.add(user)?;
        Ok(Self { connection, project, branch, trailers, kind: Kind::Transaction(open) })
    }

    /// The past state, if it is one.
    pub(crate) fn past(&self) -> Option<&PastState> {
        match &self.kind {
            Kind::State(past) => Some(past),
            Kind::Head | Kind::Transaction(_) => None,
        }
    }

    /// The transaction, if it is one.
    pub(crate) fn open_transaction(&self) -> Option<&Arc<OpenTransaction>> {
        match &self.kind {
            Kind::Transaction(open) => Some(open),
            Kind::Head | Kind::State(_) => None,
        }
    }

    /// The branch that takes writes, with the store open.
    ///
    /// # Errors
    /// `Invalid` for a past state.
    pub(crate) async fn writable(&self) -> Result<(Lease, Branch)> {
        if self.past().is_some() {
            let error = Error::invalid("a past state can't be changed; write to its branch");
            return Err(error.into());
        }
        let lease = self.connection.lease().await?;
        let branch =
            lease.branch_with_trailers(&self.project, &self.branch, &self.trailers).await?;
        Ok((lease, branch))
    }

    /// What a read reads now.
    ///
    /// # Errors
    /// `NotFound` if the branch or the state does not exist any more.
    pub(crate) async fn reading(&self) -> Result<Reading> {
        let lease = self.connection.lease().await?;
        if let Kind::Transaction(open) = &self.kind {
            let begun = open.lock().await;
            let transaction = &begun.as_ref().ok_or_else(|| self.ended())?.transaction;
            let (state, execution) = (transaction.state().clone(), transaction.execution());
            return Ok(Reading { lease, state, execution, is_state: transaction.is_empty() });
        }
        let (state, collections) = match &self.kind {
            Kind::State(past) => {
                let state = self.past_state(&lease, past).await?;
                let workspace = lease.project(&self.project).await?;
                let collections = StateCollections::new(state.clone());
                (state, collections.with_project(workspace, self.branch.clone()))
            }
            Kind::Head | Kind::Transaction(_) => {
                let branch = lease.branch(&self.project, &self.branch).await?;
                let state = branch.head().await?;
                let collections = StateCollections::new(state.clone());
                let project = branch.project().clone();
                (state, collections.with_project(project, self.branch.clone()))
            }
        };
        let context = Arc::new(Context::of(state.environment()));
        let execution = Execution::new(Arc::new(collections), context, Limits::default());
        Ok(Reading { lease, state, execution, is_state: true })
    }

    /// The error for a transaction that has ended.
    pub(crate) fn ended(&self) -> Error {
        if self.connection.is_closed() {
            return closed();
        }
        Error::invalid("this commit has ended; begin another")
    }

    async fn past_state(&self, lease: &Lease, past: &PastState) -> Result<State> {
        if let Some(state) = lease.known_state(past.number) {
            return Ok(state);
        }
        let workspace = lease.workspace(&self.project, &self.branch, &self.trailers).await?;
        let named = workspace.state(Some(&past.revision)).await?;
        let state = named.at(past.lsn).await?;
        if state.last_digest().await? != past.digest {
            return Err(Error::conflict(format!(
                "the history of '{}' was replaced since this state was opened: LSN {} is another \
                 commit now",
                past.revision, past.lsn
            ))
            .into());
        }
        lease.keep_state(past.number, &state);
        Ok(state)
    }
}

impl StoreUser for OpenTransaction {
    fn end(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { drop(self.lock().await.take()) })
    }
}

impl Drop for PastState {
    fn drop(&mut self) {
        forget_state(&self.connection, self.number);
    }
}
