//! Writes to several collections.

use argon_query::commands::{DeleteCommand, UpdateCommand};
use bson::raw::RawBsonRef;
use bson::{Bson, Document, doc};
use futures::FutureExt;

use super::super::cursor::open_list;
use super::super::{Call, Command, Effect, Reply, aggregate};
use super::execute::execute;
use super::statement::{Done, Statement, with_constants};
use super::{check_number, number};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::rights::{Need, arguments};

pub(super) const COMMAND: Command = Command {
    name: "bulkWrite",
    aliases: &[],
    about: "Writes to several collections of one database.",
    fields: &[
        "bypassDocumentValidation",
        "bypassEmptyTsReplacement",
        "cursor",
        "errorsOnly",
        "let",
        "nsInfo",
        "ops",
        "ordered",
    ],
    effect: Effect::Write,
    need: Need::Arguments(|call| async { arguments::of_bulk_write(call) }.boxed()),
    is_stable: true,
    run: |call| bulk_write(call).boxed(),
};

/// The kind of an operation, which decides how its result is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Insert,
    Update,
    Delete,
}

#[derive(Default)]
struct Counts {
    errors: u64,
    inserted: u64,
    matched: u64,
    modified: u64,
    upserted: u64,
    deleted: u64,
}

async fn bulk_write(call: &Call<'_>) -> Result<Reply> {
    let arguments = call.arguments;
    let sequences = &call.request.sequences;
    let operations = arguments.documents("ops", sequences)?;
    let operations = operations.ok_or_else(|| arguments.missing("ops"))?;
    check_number(operations.len())?;
    let names = arguments.documents("nsInfo", sequences)?;
    let names = names.ok_or_else(|| arguments.missing("nsInfo"))?;
    let names =
        names.iter().map(|name| Arguments::new("bulkWrite.nsInfo", name).required_text("ns"));
    let names = names.collect::<Result<Vec<_>>>()?;
    let is_ordered = arguments.flag("ordered")?.unwrap_or(true);
    let variables = arguments.document("let")?;
    let mut parsed = Vec::new();
    for operation in &operations {
        let (kind, namespace, statement) =
            parse(Arguments::new("bulkWrite.ops", operation), &variables)?;
        let name = usize::try_from(namespace).ok().and_then(|index| names.get(index));
        let name = name.ok_or_else(|| {
            CommandError::bad_value(format!(
                "BulkWrite ops entry has an invalid nsInfo index: {namespace}"
            ))
        })?;
        let (database, collection) = name.split_once('.').ok_or_else(|| {
            CommandError::new(73, format!("Invalid namespace specified '{name}'"))
        })?;
        parsed.push((kind, database, call.collection_named(collection)?, statement));
    }
    refuse_unknown_rest(call, &parsed).await?;
    let (mut counts, mut results) = (Counts::default(), Vec::new());
    let mut rest = parsed.as_slice();
    // Each run of operations on one database is one commit.
    while let Some((_, database, ..)) = rest.first() {
        let length = rest.iter().take_while(|(_, other, ..)| other == database).count();
        let (run, others) = rest.split_at(length);
        rest = others;
        let statements =
            run.iter().map(|(_, _, collection, statement)| (collection.clone(), statement.clone()));
        let begin = results.len();
        let call = call.on(database);
        let done = execute(&call, statements.collect(), is_ordered).await?;
        for ((kind, ..), done) in run.iter().zip(done) {
            results.push(counts.add(*kind, results.len(), done));
        }
        if is_ordered && (results.len() - begin < length || counts.errors > 0) {
            break;
        }
    }
    if arguments.is_set("errorsOnly")? {
        results.retain(|result| result.get_f64("ok").is_ok_and(|ok| ok == 0.0));
    }
    let rows = results.iter().map(aggregate::row).collect::<Result<Vec<_>>>()?;
    let mut reply = open_list(call, rows, "admin.$cmd.bulkWrite").await?;
    let counts = bson::raw::RawDocumentBuf::try_from(&doc! {
        "nErrors": number(counts.errors),
        "nInserted": number(counts.inserted),
        "nMatched": number(counts.matched),
        "nModified": number(counts.modified),
        "nUpserted": number(counts.upserted),
        "nDeleted": number(counts.deleted),
    })?;
    for field in &counts {
        let (name, value) = field?;
        reply.body.append(name, value);
    }
    Ok(reply)
}

