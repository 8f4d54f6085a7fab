//! The operations of an oplog, as `mongorestore --oplogReplay` sends them.
//!
//! They may be applied again to what has them already: a dump is made while others write, and its oplog
//! has what was written since it began.

mod difference;

use std::sync::Arc;

use argon_query::expression::{Context, Evaluation};
use argon_query::filter::FilterOptions;
use argon_query::find::Selection;
use argon_query::modify::{Change, Modify};
use argon_query::value::malformed;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use futures::FutureExt;

use super::{Call, Command, Effect, Reply, named, time_series};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::rights::{Demand, Need, Right};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "applyOps",
    aliases: &[],
    about: "Applies operations of an oplog, as `mongorestore --oplogReplay` does; each is a commit.",
    fields: &["allowAtomic", "alwaysUpsert", "bypassDocumentValidation"],
    effect: Effect::Write,
    need: Need::Arguments(|_| async { Ok(demands()) }.boxed()),
    is_stable: false,
    run: |call| apply_all(call).boxed(),
}];

/// The commands that an operation may be.
const APPLICABLE: [&str; 7] = [
    "collMod",
    "create",
    "createIndexes",
    "drop",
    "dropDatabase",
    "dropIndexes",
    "renameCollection",
];

/// An operation.
struct Operation<'o> {
    fields: Arguments<'o>,
    database: &'o str,
    collection: &'o str,
    object: Document,
}

fn demands() -> Vec<Demand> {
    [Right::Write, Right::Define, Right::Administer].map(Demand::on_everything).into()
}

async fn apply_all(call: &Call<'_>) -> Result<Reply> {
    let operations = call.arguments.documents("applyOps", &call.request.sequences)?;
    let operations = operations.unwrap_or_default();
    for operation in &operations {
        apply(call, operation).await?;
    }
    let applied = i32::try_from(operations.len()).unwrap_or(i32::MAX);
    Reply::of(&doc! { "applied": applied, "results": vec![true; operations.len()] })
}

async fn apply(call: &Call<'_>, operation: &RawDocument) -> Result<()> {
    let fields = Arguments::new("applyOps", operation);
    let kind = fields.required_text("op")?;
    if kind == "n" {
        return Ok(());
    }
    let namespace = fields.required_text("ns")?;
    let invalid = || CommandError::new(73, format!("Invalid namespace specified '{namespace}'"));
    let (database, collection) = namespace.split_once('.').ok_or_else(invalid)?;
    let object = fields.document("o")?;
    let operation = Operation { fields, database, collection, object };
    match kind {
        "i" => operation.replace(call, &operation.object).await,
        "u" => operation.update(call).await,
        "d" => operation.delete(call).await,
        "c" => operation.run_command(call).await,
        other => Err(CommandError::bad_value(format!(
            "applyOps: unknown kind of operation '{other}'; expected i, u, d, c or n"
        ))),
    }
}

