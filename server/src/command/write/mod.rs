//! Writes: `insert`, `update`, `delete`, `bulkWrite`, `findAndModify`.
//!
//! The statements of a command become one commit, as far as they succeed. `statement.rs` has what a
//! statement is, `execute.rs` how a list of them is applied, and `earlier.rs` what an earlier attempt of the
//! command has applied.

mod bulk;
mod earlier;
mod execute;
mod find_and_modify;
mod statement;

use argon_core::model::CollectionName;
use bson::{Document, doc};
use futures::FutureExt;

use super::{Call, Command, Effect, Reply};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::rights::{Need, Right};
use execute::execute;
use statement::{Done, Statement};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "insert",
        aliases: &[],
        about: "Inserts documents.",
        fields: &["bypassDocumentValidation", "bypassEmptyTsReplacement", "documents", "ordered"],
        effect: Effect::Write,
        need: Need::Database(Right::Write),
        is_stable: true,
        run: |call| insert(call).boxed(),
    },
    Command {
        name: "update",
        aliases: &[],
        about: "Updates or replaces documents; inserts one if none matches, if asked to.",
        fields: &[
            "bypassDocumentValidation",
            "bypassEmptyTsReplacement",
            "let",
            "ordered",
            "updates",
        ],
        effect: Effect::Write,
        need: Need::Database(Right::Write),
        is_stable: true,
        run: |call| update(call).boxed(),
    },
    Command {
        name: "delete",
        aliases: &[],
        about: "Deletes documents.",
        fields: &["bypassDocumentValidation", "deletes", "let", "ordered"],
        effect: Effect::Write,
        need: Need::Database(Right::Write),
        is_stable: true,
        run: |call| delete(call).boxed(),
    },
    find_and_modify::COMMAND,
    bulk::COMMAND,
];

/// The most statements of a command.
const MAX_STATEMENTS: usize = 100_000;

async fn insert(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let documents = call.arguments.documents("documents", &call.request.sequences)?;
    let documents = documents.ok_or_else(|| call.arguments.missing("documents"))?;
    check_number(documents.len())?;
    let statements = documents.into_iter().map(Statement::Insert).collect();
    let results = run(call, name, statements).await?;
    let n = results.iter().filter(|result| result.is_ok()).count();
    reply(&results, doc! { "n": number(n as u64) })
}

async fn update(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let updates = call.arguments.documents("updates", &call.request.sequences)?;
    let updates = updates.ok_or_else(|| call.arguments.missing("updates"))?;
    check_number(updates.len())?;
    let variables = call.arguments.document("let")?;
    let statements = updates
        .iter()
        .map(|update| statement::update(Arguments::new("update.updates", update), &variables));
    let results = run(call, name, statements.collect::<Result<_>>()?).await?;
    let (mut matched, mut modified, mut upserted) = (0, 0, Vec::new());
    for (index, result) in results.iter().enumerate() {
        let Ok(done) = result else { continue };
        matched += done.matched;
        modified += done.modified;
        if let Some(id) = &done.upserted {
            matched += 1;
            let index = i32::try_from(index).unwrap_or(i32::MAX);
            upserted.push(doc! { "index": index, "_id": id.clone() });
        }
    }
    let mut body = doc! { "n": number(matched), "nModified": number(modified) };
    if !upserted.is_empty() {
        body.insert("upserted", upserted);
    }
    reply(&results, body)
}

async fn delete(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let deletes = call.arguments.documents("deletes", &call.request.sequences)?;
    let deletes = deletes.ok_or_else(|| call.arguments.missing("deletes"))?;
    check_number(deletes.len())?;
    let variables = call.arguments.document("let")?;
    let statements = deletes
        .iter()
        .map(|delete| statement::delete(Arguments::new("delete.deletes", delete), &variables));
    let results = run(call, name, statements.collect::<Result<_>>()?).await?;
    let deleted = results.iter().flatten().map(|done| done.modified).sum();
    reply(&results, doc! { "n": number(deleted) })
}

/// Applies the statements of one collection.
async fn run(
    call: &Call<'_>,
    collection: CollectionName,
    statements: Vec<Statement>,
) -> Result<Vec<Result<Done>>> {
    let is_ordered = call.arguments.flag("ordered")?.unwrap_or(true);
    let statements = statements.into_iter().map(|statement| (collection.clone(), statement));
    execute(call, statements.collect(), is_ordered).await
}

/// The reply with the errors of statements.
fn reply(results: &[Result<Done>], mut body: Document) -> Result<Reply> {
    let errors: Vec<_> = results
        .iter()
        .enumerate()
        .filter_map(|(index, result)| result.as_ref().err().map(|error| error.write_error(index)))
        .collect();
    if !errors.is_empty() {
        body.insert("writeErrors", errors);
    }
    Reply::of(&body)
}

fn check_number(statements: usize) -> Result<()> {
    if (1..=MAX_STATEMENTS).contains(&statements) {
        return Ok(());
    }
    Err(CommandError::new(
        16,
        format!(
            "Write batch sizes must be between 1 and {MAX_STATEMENTS}. Got {statements} operations."
        ),
    ))
}

/// A number as drivers expect it: of 32 bits if it fits.
fn number(value: u64) -> bson::Bson {
    match i32::try_from(value) {
        Ok(value) => bson::Bson::Int32(value),
        Err(_) => bson::Bson::Int64(value.cast_signed()),
    }
}
