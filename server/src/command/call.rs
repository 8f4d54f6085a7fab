//! A command that is running.

use std::sync::Arc;

use argon_core::model::{MAX_ACTOR_BYTES, Actor, CollectionName, Message, Trailer, Trailers};
use argon_core::write::WriteRequest;
use argon_core::{Branch, Environment, ErrorKind, State, Store};
use argon_query::transaction::Transaction;
use bson::Bson;
use bson::raw::RawBsonRef;
use data_encoding::HEXLOWER;
use tokio::sync::MutexGuard;

use super::Command;
use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::failure::{CommandError, Result};
use crate::place::{Place, Reading};
use crate::rights::{Claim, Held};
use crate::sessions::{Session, SessionState, Work};
use crate::shared::Shared;
use crate::wire::Request;

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
    /// The rights of the client.
    pub(crate) held: Held,
    /// Whose the cursors that it opens are.
    pub(crate) claim: Claim,
}

impl<'c> Call<'c> {
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
            held: self.held.clone(),
            claim: self.claim.clone(),
        }
    }

    pub(crate) fn environment(&self) -> &Environment {
        self.shared.store.environment()
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
                format!("collection name has invalid type: expected the name after '{}'", self.name),
            )),
        }
    }

    pub(crate) fn collection_named(&self, name: &str) -> Result<CollectionName> {
        CollectionName::new(name).map_err(|error| {
            let database = self.database;
            CommandError::new(73, format!("Invalid namespace specified '{database}.{name}': {error}"))
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
        if self.in_transaction && self.begin().await? {
            let mut state = self.session_state().await?;
            let (_, transaction) = self.begun(&mut state)?;
            let (state, execution) = (transaction.state().clone(), transaction.execution());
            return Ok(Reading { state: Some(state), execution });
        }
        let reading = self.place().await?.read(self.environment()).await;
        match reading {
            Err(error) if error.code() == 26 => {
                // The branch may have been deleted, and created again.
                self.shared.places.forget(self.database);
                self.place().await?.read(self.environment()).await
            }
            reading => reading,
        }
    }

    /// The state that the command reads; `None` if there is none yet.
    pub(crate) async fn state(&self) -> Result<Option<State>> {
        Ok(self.read().await?.state)
    }

    /// The branch that the command writes to, which it creates if it is not there.
    pub(crate) async fn writable(&self) -> Result<Branch> {
        let branch = self.shared.places.writable(self.database, &self.store()?).await?;
        match branch.info().await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.shared.places.forget(self.database);
                self.shared.places.writable(self.database, &self.store()?).await
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(branch),
        }
    }

    /// The store, whose changes are signed by the client.
    pub(crate) fn store(&self) -> Result<Store> {
        Ok(self.shared.store.session(self.actor()?))
    }

    /// The collection that the command reads, if it is one that queries.
    pub(crate) fn collection_read(&self) -> Option<&str> {
        let (name, arguments) = match self.arguments.raw_document("explain") {
            Ok(Some(inner)) if self.command.name == "explain" => {
                (inner.iter().next()?.ok()?.0.as_str(), inner)
            }
            _ => (self.name, self.arguments.raw()),
        };
        let queries = ["find", "aggregate", "count", "distinct"];
        arguments.get_str(name).ok().filter(|_| queries.contains(&name))
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
        if let (Some(session), Some(number)) = (&self.session, self.number) {
            let session = Trailer::new("session", &HEXLOWER.encode(&session.id))?;
            let number = Trailer::new("txn", &number.to_string())?;
            request.set_trailers(Trailers::default().with(session)?.with(number)?);
        }
        Ok(request)
    }

    /// The state of the session, which must be there.
    pub(crate) async fn session_state(&self) -> Result<MutexGuard<'_, SessionState>> {
        match &self.session {
            Some(session) => Ok(session.state.lock().await),
            None => Err(CommandError::new(206, "the command needs a session (lsid)")),
        }
    }

    /// Begins the transaction at the head of the branch, unless that has happened. Returns whether it has begun:
    /// past states, and databases that are not there yet, are read as they are.
    async fn begin(&self) -> Result<bool> {
        let place = self.place().await?;
        let Place::Head(branch) = place else { return Ok(false) };
        self.begin_on(branch).await?;
        Ok(true)
    }

    /// Begins the transaction on a branch, unless that has happened.
    ///
    /// # Errors
    /// `OperationNotSupportedInTransaction` if it has begun on another branch.
    pub(crate) async fn begin_on(&self, branch: Branch) -> Result<()> {
        let mut state = self.session_state().await?;
        let Work::Open(open) = &mut state.work else { return Err(no_transaction()) };
        match &open.begun {
            Some((begun, _))
                if begun.name() == branch.name()
                    && begun.project().name() == branch.project().name() =>
            {
                Ok(())
            }
            Some((begun, _)) => Err(CommandError::new(
                263,
                format!(
                    "a transaction is of one branch: it has begun on '{}:{}', and can't use '{}'",
                    begun.project().name(),
                    begun.name(),
                    self.database
                ),
            )),
            None => {
                let transaction = Transaction::begin(&branch).await?;
                open.begun = Some((branch, transaction));
                Ok(())
            }
        }
    }

    /// The transaction that has begun.
    pub(crate) fn begun<'s>(
        &self,
        state: &'s mut SessionState,
    ) -> Result<&'s mut (Branch, Transaction)> {
        match &mut state.work {
            Work::Open(open) => open.begun.as_mut().ok_or_else(no_transaction),
            _ => Err(no_transaction()),
        }
    }
}

/// The error for a transaction that is not open.
pub(crate) fn no_transaction() -> CommandError {
    CommandError::new(251, "the transaction was aborted, or has never begun")
        .with_label("TransientTransactionError")
}
