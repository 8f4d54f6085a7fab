//! A command that is running.

use std::sync::Arc;

use argon_core::model::{Actor, CollectionName, MAX_ACTOR_BYTES, Message, Trailer, Trailers};
use argon_core::write::{Enforced, WriteRequest};
use argon_core::{Branch, Environment, ErrorKind, State, Store};
use argon_query::expression::Context;
use argon_query::transaction::Transaction;
use bson::raw::RawBsonRef;
use bson::{Bson, Document, Timestamp};
use data_encoding::HEXLOWER;
use tokio::sync::MutexGuard;

use super::Command;
use super::retry::Retry;
use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::failure::{CommandError, Result};
use crate::operations::Operation;
use crate::place::{Place, Reading};
use crate::rights::{Claim, Held, Right, covers_project};
use crate::sessions::{Session, SessionId, SessionState, Work, is_same};
use crate::shared::Shared;
use crate::wire::Request;
use crate::written::TRAILERS;

/// A command that is running, and what it may ask for.
pub(crate) struct Call<'c> {
    pub(crate) shared: &'c Arc<Shared>,
    pub(crate) connection: &'c Connection,
    pub(crate) request: &'c Request,
    pub(crate) command: &'static Command,
    /// The name by which it was called.
    pub(crate) name: &'c str,
    pub(crate) arguments: Arguments<'c>,
    pub(crate) database: &'c str,
    pub(crate) session: Option<Arc<Session>>,
    /// The number of its transaction, or of its retryable write.
    pub(crate) number: Option<i64>,
    pub(crate) in_transaction: bool,
    /// The time at which it reads, if it asks for a snapshot.
    pub(crate) snapshot: Option<Timestamp>,
    pub(crate) operation: &'c Arc<Operation>,
    /// What it did already, if it is a retry.
    pub(crate) retry: Retry,
    /// The rights of the client.
    pub(crate) held: Held,
    /// Whose the cursors that it opens are.
    pub(crate) claim: Claim,
}

