//! Applying a list of statements.
//!
//! In a transaction they are applied to that; an error ends the list, and the transaction. Otherwise those
//! that succeed become one commit. Statements of which the store itself refuses one, such as by a unique index, are
//! repeated one by one, each a commit.

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::write::WriteRequest;
use argon_core::{Branch, Error, ErrorKind, State};
use argon_query::commands;
use argon_query::modify::Modified;
use argon_query::transaction::{self, Transaction};
use bson::Bson;
use futures::FutureExt;

use super::super::Call;
use super::earlier::Earlier;
use super::statement::{Done, Statement};
use crate::computing::computing;
use crate::failure::{CommandError, Result};
use crate::namespace::Database;
use crate::views;

pub(super) type Statements = Vec<(CollectionName, Statement)>;

/// Applies statements in their order. The result has one entry for each that was tried: after an error
/// of an ordered list, no more are.
///
/// # Errors
/// The error of a whole command: the database can't be written, or a transaction failed.
pub(super) async fn execute(
    call: &Call<'_>,
    statements: Statements,
    is_ordered: bool,
) -> Result<Vec<Result<Done>>> {
    // What matches nothing does not create a project.
    if !statements.iter().any(|(_, statement)| creates(statement))
        && matches!(call.shared.places.parse(call.database)?, Database::Project { .. })
        && !call.shared.places.is_known(call.database)
        && !call.shared.places.has_project(call.database).await?
    {
        return Ok(statements.iter().map(|_| Ok(Done::default())).collect());
    }
    let (branch, head) = call.writable_head().await?;
    refuse_views(call, &head, &statements)?;
    let statements = Arc::new(with_collations(&head, statements));
    let applied = apply_all(call, branch, &statements, is_ordered);
    let is_scan = statements.iter().any(|(_, statement)| has_collation(statement));
    if is_scan { computing(applied).await } else { applied.await }
}

/// Whether a statement compares texts by a collation, so that even an `_id` is found by a scan.
fn has_collation(statement: &Statement) -> bool {
    match statement {
        Statement::Insert(_) => false,
        Statement::Update(command) => !command.collation.is_empty(),
        Statement::Delete(command) => !command.collation.is_empty(),
    }
}

/// Applies statements to a branch, or to the transaction of the session.
async fn apply_all(
    call: &Call<'_>,
    branch: Branch,
    statements: &Arc<Statements>,
    is_ordered: bool,
) -> Result<Vec<Result<Done>>> {
    if call.in_transaction {
        let done = in_transaction(call, branch, statements).await?;
        return of_command(call, &done).map_or(Ok(done), Err);
    }
    let earlier = Earlier::of(call, &branch).await?;
    let done = match statements.as_slice() {
        _ if earlier.is_whole() => earlier.results(call, &branch, statements, is_ordered).await?,
        [only] => vec![single(call, &branch, only, call.signed(&branch)?).await],
        _ if !earlier.is_empty() => {
            one_by_one(call, &branch, statements, is_ordered, &earlier).await
        }
        _ => match together(call, &branch, statements, is_ordered).await? {
            Some(done) => done,
            None => one_by_one(call, &branch, statements, is_ordered, &earlier).await,
        },
    };
    call.shared.clock.tick(call.environment());
    if let Some(error) = of_command(call, &done) {
        return Err(error);
    }
    let named = |(done, (collection, _)): (Result<Done>, &(CollectionName, Statement))| {
        done.map_err(|error| error.in_namespace(&call.namespace(collection)))
    };
    Ok(done.into_iter().zip(&**statements).map(named).collect())
}

/// Whether a statement may create a collection.
fn creates(statement: &Statement) -> bool {
    match statement {
        Statement::Insert(_) => true,
        Statement::Update(command) => command.upsert,
        Statement::Delete(_) => false,
    }
}

/// Applies statements to the transaction of the session.
async fn in_transaction(
    call: &Call<'_>,
    branch: Branch,
    statements: &Statements,
) -> Result<Vec<Result<Done>>> {
    call.begin_on(&branch).await?;
    let mut state = call.session_state().await?;
    let transaction = call.writing(&mut state, &branch)?;
    let mut all = Vec::new();
    for statement in statements {
        let done = apply(transaction, statement)
            .await
            .map_err(|error| CommandError::from(error).in_namespace(&call.namespace(&statement.0)));
        let is_error = done.is_err();
        all.push(done);
        if is_error {
            break;
        }
    }
    Ok(all)
}

/// Applies a statement in a commit of its own; `request` is empty, with its signature.
async fn single(
    call: &Call<'_>,
    branch: &Branch,
    statement: &(CollectionName, Statement),
    request: WriteRequest,
) -> Result<Done> {
    let turns = &call.shared.turns;
    let (collection, filter) = match statement {
        (_, Statement::Insert(_)) => return attempt(call, branch, statement, request).await,
        (collection, Statement::Update(command)) => (collection, &command.filter),
        (collection, Statement::Delete(command)) => (collection, &command.filter),
    };
    let turn = turns.of_document(branch, collection, filter).await;
    match attempt(call, branch, statement, request.clone()).await {
        Err(error) if error.code() == 112 && turn.is_none() => {
            let _turn = turns.of_collection(branch, collection).await;
            attempt(call, branch, statement, request).await
        }
        done => done,
    }
}

async fn attempt(
    call: &Call<'_>,
    branch: &Branch,
    (collection, statement): &(CollectionName, Statement),
    request: WriteRequest,
) -> Result<Done> {
    let (signed, context) = (|| request.clone(), call.context());
    match statement {
        Statement::Insert(document) => {
            commands::insert(branch, collection, [document.clone()], request).await?;
            Ok(inserted())
        }
        Statement::Update(command) => {
            Ok(done(command.run_in(context, branch, collection, None, &signed).await?))
        }
        Statement::Delete(command) => {
            Ok(done(command.run_in(context, branch, collection, None, &signed).await?))
        }
    }
}