impl Operation<'_> {
    /// The `_id` alone.
    fn id(&self, document: &Document) -> Result<Document> {
        document.get("_id").map(|id| doc! { "_id": id.clone() }).ok_or_else(|| {
            let namespace = format!("{}.{}", self.database, self.collection);
            CommandError::new(
                4,
                format!("applyOps: an operation on {namespace} names no _id: {document}"),
            )
        })
    }

    /// Makes this the document of its `_id`.
    async fn replace(&self, call: &Call<'_>, document: &Document) -> Result<()> {
        let update = doc! { "q": self.id(document)?, "u": document.clone(), "upsert": true };
        self.run_update(call, update).await
    }

    async fn run_update(&self, call: &Call<'_>, update: Document) -> Result<()> {
        let command = doc! {
            "update": self.collection,
            "updates": [update],
            "bypassDocumentValidation": call.arguments.is_set("bypassDocumentValidation")?,
        };
        run(call, self.database, &command).await
    }

    async fn update(&self, call: &Call<'_>) -> Result<()> {
        let id = self.id(&self.fields.document("o2")?)?;
        if let Ok(difference) = self.object.get_document("diff") {
            return self.change(call, &id, difference).await;
        }
        let mut update = self.object.clone();
        update.remove("$v");
        if update.keys().next().is_some_and(|name| name.starts_with('$')) {
            return self.run_update(call, doc! { "q": id, "u": update }).await;
        }
        let mut document = id;
        document.extend(update);
        self.replace(call, &document).await
    }

    /// Changes a document by a difference, if it is there.
    async fn change(&self, call: &Call<'_>, id: &Document, difference: &Document) -> Result<()> {
        let call = call.on(self.database);
        let collection = call.collection_named(self.collection)?;
        let branch = call.writable().await?;
        let context = Arc::new(Context::of(call.environment()));
        let selection =
            Selection::compile(id, &FilterOptions::default(), Evaluation::new(context))?;
        let request = call.signed(&branch)?;
        let changed = |document: &RawDocument| {
            let mut document = Document::try_from(document).map_err(malformed)?;
            difference::apply(&mut document, difference)?;
            Ok(Change::Replace(RawDocumentBuf::try_from(&document).map_err(malformed)?))
        };
        let modify = Modify {
            collection: &collection,
            selection: &selection,
            many: false,
            sort: None,
            change: &changed,
            upsert: None,
            state: None,
            request: &|| request.clone(),
        };
        modify.run(&branch).await?;
        call.shared.clock.tick(call.environment());
        Ok(())
    }

    async fn delete(&self, call: &Call<'_>) -> Result<()> {
        let delete = doc! { "q": self.id(&self.object)?, "limit": 1 };
        let command = doc! { "delete": self.collection, "deletes": [delete] };
        run(call, self.database, &command).await
    }

    async fn run_command(&self, call: &Call<'_>) -> Result<()> {
        let name = self.object.keys().next().map(String::as_str).unwrap_or_default();
        if !APPLICABLE.contains(&name) {
            return Err(CommandError::new(
                115,
                format!(
                    "applyOps can't apply '{name}'; expected one of: {}",
                    APPLICABLE.join(", ")
                ),
            ));
        }
        if name == "create" && self.fields.value("ui")?.is_some() {
            return Err(CommandError::new(
                115,
                "a collection can't be created with a given UUID, since the store gives it one: restore without \
                 preserving UUIDs",
            ));
        }
        let mut command = self.object.clone();
        if let Some(target) = command.get_mut("dropTarget") {
            // The UUID of the collection that was dropped.
            *target = Bson::Boolean(*target != Bson::Boolean(false));
        }
        match run(call, self.database, &command).await {
            // The dump was made after it: it is there, or gone, already.
            Err(error) if matches!(error.code(), 26 | 48) => Ok(()),
            done => done,
        }
    }
}

/// Runs a command on a database.
///
/// # Errors
/// That of the command, or of its first statement that failed.
async fn run(call: &Call<'_>, database: &str, command: &Document) -> Result<()> {
    let body = RawDocumentBuf::try_from(command)?;
    let body = time_series::by_series(call.shared, database, &body).await?.unwrap_or(body);
    let name = command.keys().next().map(String::as_str).unwrap_or_default();
    let known =
        named(name).ok_or_else(|| CommandError::new(59, format!("no such command: '{name}'")))?;
    let call = call.on(database);
    let call = call.of(name, &body);
    call.arguments.check_known(known.fields, true)?;
    let reply = Document::try_from(&*(known.run)(&call).await?.body)?;
    let errors = reply.get_array("writeErrors").ok();
    let Some(error) = errors.and_then(|errors| errors.first()?.as_document()) else {
        return Ok(());
    };
    let code = error.get_i32("code").ok().and_then(|code| u32::try_from(code).ok());
    Err(CommandError::new(code.unwrap_or(1), error.get_str("errmsg").unwrap_or_default()))
}