impl Call<'_> {
    /// The same on another database.
    pub(crate) fn on<'d>(&'d self, database: &'d str) -> Call<'d> {
        Call {
            shared: self.shared,
            connection: self.connection,
            request: self.request,
            command: self.command,
            name: self.name,
            arguments: self.arguments,
            database,
            session: self.session.clone(),
            number: self.number,
            in_transaction: self.in_transaction,
            snapshot: self.snapshot,
            operation: self.operation,
            retry: self.retry.clone(),
            held: self.held.clone(),
            claim: self.claim.clone(),
        }
    }

    /// What its expressions are evaluated in.
    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.operation.context
    }

    pub(crate) fn environment(&self) -> &Environment {
        self.shared.store.environment()
    }

    /// The address of the server, as drivers are told.
    pub(crate) fn me(&self) -> String {
        let advertised = self.shared.options.advertise.clone();
        advertised.unwrap_or_else(|| self.connection.local.to_string())
    }

    /// The transaction that it belongs to.
    pub(crate) fn transaction(&self) -> Option<(SessionId, i64)> {
        let session = self.session.as_ref().filter(|_| self.in_transaction)?;
        Some((session.id, self.number?))
    }

    /// The collection that the value of the command names.
    ///
    /// # Errors
    /// `InvalidNamespace` for a name that no collection has.
    pub(crate) fn collection(&self) -> Result<CollectionName> {
        match self.arguments.raw().get(self.name)? {
            Some(RawBsonRef::String(name)) => self.collection_named(name),
            _ => Err(CommandError::new(
                73,
                format!(
                    "collection name has invalid type: expected the name after '{}'",
                    self.name
                ),
            )),
        }
    }

    pub(crate) fn collection_named(&self, name: &str) -> Result<CollectionName> {
        CollectionName::new(name).map_err(|error| {
            let database = self.database;
            CommandError::new(
                73,
                format!("Invalid namespace specified '{database}.{name}': {error}"),
            )
        })
    }

    /// The namespace of a collection.
    pub(crate) fn namespace(&self, collection: impl std::fmt::Display) -> String {
        format!("{}.{collection}", self.database)
    }

    /// What the database of the command is.
    pub(crate) async fn place(&self) -> Result<Place> {
        self.shared.places.find(self.database).await
    }

    /// What the command reads: in a transaction, what that has written too.
    pub(crate) async fn read(&self) -> Result<Reading> {
        if self.in_transaction
            && let Place::Head(branch) = self.place().await?
        {
            self.begin_on(&branch).await?;
            let mut state = self.session_state().await?;
            let transaction = begun(&mut state, &branch)?;
            let (state, execution) = (transaction.state().clone(), transaction.execution());
            let project = Some((branch.project().clone(), branch.name().clone()));
            let reading = Reading { state: Some(state), project, viewed: None, execution };
            return Ok(reading.with_views(self.views_read_others()?));
        }
        let reading = self.read_now().await;
        let reading = match reading {
            Err(error) if error.code() == 26 => {
                // The branch may have been deleted, and created again.
                self.shared.places.forget(self.database);
                self.read_now().await
            }
            reading => reading,
        };
        Ok(reading?.with_views(self.views_read_others()?))
    }

    /// Whether views may read other states of the project than the one that the command reads.
    pub(crate) fn views_read_others(&self) -> Result<bool> {
        covers_project(self, Right::Read, self.database)
    }

    /// What is read outside a transaction: the state of now, or of the snapshot.
    async fn read_now(&self) -> Result<Reading> {
        match (self.place().await?, self.snapshot) {
            (Place::Head(branch), Some(time)) => {
                let state = self.shared.snapshots.state(&branch, time).await?;
                let (project, name) = (branch.project().clone(), branch.name().clone());
                Ok(Reading::new(state, project, name, self.context()))
            }
            (place, _) => place.read(self.context()).await,
        }
    }

    /// The state that the command reads; `None` if there is none yet.
    pub(crate) async fn state(&self) -> Result<Option<State>> {
        Ok(self.read().await?.state)
    }

    /// The branch that the command writes to, which it creates if it is not there.
    pub(crate) async fn writable(&self) -> Result<Branch> {
        Ok(self.writable_head().await?.0)
    }

    /// The same, with its head.
    pub(crate) async fn writable_head(&self) -> Result<(Branch, State)> {
        let branch = self.shared.places.writable(self.database, &self.store()?).await?;
        match branch.head().await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.shared.places.forget(self.database);
                let branch = self.shared.places.writable(self.database, &self.store()?).await?;
                let head = branch.head().await?;
                Ok((branch, head))
            }
            Err(error) => Err(error.into()),
            Ok(head) => Ok((branch, head)),
        }
    }

    /// The store, whose changes are signed by the client.
    pub(crate) fn store(&self) -> Result<Store> {
        Ok(self.shared.store.session(self.actor()?))
    }

    /// The collection that the command reads, if it is one that queries, and the stages over it; empty for the
    /// pipeline of a database.
    pub(crate) fn collection_read(&self) -> Result<Option<(&str, Vec<Document>)>> {
        let explained = self.arguments.raw_document("explain");
        let (name, arguments) = match explained {
            Ok(Some(inner)) if self.command.name == "explain" => {
                let Some(Ok((name, _))) = inner.iter().next() else { return Ok(None) };
                (name.as_str(), Arguments::new(name.as_str(), inner))
            }
            _ => (self.name, self.arguments),
        };
        if !["find", "aggregate", "count", "distinct"].contains(&name) {
            return Ok(None);
        }
        let collection = arguments.raw().get_str(name).unwrap_or_default();
        let stages =
            if name == "aggregate" { arguments.document_list("pipeline")? } else { Vec::new() };
        Ok(Some((collection, stages)))
    }

    /// The user who is logged in, or otherwise the application.
    fn actor(&self) -> Result<Actor> {
        if let Some(who) = &self.claim.user {
            let name = who.name.to_string();
            // The subject of a certificate may be too long.
            let end = name.floor_char_boundary(MAX_ACTOR_BYTES);
            return Ok(Actor::new(&name[..end])?);
        }
        match self.connection.application() {
            Some(application) if !application.is_empty() => {
                Ok(Actor::new(application).unwrap_or_else(|_| self.shared.store.actor().clone()))
            }
            _ => Ok(self.shared.store.actor().clone()),
        }
    }

    /// An empty request, signed by the client: the comment of the command is the message, and the session
    /// and its number are trailers, by which a retry is recognised.
    pub(crate) fn signed(&self, branch: &Branch) -> Result<WriteRequest> {
        let mut request = branch.request_as(Some(self.actor()?));
        if let Some(comment) = self.arguments.bson("comment")? {
            let text = match comment {
                Bson::String(text) => text,
                other => other.into_relaxed_extjson().to_string(),
            };
            if let Ok(message) = Message::new(text) {
                request.set_message(message);
            }
        }
        request.set_trailers(self.trailers()?);
        if self.bypasses_validation()? {
            request.set_enforced(Enforced::Unique);
        }
        Ok(request)
    }

    /// Whether the command asks to write documents that the validator of their collection refuses.
    pub(crate) fn bypasses_validation(&self) -> Result<bool> {
        self.arguments.is_set("bypassDocumentValidation")
    }

    /// [`signed`](Self::signed) for one statement of several.
    pub(crate) fn signed_statement(&self, branch: &Branch, index: usize) -> Result<WriteRequest> {
        let mut request = self.signed(branch)?;
        let trailers = self.trailers()?;
        if !trailers.is_empty() {
            request.set_trailers(trailers.with(Trailer::new(TRAILERS[2], &index.to_string())?)?);
        }
        Ok(request)
    }

    /// The session and the number, for a command that may be sent again.
    pub(crate) fn trailers(&self) -> Result<Trailers> {
        let (Some(session), Some(number)) = (&self.session, self.number) else {
            return Ok(Trailers::default());
        };
        let session = Trailer::new(TRAILERS[0], &HEXLOWER.encode(&session.id))?;
        let number = Trailer::new(TRAILERS[1], &number.to_string())?;
        Ok(Trailers::default().with(session)?.with(number)?)
    }

    /// The state of the session, which must be there.
    pub(crate) async fn session_state(&self) -> Result<MutexGuard<'_, SessionState>> {
        match &self.session {
            Some(session) => Ok(session.state.lock().await),
            None => Err(CommandError::new(206, "the command needs a session (lsid)")),
        }
    }

    /// Begins the transaction on a branch, in the state of the time when it began, unless that has
    /// happened.
    pub(crate) async fn begin_on(&self, branch: &Branch) -> Result<()> {
        let mut state = self.session_state().await?;
        let Work::Open(open) = &mut state.work else { return Err(no_transaction()) };
        if open.on(branch).is_none() {
            let transaction = if open.begun.is_empty() {
                Transaction::begin(branch).await?
            } else {
                let state = self.shared.snapshots.state(branch, open.time).await?;
                Transaction::begin_at(branch, state)
            };
            open.begun.push((branch.clone(), transaction));
        }
        if let Some(transaction) = open.on(branch) {
            transaction.set_context(self.context().clone());
        }
        Ok(())
    }

    /// What the transaction does on a branch that it writes to.
    ///
    /// # Errors
    /// `OperationNotSupportedInTransaction` if it has written to another branch, or with the validators that this
    /// command bypasses.
    pub(crate) fn writing<'s>(
        &self,
        state: &'s mut SessionState,
        branch: &Branch,
    ) -> Result<&'s mut Transaction> {
        if let Work::Open(open) = &state.work
            && let Some(written) = open.written()
            && !is_same(written, branch)
        {
            return Err(CommandError::new(
                263,
                format!(
                    "a transaction writes to one branch: it has written to '{}:{}', and can't write to '{}'",
                    written.project().name(),
                    written.name(),
                    self.database
                ),
            ));
        }
        if self.command.name != "delete"
            && let Work::Open(open) = &mut state.work
            && *open.bypasses_validation.get_or_insert(self.bypasses_validation()?)
                != self.bypasses_validation()?
        {
            return Err(CommandError::new(
                263,
                "a transaction is one commit, which bypasses validators as a whole or not: give all of its writes \
                 the same bypassDocumentValidation",
            ));
        }
        begun(state, branch)
    }
}

/// What a transaction does on a branch, on which it has begun.
fn begun<'s>(state: &'s mut SessionState, branch: &Branch) -> Result<&'s mut Transaction> {
    match &mut state.work {
        Work::Open(open) => open.on(branch).ok_or_else(no_transaction),
        _ => Err(no_transaction()),
    }
}

/// The error for a transaction that is not open.
pub(crate) fn no_transaction() -> CommandError {
    CommandError::new(251, "the transaction was aborted, or has never begun")
        .with_label("TransientTransactionError")
}
