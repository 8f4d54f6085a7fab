//! Transactions: running their commands, and their end.

use argon_core::write::Enforced;
use argon_core::{Branch, ErrorKind};
use bson::Document;

use super::call::no_transaction;
use super::dispatch::limited;
use super::{Call, Reply};
use crate::failure::{CommandError, Result};
use crate::sessions::{OpenTransaction, SessionState, Work};
use crate::written::Written;

/// The commands that a transaction may have.
const COMMANDS: [&str; 12] = [
    "abortTransaction",
    "aggregate",
    "bulkWrite",
    "commitTransaction",
    "delete",
    "distinct",
    "find",
    "findAndModify",
    "getMore",
    "insert",
    "killCursors",
    "update",
];

/// Runs a command of a transaction. An error aborts the transaction.
pub(super) async fn run(call: &Call<'_>) -> Result<Reply> {
    let name = call.command.name;
    let number = call.number;
    let number = number.ok_or_else(|| CommandError::new(72, "'autocommit' needs 'txnNumber'"))?;
    if !COMMANDS.contains(&name) {
        return Err(CommandError::new(
            263,
            format!("Cannot run '{name}' in a multi-document transaction."),
        ));
    }
    let ends = matches!(name, "commitTransaction" | "abortTransaction");
    enter(call, &mut *call.session_state().await?, number, ends)?;
    let result = limited(call).await;
    if ends {
        return result;
    }
    let failed = match &result {
        Ok(reply) => matches!(reply.body.get("writeErrors"), Ok(Some(_))),
        Err(_) => true,
    };
    if failed {
        let mut state = call.session_state().await?;
        if state.number == Some(number) && matches!(state.work, Work::Open(_)) {
            state.work = Work::Aborted;
        }
    }
    result.map_err(transient)
}

/// Begins the transaction, or goes on with it.
fn enter(call: &Call<'_>, state: &mut SessionState, number: i64, ends: bool) -> Result<()> {
    state.abort_expired();
    if call.arguments.is_set("startTransaction")? {
        if state.number == Some(number) && !matches!(state.work, Work::None) {
            return Err(CommandError::new(
                117,
                format!("transaction {number} has already been started"),
            ));
        }
        state.advance(number)?;
        let time = call.shared.clock.tick(call.environment());
        state.work = Work::Open(Box::new(OpenTransaction::begin(time)));
        return Ok(());
    }
    if state.number.is_some_and(|latest| number < latest) {
        return state.advance(number);
    }
    // What was begun before a crash can only be committed already.
    let is_known = state.number == Some(number);
    if ends || is_known && matches!(state.work, Work::Open(_)) {
        return Ok(());
    }
    Err(no_transaction())
}

/// Adds the label by which drivers begin a transaction again.
fn transient(error: CommandError) -> CommandError {
    let is_transient = matches!(error.code(), 6 | 24 | 91 | 112 | 246 | 251 | 11600);
    if is_transient { error.with_label("TransientTransactionError") } else { error }
}

/// `commitTransaction`.
pub(super) async fn commit(call: &Call<'_>) -> Result<Reply> {
    let mut state = call.session_state().await?;
    let number = call.number.unwrap_or_default();
    if state.number != Some(number) {
        return commit_of_before(call, &mut state, number).await;
    }
    match std::mem::replace(&mut state.work, Work::Aborted) {
        Work::Open(open) => commit_open(call, &mut state, *open).await,
        Work::Unknown(branch) => commit_unknown(call, &mut state, branch, number).await,
        Work::Committed(reply) => {
            let answer = Reply::of(&reply);
            state.work = Work::Committed(reply);
            answer
        }
        other => {
            state.work = other;
            Err(no_transaction())
        }
    }
}

async fn commit_open(
    call: &Call<'_>,
    state: &mut SessionState,
    open: OpenTransaction,
) -> Result<Reply> {
    let written = open.begun.into_iter().find(|(_, transaction)| !transaction.is_empty());
    if let Some((branch, transaction)) = written {
        // If the client goes away, the commit is complete or absent: the log says which.
        state.work = Work::Unknown(Box::new(branch.clone()));
        let namespace = format!("{}.…", branch.project().name());
        let mut request = call.signed(&branch)?;
        if open.bypasses_validation == Some(true) {
            request.set_enforced(Enforced::Unique);
        }
        if let Err(error) = transaction.commit(request).await {
            if error.kind() != ErrorKind::Indeterminate {
                state.work = Work::Aborted;
            }
            return Err(commit_error(error, &namespace));
        }
        call.shared.clock.tick(call.environment());
    }
    committed(state)
}

fn committed(state: &mut SessionState) -> Result<Reply> {
    state.work = Work::Committed(Document::new());
    Reply::of(&Document::new())
}

fn commit_error(error: argon_core::Error, namespace: &str) -> CommandError {
    let kind = error.kind();
    let error = CommandError::from(error).in_namespace(namespace);
    match kind {
        // The first committer wins.
        ErrorKind::Conflict | ErrorKind::AlreadyExists if error.code() != 11000 => {
            transient(CommandError::new(112, error.message()))
        }
        ErrorKind::Indeterminate => error.with_label("UnknownTransactionCommitResult"),
        _ => transient(error),
    }
}

/// Commits a transaction again whose commit ended without a result.
async fn commit_unknown(
    call: &Call<'_>,
    state: &mut SessionState,
    branch: Box<Branch>,
    number: i64,
) -> Result<Reply> {
    let session = call.session.as_ref().map(|session| session.id).unwrap_or_default();
    match Written::now(&branch, session, number).await {
        Ok(commits) if commits.is_empty() => Err(no_transaction()),
        Ok(_) => committed(state),
        Err(error) => {
            state.work = Work::Unknown(branch);
            Err(error.with_label("UnknownTransactionCommitResult"))
        }
    }
}

/// Answers the commit of a transaction that this run of the server has not seen: it was committed before
/// a crash, or is lost.
async fn commit_of_before(call: &Call<'_>, state: &mut SessionState, number: i64) -> Result<Reply> {
    let session = call.session.as_ref().map(|session| session.id).unwrap_or_default();
    let found = call.shared.written.is_anywhere(&call.shared.store, session, number).await;
    if !found.map_err(|error| error.with_label("UnknownTransactionCommitResult"))? {
        return Err(no_transaction());
    }
    state.advance(number)?;
    committed(state)
}

/// `abortTransaction`.
pub(super) async fn abort(call: &Call<'_>) -> Result<Reply> {
    let mut state = call.session_state().await?;
    if state.number != call.number {
        return Err(no_transaction());
    }
    match state.work {
        Work::Open(_) => {
            state.work = Work::Aborted;
            Reply::of(&Document::new())
        }
        Work::Committed(_) => Err(CommandError::new(256, "the transaction was committed already")),
        _ => Err(no_transaction()),
    }
}
