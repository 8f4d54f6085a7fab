//! Indexes.

use std::mem;

use argon_core::CollectionInfo;
use bson::raw::{RawBsonRef, RawDocument};
use bson::{Bson, Document, doc};
use futures::FutureExt;

use super::{Call, Command, Effect, Reply, aggregate, cursor};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::place::Place;
use crate::rights::{Need, Right};
use crate::views;

/// A command of Atlas Search.
macro_rules! search {
    ($name:literal, $fields:expr) => {
        Command {
            name: $name,
            aliases: &[],
            about: "Is refused with code 31082: there are no search indexes.",
            fields: $fields,
            effect: Effect::None,
            need: Need::Login,
            is_stable: false,
            run: |_| async { Err(no_search()) }.boxed(),
        }
    };
}

/// The error of commands and stages of Atlas Search.
pub(super) fn no_search() -> CommandError {
    CommandError::new(31082, "search indexes are a service of MongoDB Atlas, and not supported")
}

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "createIndexes",
        aliases: &[],
        about: "Creates indexes in one commit, all or none; they are usable when the command ends.",
        fields: &["commitQuorum", "ignoreUnknownIndexOptions", "indexes"],
        effect: Effect::Write,
        need: Need::Database(Right::Define),
        is_stable: true,
        run: |call| create_indexes(call).boxed(),
    },
    Command {
        name: "listIndexes",
        aliases: &[],
        about: "Lists the indexes of a collection.",
        fields: &["cursor", "includeBuildUUIDs", "includeIndexBuildInfo"],
        effect: Effect::Read,
        need: Need::Database(Right::List),
        is_stable: true,
        run: |call| list_indexes(call).boxed(),
    },
    Command {
        name: "dropIndexes",
        aliases: &["deleteIndexes"],
        about: "Drops indexes. Past states keep them.",
        fields: &["index"],
        effect: Effect::Write,
        need: Need::Database(Right::Define),
        is_stable: true,
        run: |call| drop_indexes(call).boxed(),
    },
    search!("createSearchIndexes", &["indexes"]),
    search!("dropSearchIndex", &["id", "name"]),
    search!("updateSearchIndex", &["definition", "id", "name"]),
    search!("listSearchIndexes", &["id", "name", "limit"]),
];

async fn create_indexes(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let definitions = call.arguments.documents("indexes", &call.request.sequences)?;
    let definitions = definitions.ok_or_else(|| call.arguments.missing("indexes"))?;
    if definitions.is_empty() {
        return Err(CommandError::bad_value("Must specify at least one index to create"));
    }
    let definitions = definitions.iter().map(|definition| definition_of(definition));
    let mut definitions = definitions.collect::<Result<Vec<_>>>()?;
    if call.arguments.is_set("ignoreUnknownIndexOptions")? {
        for definition in &mut definitions {
            *definition = mem::take(definition)
                .into_iter()
                .filter(|(name, _)| argon_core::is_index_option(name))
                .collect();
        }
    }
    let (branch, state) = call.writable_head().await?;
    if views::is_view(&state, name.as_str()) {
        let namespace = call.namespace(&name);
        return Err(CommandError::new(166, format!("Cannot create indexes on view {namespace}")));
    }
    let known = state.info(&name);
    let before = known.map_or(1, |info| info.listed_indexes().len());
    let is_created = known.is_none();
    let collation = views::default_collation(Some(&state), name.as_str());
    let request = call.signed(&branch)?;
    // An index has the order of texts of its collection, and says so.
    let with_collation = |mut definition: Document| {
        if !collation.is_empty() && !definition.contains_key("collation") {
            definition.insert("collation", collation.clone());
        }
        definition
    };
    let definitions = definitions.into_iter().filter(|definition| !is_of_ids(definition));
    let definitions = definitions.map(with_collation).collect();
    let created = branch.create_indexes(&name, definitions, &request).await;
    let created =
        created.map_err(|error| CommandError::from(error).in_namespace(&call.namespace(&name)))?;
    let number = before + created.iter().filter(|index| index.commit.is_some()).count();
    call.shared.clock.tick(call.environment());
    let count = |number| i32::try_from(number).unwrap_or(i32::MAX);
    let mut body = doc! {
        "numIndexesBefore": count(before),
        "numIndexesAfter": count(number),
        "createdCollectionAutomatically": is_created,
    };
    if number == before {
        body.insert("note", "all indexes already exist");
    }
    Reply::of(&body)
}

/// Whether this is the index that every collection has, under any name.
fn is_of_ids(definition: &Document) -> bool {
    let key = definition.get_document("key");
    let is_ascending = |key: &Document| match key.iter().next() {
        Some((name, Bson::Int32(1) | Bson::Int64(1))) => name == "_id" && key.len() == 1,
        Some((name, Bson::Double(number))) => name == "_id" && key.len() == 1 && *number > 0.0,
        _ => false,
    };
    key.is_ok_and(is_ascending)
        && definition.keys().all(|name| matches!(name.as_str(), "key" | "name" | "v"))
}

