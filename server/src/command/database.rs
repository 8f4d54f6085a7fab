//! Databases: the heads of branches that have collections.

use argon_core::Branch;
use argon_core::model::Trailer;
use argon_core::users::Scope;
use argon_core::write::CollectionChange;
use argon_query::pipeline::Rows;
use bson::{Bson, Document, doc};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use super::{Call, Command, Effect, Reply};
use crate::change_stream::{COMMAND_TRAILER, DROP_DATABASE};
use crate::failure::Result;
use crate::namespace::Database;
use crate::rights::{Need, Right};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "listDatabases",
        aliases: &[],
        about: "Lists projects, and their other branches as `project:branch`, as far as they have \
                collections.",
        fields: &["authorizedDatabases", "filter", "nameOnly"],
        effect: Effect::Read,
        need: Need::Login,
        is_stable: true,
        run: |call| list_databases(call).boxed(),
    },
    Command {
        name: "dropDatabase",
        aliases: &[],
        about: "Drops all collections of a branch in one commit. Past states keep them.",
        fields: &[],
        effect: Effect::Write,
        need: Need::Database(Right::Administer),
        is_stable: true,
        run: |call| drop_database(call).boxed(),
    },
    Command {
        name: "dbStats",
        aliases: &["dbstats"],
        about: "Counts collections, indexes and documents, and their bytes; it reads all documents.",
        fields: &["freeStorage", "scale"],
        effect: Effect::Read,
        need: Need::Database(Right::List),
        is_stable: false,
        run: |call| statistics(call).boxed(),
    },
];

/// The documents of a collection of MongoDB's own: none. `None` for other collections.
pub(super) fn internal(call: &Call<'_>, collection: &str) -> Option<Rows> {
    match call.shared.places.parse(call.database) {
        Ok(Database::Internal) => Some(stream::empty().boxed()),
        // MongoDB has users, profiles and such in collections; here they are not documents.
        _ if collection.starts_with("system.") => Some(stream::empty().boxed()),
        _ => None,
    }
}

async fn list_databases(call: &Call<'_>) -> Result<Reply> {
    let name_only = call.arguments.is_set("nameOnly")?;
    let mut databases = Vec::new();
    let default = &call.shared.options.branch;
    for project in call.shared.store.projects().await? {
        let project = call.shared.store.project(&project.name).await?;
        for info in project.branches().await? {
            if info.name.is_backup() {
                continue;
            }
            let scope = Scope::Branch(project.name().clone(), info.name.clone());
            if !call.held.allow(Right::List, Some(&scope)) {
                continue;
            }
            let branch = project.branch(&info.name).await?;
            if branch.head().await?.collections().next().is_none() {
                continue;
            }
            let name = if info.name == *default {
                project.name().to_string()
            } else {
                format!("{}:{}", project.name(), info.name)
            };
            databases.push(if name_only {
                doc! { "name": name }
            } else {
                // Branches share what they have in common, so none has bytes of its own.
                doc! { "name": name, "sizeOnDisk": 0_i64, "empty": false }
            });
        }
    }
    databases.sort_by(|a, b| a.get_str("name").ok().cmp(&b.get_str("name").ok()));
    let filter = call.arguments.document("filter")?;
    let databases = matching(call, databases, filter).await?;
    let mut body = doc! { "databases": databases };
    if !name_only {
        let bytes = call.shared.store.stored_bytes().await?.cast_signed();
        body.insert("totalSize", bytes);
        body.insert("totalSizeMb", bytes / (1024 * 1024));
    }
    Reply::of(&body)
}

/// The documents of a list that match a filter.
pub(super) async fn matching(
    call: &Call<'_>,
    documents: Vec<Document>,
    filter: Document,
) -> Result<Vec<Document>> {
    if filter.is_empty() {
        return Ok(documents);
    }
    let stages = [doc! { "$match": filter }];
    let rows: Vec<_> =
        super::aggregate::with_stages(call, &documents, &stages)?.try_concat().await?;
    rows.iter().map(|row| Ok(Document::try_from(row.as_raw())?)).collect()
}

async fn drop_database(call: &Call<'_>) -> Result<Reply> {
    // What is not there need not be created to be dropped.
    if call.shared.places.has_project(call.database).await? {
        let branch = call.writable().await?;
        drop_all(call, &branch).await?;
    }
    Reply::of(&doc! { "dropped": call.database })
}

async fn drop_all(call: &Call<'_>, branch: &Branch) -> Result<()> {
    let mut request = call.signed(branch)?;
    for info in branch.head().await?.collections() {
        request.change_collection(CollectionChange::Drop { name: info.name.clone() });
    }
    if request.is_empty() {
        return Ok(());
    }
    // Otherwise it looks like a drop of each collection.
    let command = Trailer::new(COMMAND_TRAILER, DROP_DATABASE)?;
    request.set_trailers(call.trailers()?.with(command)?);
    branch.commit(request).await?.committed()?;
    call.shared.clock.tick(call.environment());
    Ok(())
}

async fn statistics(call: &Call<'_>) -> Result<Reply> {
    let scale = call.arguments.integer("scale")?.unwrap_or(1).max(1);
    let reading = call.read().await?;
    let (mut collections, mut views, mut indexes) = (0_i64, 0_i64, 0_i64);
    let (mut objects, mut size) = (0_u64, 0_u64);
    let infos =
        reading.state.as_ref().map(|state| state.collections().cloned().collect::<Vec<_>>());
    for info in infos.unwrap_or_default() {
        if info.options.contains_key("viewOn") {
            views += 1;
            continue;
        }
        collections += 1;
        indexes += i64::try_from(info.listed_indexes().len()).unwrap_or(0);
        let collection = reading.execution.collections.open(info.name.as_str(), None).await?;
        let statistics = collection.statistics().await?;
        objects += statistics.count;
        size += statistics.size;
    }
    let stored = call.shared.store.stored_bytes().await?.cast_signed();
    let average = if objects == 0 { 0.0 } else { ratio(size, objects) };
    Reply::of(&doc! {
        "db": call.database,
        "collections": collections,
        "views": views,
        "objects": objects.cast_signed(),
        "avgObjSize": average,
        "dataSize": Bson::Int64(size.cast_signed() / scale),
        "storageSize": Bson::Int64(stored / scale),
        "indexes": indexes,
        "indexSize": 0_i64,
        "totalSize": Bson::Int64(stored / scale),
        "scaleFactor": scale,
    })
}

/// A quotient of two numbers of bytes or documents.
#[expect(clippy::cast_precision_loss, reason = "an average needs no more than 53 bits")]
pub(super) fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}