type Operation<'o> = (Kind, &'o str, argon_core::model::CollectionName, Statement);

/// Refuses to repeat operations on several databases of which an earlier attempt has done a part: a run that
/// changed nothing leaves no commit, so it is not known which were done.
async fn refuse_unknown_rest(call: &Call<'_>, operations: &[Operation<'_>]) -> Result<()> {
    let mut databases: Vec<&str> = operations.iter().map(|(_, database, ..)| *database).collect();
    databases.dedup();
    if databases.len() < 2 {
        return Ok(());
    }
    for database in databases {
        let branch = call.on(database).writable().await?;
        if call.retry.has_commits(call, &branch).await? {
            return Err(CommandError::new(
                64,
                "an earlier attempt has done a part of these operations: look at the documents before you repeat them",
            ));
        }
    }
    Ok(())
}

impl Counts {
    /// Counts a result, and describes it.
    fn add(&mut self, kind: Kind, index: usize, done: Result<Done>) -> Document {
        let position = i32::try_from(index).unwrap_or(i32::MAX);
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                self.errors += 1;
                let mut result = doc! { "ok": 0.0, "idx": position };
                let mut described = error.write_error(index);
                described.remove("index");
                result.extend(described);
                result.insert("n", 0);
                return result;
            }
        };
        let mut result = doc! { "ok": 1.0, "idx": position };
        match kind {
            Kind::Insert => {
                self.inserted += 1;
                result.insert("n", 1);
            }
            Kind::Delete => {
                self.deleted += done.modified;
                result.insert("n", number(done.modified));
            }
            Kind::Update => {
                let is_upsert = done.upserted.is_some();
                self.matched += done.matched;
                self.modified += done.modified;
                self.upserted += u64::from(is_upsert);
                result.insert("n", number(done.matched + u64::from(is_upsert)));
                result.insert("nModified", number(done.modified));
                if let Some(id) = done.upserted {
                    result.insert("upserted", doc! { "_id": id });
                }
            }
        }
        result
    }
}

/// The kind, the index of the namespace, and the statement of an operation.
fn parse(arguments: Arguments<'_>, variables: &Document) -> Result<(Kind, i64, Statement)> {
    for kind in ["insert", "update", "delete"] {
        let Some(namespace) = arguments.integer(kind)? else { continue };
        let filter = || match arguments.raw_document("filter")? {
            Some(filter) => Ok(Document::try_from(filter)?),
            None => Err(arguments.missing("filter")),
        };
        let many = arguments.is_set("multi")?;
        return match kind {
            "insert" => {
                let document = match arguments.value("document")? {
                    Some(RawBsonRef::Document(document)) => document.to_owned(),
                    _ => return Err(arguments.missing("document")),
                };
                Ok((Kind::Insert, namespace, Statement::Insert(document)))
            }
            "update" => {
                let change = arguments.bson("updateMods")?;
                let change: Bson = change.ok_or_else(|| arguments.missing("updateMods"))?;
                let mut variables = with_constants(arguments, variables)?;
                for (name, value) in arguments.document("constants")? {
                    variables.insert(name, doc! { "$literal": value });
                }
                let command = UpdateCommand {
                    filter: filter()?,
                    many,
                    upsert: arguments.is_set("upsert")?,
                    array_filters: arguments.document_list("arrayFilters")?,
                    sort: arguments.document("sort")?,
                    collation: arguments.document("collation")?,
                    hint: arguments.bson("hint")?,
                    variables,
                    ..UpdateCommand::new(change)
                };
                Ok((Kind::Update, namespace, Statement::Update(Box::new(command))))
            }
            _ => {
                let command = DeleteCommand {
                    filter: filter()?,
                    many,
                    collation: arguments.document("collation")?,
                    hint: arguments.bson("hint")?,
                    variables: variables.clone(),
                };
                Ok((Kind::Delete, namespace, Statement::Delete(Box::new(command))))
            }
        };
    }
    Err(CommandError::failed_to_parse("an operation must have 'insert', 'update' or 'delete'"))
}