/// The definition in a command, without what only the command has.
fn definition_of(definition: &RawDocument) -> Result<Document> {
    let arguments = Arguments::new("createIndexes.indexes", definition);
    arguments.raw_document("key")?.ok_or_else(|| arguments.missing("key"))?;
    arguments.required_text("name")?;
    let mut definition = Document::try_from(definition)?;
    definition.remove("ns");
    definition.remove("background");
    Ok(definition)
}

async fn list_indexes(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let namespace = call.namespace(&name);
    let state = call.state().await?;
    let info = state.as_ref().and_then(|state| state.info(&name));
    let Some(info) = info else {
        return Err(CommandError::new(26, format!("ns does not exist: {namespace}")));
    };
    if info.options.contains_key("viewOn") {
        return Err(CommandError::new(
            166,
            format!("Namespace {namespace} is a view, not a collection"),
        ));
    }
    let mut indexes = info.listed_indexes().into_owned();
    indexes.extend(clustered(info));
    let rows = indexes.iter().map(aggregate::row).collect::<Result<Vec<_>>>()?;
    cursor::open_list(call, rows, &namespace).await
}

/// The index by which a clustered collection is stored.
fn clustered(info: &CollectionInfo) -> Option<Document> {
    let mut index = info.options.get_document("clusteredIndex").ok()?.clone();
    index.insert("clustered", true);
    if !index.contains_key("v") {
        index.insert("v", 2);
    }
    Some(index)
}

async fn drop_indexes(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let namespace = call.namespace(&name);
    let missing = || CommandError::new(26, format!("ns not found {namespace}"));
    if matches!(call.place().await?, Place::Empty) {
        return Err(missing());
    }
    let (branch, state) = call.writable_head().await?;
    let info = state.info(&name).ok_or_else(missing)?;
    let number = i32::try_from(info.listed_indexes().len()).unwrap_or(i32::MAX);
    let names = names_of(info, call.arguments.value("index")?)?;
    if !names.is_empty() {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        branch.drop_indexes(&name, &names, &call.signed(&branch)?).await.map_err(|error| {
            match error.kind() {
                argon_core::ErrorKind::NotFound => CommandError::new(
                    27,
                    format!("index not found with name [{}]", names.join(", ")),
                ),
                _ => error.into(),
            }
        })?;
        call.shared.clock.tick(call.environment());
    }
    Reply::of(&doc! { "nIndexesWas": number })
}

/// The names of the indexes that are meant: by name, by a list of names, by key, or all but that of `_id`.
fn names_of(info: &CollectionInfo, index: Option<RawBsonRef<'_>>) -> Result<Vec<String>> {
    let known = |index: &Document| index.get_str("name").ok().map(str::to_owned);
    match index {
        Some(RawBsonRef::String("*")) => {
            let others = info.indexes.iter().filter_map(known).filter(|name| name != "_id_");
            Ok(others.collect())
        }
        Some(RawBsonRef::String(name)) => Ok(vec![name.to_owned()]),
        Some(RawBsonRef::Array(names)) => names
            .into_iter()
            .map(|name| match name? {
                RawBsonRef::String(name) => Ok(name.to_owned()),
                _ => Err(CommandError::type_mismatch("dropIndexes: the names must be texts")),
            })
            .collect(),
        Some(RawBsonRef::Document(key)) => {
            let key = Document::try_from(key)?;
            let listed = info.listed_indexes();
            let found = listed
                .iter()
                .find(|index| index.get_document("key").is_ok_and(|known| *known == key));
            match found.and_then(known) {
                Some(name) => Ok(vec![name]),
                None => Err(CommandError::new(27, format!("can't find index with key: {key}"))),
            }
        }
        _ => Err(CommandError::type_mismatch(
            "dropIndexes: 'index' must be a name, a list of names, or a key",
        )),
    }
}

/// The indexes of a collection after a change of one by `collMod`.
pub(super) fn modified(
    info: &CollectionInfo,
    change: &RawDocument,
    reply: &mut Document,
) -> Result<Vec<Document>> {
    let change = Arguments::new("collMod.index", change);
    if change.is_set("unique")? {
        return Err(CommandError::new(
            115,
            "collMod can't make an index unique: drop it, and create a unique one, which checks the documents",
        ));
    }
    let (name, key) = (change.text("name")?, change.document("keyPattern")?);
    let mut indexes = info.listed_indexes().into_owned();
    let index = indexes.iter_mut().find(|index| match name {
        Some(name) => index.get_str("name").is_ok_and(|known| known == name),
        None => index.get_document("key").is_ok_and(|known| *known == key),
    });
    let index =
        index.ok_or_else(|| CommandError::new(27, "collMod: the collection has no such index"))?;
    for field in ["expireAfterSeconds", "hidden", "prepareUnique", "unique"] {
        let Some(value) = change.bson(field)? else { continue };
        let old = index.insert(field, value.clone());
        reply.insert(format!("{field}_old"), old.unwrap_or(Bson::Boolean(false)));
        reply.insert(format!("{field}_new"), value);
    }
    Ok(indexes)
}