async fn one_by_one(
    call: &Call<'_>,
    branch: &Branch,
    statements: &Statements,
    is_ordered: bool,
    earlier: &Earlier,
) -> Vec<Result<Done>> {
    let mut all = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let done = match (earlier.statement(index), call.signed_statement(branch, index)) {
            (Some(lsn), _) => Earlier::result(call, branch, lsn, statement).await,
            (None, Ok(request)) => single(call, branch, statement, request).await,
            (None, Err(error)) => Err(error),
        };
        let is_error = done.is_err();
        all.push(done);
        if is_error && (is_ordered || call.operation.is_ending()) {
            break;
        }
    }
    all
}

/// The error of a statement that is that of the command: the store has not answered it, or it was ended.
fn of_command(call: &Call<'_>, done: &[Result<Done>]) -> Option<CommandError> {
    let ended = || {
        let ended = call.operation.check().err()?;
        done.iter().any(|done| done.as_ref().err() == Some(&ended)).then_some(ended)
    };
    without_result(done).or_else(ended)
}

/// The error of a statement that the store has not answered. It is that of the command, so that a retry
/// looks for what was committed.
fn without_result(done: &[Result<Done>]) -> Option<CommandError> {
    let mut errors = done.iter().filter_map(|done| done.as_ref().err());
    errors.find(|error| matches!(error.code(), 6 | 64)).cloned()
}

/// Applies statements in one commit: those that succeed. `None` if the commit was refused.
///
/// # Errors
/// If the store failed: whether they are committed may be unknown, so they must not be applied again.
async fn together(
    call: &Call<'_>,
    branch: &Branch,
    statements: &Arc<Statements>,
    is_ordered: bool,
) -> Result<Option<Vec<Result<Done>>>> {
    let is_refusal =
        |error: &Error| !matches!(error.kind(), ErrorKind::Indeterminate | ErrorKind::Unavailable);
    let request = call.signed(branch)?;
    if let Some((collection, documents)) = only_insertions(statements) {
        let result = commands::insert(branch, &collection, documents, request.clone()).await;
        match result {
            Ok(_) => return Ok(Some(statements.iter().map(|_| Ok(inserted())).collect())),
            Err(error) if is_refusal(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let context = call.context().clone();
    let work = transaction::work(move |transaction| {
        let statements = statements.clone();
        transaction.set_context(context.clone());
        async move {
            let mut all: Vec<Result<Done>> = Vec::new();
            for statement in &*statements {
                let done = apply(transaction, statement).await.map_err(CommandError::from);
                let is_error = done.is_err();
                all.push(done);
                if is_error && is_ordered {
                    break;
                }
            }
            Ok(all)
        }
        .boxed()
    });
    match Transaction::run(branch, &|| request.clone(), &work).await {
        Ok((all, _)) => Ok(Some(all)),
        Err(error) if is_refusal(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The documents, if the statements are insertions into one collection.
fn only_insertions(
    statements: &Statements,
) -> Option<(CollectionName, Vec<bson::raw::RawDocumentBuf>)> {
    let (first, _) = statements.first()?;
    let documents = statements.iter().map(|(collection, statement)| match statement {
        Statement::Insert(document) if collection == first => Some(document.clone()),
        _ => None,
    });
    Some((first.clone(), documents.collect::<Option<_>>()?))
}

pub(super) async fn apply(
    transaction: &mut Transaction,
    (collection, statement): &(CollectionName, Statement),
) -> argon_core::Result<Done> {
    match statement {
        Statement::Insert(document) => {
            transaction.insert(collection, [document.clone()]).await?;
            Ok(inserted())
        }
        Statement::Update(command) => Ok(done(transaction.update(collection, command).await?)),
        Statement::Delete(command) => Ok(done(transaction.delete(collection, command).await?)),
    }
}

fn inserted() -> Done {
    Done { modified: 1, ..Done::default() }
}

fn done(modified: Modified) -> Done {
    let upserted = modified.upserted.and_then(|id| Bson::try_from(id).ok());
    Done { matched: modified.matched, modified: modified.modified, upserted }
}

/// Gives statements that say no order of texts that of their collection.
fn with_collations(state: &State, mut statements: Statements) -> Statements {
    for (collection, statement) in &mut statements {
        let collation = match statement {
            Statement::Insert(_) => continue,
            Statement::Update(command) => &mut command.collation,
            Statement::Delete(command) => &mut command.collation,
        };
        if collation.is_empty() {
            *collation = views::default_collation(Some(state), collection.as_str());
        }
    }
    statements
}

/// A view takes no writes.
pub(super) fn refuse_views(call: &Call<'_>, state: &State, statements: &Statements) -> Result<()> {
    let mut checked: Option<&CollectionName> = None;
    for (collection, _) in statements {
        if checked != Some(collection) && views::is_view(state, collection.as_str()) {
            return Err(CommandError::new(
                166,
                format!("Namespace {} is a view, not a collection", call.namespace(collection)),
            ));
        }
        checked = Some(collection);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_without_a_result_fails_the_command() {
        let refused = || Err(CommandError::from(Error::already_exists("it is there")));
        assert!(without_result(&[Ok(inserted()), refused()]).is_none());
        for error in [Error::indeterminate("no answer"), Error::unavailable("no store")] {
            let kind = error.kind();
            let all = [Ok(inserted()), refused(), Err(error.into())];
            assert!(without_result(&all).is_some(), "{kind:?}");
        }
    }
}
