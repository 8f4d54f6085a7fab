//! What an earlier attempt of a command has applied: a retry applies it no second time.
//!
//! The log has the documents that the attempt wrote, and not its reply. The statements are applied again
//! to the state before the commit, in a transaction that is thrown away: that gives the reply.

use std::collections::HashSet;

use argon_core::key::Key;
use argon_core::model::{CollectionId, CollectionName, Lsn, Touched};
use argon_core::{Branch, State};
use argon_query::commands::{FindAndModifyCommand, FoundAndModified};
use argon_query::find::{Find, FindCommand};
use argon_query::transaction::Transaction;
use bson::doc;
use bson::raw::RawBson;
use futures::TryStreamExt;

use super::super::Call;
use super::execute::{Statements, apply};
use super::statement::{Done, Statement};
use crate::failure::{CommandError, Result};
use crate::written::WrittenCommit;

/// The commits of an earlier attempt.
pub(super) struct Earlier(Vec<WrittenCommit>);

impl Earlier {
    /// Those of the next statements of a command.
    pub(super) async fn of(call: &Call<'_>, branch: &Branch) -> Result<Self> {
        Ok(Self(call.retry.take(call, branch).await?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all statements were applied in one commit.
    pub(super) fn is_whole(&self) -> bool {
        self.0.first().is_some_and(|commit| commit.statement.is_none())
    }

    /// The first commit.
    pub(super) fn first(&self) -> Option<Lsn> {
        self.0.first().map(|commit| commit.lsn)
    }

    /// The commit of a single statement.
    pub(super) fn statement(&self, index: usize) -> Option<Lsn> {
        let commit = self.0.iter().find(|commit| commit.statement == Some(index));
        commit.map(|commit| commit.lsn)
    }

    /// The results of statements that one commit has applied.
    pub(super) async fn results(
        &self,
        call: &Call<'_>,
        branch: &Branch,
        statements: &Statements,
        is_ordered: bool,
    ) -> Result<Vec<Result<Done>>> {
        let Some(lsn) = self.first() else { return Ok(Vec::new()) };
        let attempt = Attempt::read(branch, lsn).await?;
        let mut transaction = Transaction::begin_at(branch, attempt.before.clone());
        transaction.set_context(call.context().clone());
        let mut all = Vec::new();
        for statement in statements {
            let done = apply(&mut transaction, statement).await.map_err(CommandError::from);
            let is_error = done.is_err();
            all.push(done);
            if is_error && is_ordered {
                break;
            }
        }
        attempt.name_upserted(&mut all, statements).await?;
        Ok(all)
    }

    /// The result of one statement that a commit has applied.
    pub(super) async fn result(
        call: &Call<'_>,
        branch: &Branch,
        lsn: Lsn,
        statement: &(CollectionName, Statement),
    ) -> Result<Done> {
        let commit = Self(vec![WrittenCommit { lsn, statement: None }]);
        let mut results = commit.results(call, branch, &vec![statement.clone()], true).await?;
        results.pop().unwrap_or_else(|| Ok(Done::default()))
    }
}

/// The result of a change of one document that a commit has applied.
pub(super) async fn find_and_modify(
    call: &Call<'_>,
    branch: &Branch,
    lsn: Lsn,
    collection: &CollectionName,
    command: &FindAndModifyCommand,
) -> argon_core::Result<FoundAndModified> {
    let attempt = Attempt::read(branch, lsn).await?;
    let mut transaction = Transaction::begin_at(branch, attempt.before.clone());
    transaction.set_context(call.context().clone());
    let mut found = transaction.find_and_modify(collection, command).await?;
    let Some(key) = attempt.written.first() else { return Ok(found) };
    if found.modified.upserted.is_some() {
        found.modified.upserted = RawBson::try_from(key.to_bson()).ok();
    }
    if command.returns_new {
        // As it was written: its values may be random, or of the time.
        let query = FindCommand {
            filter: doc! { "_id": { "$eq": key.to_bson() } },
            projection: command.projection.clone(),
            ..FindCommand::default()
        };
        let after = Transaction::begin_at(branch, attempt.after.clone());
        let mut rows = Find::compile(&query)?.run(collection.as_str(), &after.execution());
        let row = rows.try_next().await?.and_then(|mut rows| rows.pop());
        found.document = row.map(argon_query::pipeline::Row::into_raw);
    }
    Ok(found)
}

/// A commit, between the states before and after it.
struct Attempt {
    before: State,
    after: State,
    /// The documents that it wrote.
    written: Vec<Key>,
}

impl Attempt {
    async fn read(branch: &Branch, lsn: Lsn) -> argon_core::Result<Self> {
        let before = branch.at(Lsn::new(lsn.get().saturating_sub(1))).await?;
        let after = branch.at(lsn).await?;
        let commit = argon_core::log::commit_at(&after, lsn).await?;
        let written = |change: Touched| {
            (change.collection != CollectionId::CATALOG && !change.deleted).then_some(change.key)
        };
        Ok(Self {
            before,
            after,
            written: commit.changes.into_iter().filter_map(written).collect(),
        })
    }

    /// Replaces generated `_id`s of inserted documents by those in the commit.
    async fn name_upserted(
        &self,
        results: &mut [Result<Done>],
        statements: &Statements,
    ) -> Result<()> {
        let mut claimed = HashSet::new();
        for (result, (collection, _)) in results.iter_mut().zip(statements) {
            let Ok(Done { upserted: Some(id), .. }) = result else { continue };
            let key = Key::of(id).map_err(argon_core::Error::from)?;
            if self.written.contains(&key) {
                continue;
            }
            for key in &self.written {
                if claimed.contains(key) || self.existed(collection, key).await? {
                    continue;
                }
                claimed.insert(key.clone());
                *id = key.to_bson();
                break;
            }
        }
        Ok(())
    }

    async fn existed(&self, collection: &CollectionName, key: &Key) -> Result<bool> {
        match self.before.collection(collection) {
            Ok(collection) => Ok(collection.get(key).await?.is_some()),
            Err(_) => Ok(false),
        }
    }
}
