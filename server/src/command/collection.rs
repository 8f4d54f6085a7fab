//! Collections: which there are, and changes of them.

use argon_core::model::CollectionName;
use argon_core::write::{CollectionChange, Outcome};
use argon_core::{Backoff, Branch, CollectionInfo};
use argon_query::pipeline::{Options, Pipeline};
use bson::raw::RawBsonRef;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use futures::FutureExt;

use super::database::{matching, ratio};
use super::{Call, Command, Effect, Reply, aggregate, capped, cursor, time_series};
use crate::failure::{CommandError, Result};
use crate::place::Place;
use crate::rights::{Need, Right, arguments};
use crate::views;

/// The options of a collection that are kept.
const OPTIONS: &[&str] = &[
    "capped",
    "changeStreamPreAndPostImages",
    "clusteredIndex",
    "collation",
    "expireAfterSeconds",
    "indexOptionDefaults",
    "max",
    "pipeline",
    "size",
    "storageEngine",
    "timeseries",
    "validationAction",
    "validationLevel",
    "validator",
    "viewOn",
];

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "listCollections",
        aliases: &[],
        about: "Lists the collections and views of a state.",
        fields: &["authorizedCollections", "cursor", "filter", "includePendingDrops", "nameOnly"],
        effect: Effect::Read,
        need: Need::Database(Right::List),
        is_stable: true,
        run: |call| list_collections(call).boxed(),
    },
    Command {
        name: "create",
        aliases: &[],
        about: "Creates a collection or a view.",
        fields: &[
            "autoIndexId",
            "capped",
            "changeStreamPreAndPostImages",
            "clusteredIndex",
            "collation",
            "encryptedFields",
            "expireAfterSeconds",
            "flags",
            "idIndex",
            "indexOptionDefaults",
            "max",
            "pipeline",
            "size",
            "storageEngine",
            "temp",
            "timeseries",
            "validationAction",
            "validationLevel",
            "validator",
            "viewOn",
        ],
        effect: Effect::Write,
        need: Need::Arguments(|call| async { arguments::of_create(call) }.boxed()),
        is_stable: true,
        run: |call| create(call).boxed(),
    },
    Command {
        name: "drop",
        aliases: &[],
        about: "Drops a collection. Past states keep it.",
        fields: &["collectionUUID"],
        effect: Effect::Write,
        need: Need::Database(Right::Define),
        is_stable: true,
        run: |call| drop_collection(call).boxed(),
    },
    Command {
        name: "renameCollection",
        aliases: &[],
        about: "Renames a collection within its database.",
        fields: &["collectionUUID", "dropTarget", "stayTemp", "to"],
        effect: Effect::Write,
        need: Need::Arguments(|call| async { arguments::of_rename(call) }.boxed()),
        is_stable: false,
        run: |call| rename(call).boxed(),
    },
    Command {
        name: "collMod",
        aliases: &[],
        about: "Changes the options of a collection, the pipeline of a view, or an index.",
        fields: &[
            "cappedMax",
            "cappedSize",
            "changeStreamPreAndPostImages",
            "dryRun",
            "expireAfterSeconds",
            "index",
            "pipeline",
            "timeseries",
            "validationAction",
            "validationLevel",
            "validator",
            "viewOn",
        ],
        effect: Effect::Write,
        need: Need::Arguments(|call| async { arguments::of_modify(call) }.boxed()),
        is_stable: true,
        run: |call| modify(call).boxed(),
    },
    Command {
        name: "collStats",
        aliases: &["collstats"],
        about: "Counts the documents of a collection, and their bytes; it reads all of them.",
        fields: &["queryExecStats", "scale", "waitForLock", "numericOnly", "verbose"],
        effect: Effect::Read,
        need: Need::Database(Right::List),
        is_stable: false,
        run: |call| statistics(call).boxed(),
    },
    Command {
        name: "validate",
        aliases: &[],
        about: "Reads all documents of a collection.",
        fields: &[
            "background",
            "checkBSONConformance",
            "enforceFastCount",
            "full",
            "metadata",
            "repair",
            "scandata",
        ],
        effect: Effect::Read,
        need: Need::Database(Right::Administer),
        is_stable: false,
        run: |call| validate(call).boxed(),
    },
];

async fn list_collections(call: &Call<'_>) -> Result<Reply> {
    let arguments = call.arguments;
    let name_only = arguments.is_set("nameOnly")?;
    let filter = arguments.document("filter")?;
    let mut collections = Vec::new();
    if let Some(state) = call.state().await? {
        let is_past = matches!(call.place().await?, Place::Past { .. });
        collections.extend(state.collections().map(|info| listed(info, is_past)));
    }
    let mut collections = matching(call, collections, filter).await?;
    if name_only {
        for collection in &mut collections {
            *collection = doc! {
                "name": collection.remove("name"),
                "type": collection.remove("type"),
            };
        }
    }
    let rows = collections.iter().map(aggregate::row).collect::<Result<Vec<_>>>()?;
    let namespace = call.namespace("$cmd.listCollections");
    cursor::open_list(call, rows, &namespace).await
}

fn listed(info: &CollectionInfo, is_past: bool) -> Document {
    let is_view = info.options.contains_key("viewOn");
    let kind = if is_view {
        "view"
    } else if info.options.contains_key("timeseries") {
        "timeseries"
    } else {
        "collection"
    };
    let mut about = doc! { "readOnly": is_view || is_past };
    if kind == "collection" {
        let bytes = uuid(info);
        about.insert("uuid", Binary { subtype: BinarySubtype::Uuid, bytes });
    }
    let mut listed = doc! {
        "name": info.name.as_str(),
        "type": kind,
        "options": info.options.clone(),
        "info": about,
    };
    let id_index = info.listed_indexes().iter().find(|index| is_id_index(index)).cloned();
    if let Some(index) = id_index {
        listed.insert("idIndex", index);
    }
    listed
}

fn is_id_index(index: &Document) -> bool {
    index.get_str("name").is_ok_and(|name| name == "_id_")
}

/// An identity that renames keep, in the form of a random UUID.
fn uuid(info: &CollectionInfo) -> Vec<u8> {
    let mut bytes = vec![0; 16];
    bytes[6] = 0x40;
    bytes[8..].copy_from_slice(&info.id.get().to_be_bytes());
    bytes[8] |= 0x80;
    bytes
}

async fn create(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let options = options_of(call)?;
    check_options(call, &options)?;
    let (branch, state) = call.writable_head().await?;
    if let Some(info) = state.info(&name) {
        // As MongoDB, creating the same again changes nothing.
        let known = with_defaults(info.options.clone());
        if argon_core::definition::identical(&known, &options) {
            return Reply::of(&Document::new());
        }
        let namespace = call.namespace(&name);
        return Err(CommandError::new(
            48,
            format!("namespace {namespace} already exists, but with different options"),
        ));
    }
    let mut request = call.signed(&branch)?;
    request.change_collection(CollectionChange::Create { name: name.clone() });
    if !options.is_empty() {
        request.change_collection(CollectionChange::SetOptions { name: name.clone(), options });
    }
    match branch.commit(request).await? {
        Outcome::Conflict(_) => {
            let namespace = call.namespace(&name);
            return Err(CommandError::new(48, format!("Collection {namespace} already exists.")));
        }
        outcome => outcome.committed()?,
    };
    call.shared.clock.tick(call.environment());
    Reply::of(&Document::new())
}

/// The options in a command, in the order of the command.
fn options_of(call: &Call<'_>) -> Result<Document> {
    let mut options = Document::new();
    for field in call.arguments.raw() {
        let (name, value) = field?;
        let is_false = matches!(value, RawBsonRef::Boolean(false) | RawBsonRef::Null);
        if OPTIONS.contains(&name.as_str()) && !is_false {
            options.insert(name.as_str(), Bson::try_from(value)?);
        }
    }
    Ok(with_defaults(options))
}

/// Options with what MongoDB adds to them.
fn with_defaults(mut options: Document) -> Document {
    if let Ok(index) = options.get_document_mut("clusteredIndex") {
        for (name, value) in [("v", Bson::Int32(2)), ("name", "_id_".into())] {
            if !index.contains_key(name) {
                index.insert(name, value);
            }
        }
    }
    time_series::with_defaults(options)
}

fn check_options(call: &Call<'_>, options: &Document) -> Result<()> {
    let invalid = |message: &str| Err(CommandError::new(72, message));
    capped::check_options(options)?;
    if let Ok(timeseries) = options.get_document("timeseries")
        && timeseries.get_str("timeField").is_err()
    {
        return Err(CommandError::new(
            40414,
            "BSON field 'create.timeseries.timeField' is missing but a required field",
        ));
    }
    if options.contains_key("viewOn") {
        let stages = call.arguments.document_list("pipeline")?;
        let compiled = Pipeline::compile(&stages, &Options::default())?;
        if compiled.write().is_some() {
            return Err(CommandError::new(
                51003,
                "The aggregation stage $out or $merge cannot be used in a view definition",
            ));
        }
    } else if options.contains_key("pipeline") {
        return invalid("'pipeline' requires 'viewOn' to also be specified");
    }
    if let Ok(validator) = options.get_document("validator") {
        let options = argon_query::filter::FilterOptions::default();
        argon_query::filter::compile(validator, &options)?;
    }
    argon_query::find::collation_of(&call.arguments.document("collation")?)?;
    Ok(())
}

async fn drop_collection(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    if !call.shared.places.has_project(call.database).await? {
        return Reply::of(&Document::new());
    }
    let (branch, state) = call.writable_head().await?;
    let Some(info) = state.info(&name) else {
        return Reply::of(&Document::new());
    };
    let mut request = call.signed(&branch)?;
    request.change_collection(CollectionChange::Drop { name: name.clone() });
    // Someone else may have dropped it meanwhile.
    if let Outcome::Conflict(_) = branch.commit(request).await? {
        return Reply::of(&Document::new());
    }
    call.shared.clock.tick(call.environment());
    let indexes = i32::try_from(info.listed_indexes().len()).unwrap_or(0);
    Reply::of(&doc! { "nIndexesWas": indexes, "ns": call.namespace(&name) })
}

async fn rename(call: &Call<'_>) -> Result<Reply> {
    let from = call.arguments.required_text("renameCollection")?;
    let to = call.arguments.required_text("to")?;
    let invalid =
        |name: &str| CommandError::new(73, format!("Invalid namespace specified '{name}'"));
    let (database, from) = from.split_once('.').ok_or_else(|| invalid(from))?;
    let (other, to) = to.split_once('.').ok_or_else(|| invalid(to))?;
    if other != database {
        return Err(CommandError::new(
            115,
            format!(
                "a collection can't be renamed from database '{database}' to '{other}': copy its documents with $out"
            ),
        ));
    }
    let call = call.on(database);
    let (from, to) = (call.collection_named(from)?, call.collection_named(to)?);
    let missing = || {
        let namespace = call.namespace(&from);
        CommandError::new(26, format!("Source collection {namespace} does not exist"))
    };
    let Place::Head(_) = call.place().await? else {
        call.writable().await?;
        return Err(missing());
    };
    if from == to {
        return Err(CommandError::illegal("Can't rename a collection to itself"));
    }
    let (branch, state) = call.writable_head().await?;
    if state.info(&from).is_none() {
        return Err(missing());
    }
    let mut request = call.signed(&branch)?;
    if state.info(&to).is_some() {
        if !call.arguments.is_set("dropTarget")? {
            return Err(CommandError::new(48, "target namespace exists"));
        }
        request.change_collection(CollectionChange::Drop { name: to.clone() });
    }
    request.change_collection(CollectionChange::Rename { from, to });
    branch.commit(request).await?.committed()?;
    call.shared.clock.tick(call.environment());
    Reply::of(&Document::new())
}

async fn modify(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    if call.state().await?.is_none_or(|state| state.info(&name).is_none()) {
        let namespace = call.namespace(&name);
        return Err(CommandError::new(26, format!("ns does not exist: {namespace}")));
    }
    let branch = call.writable().await?;
    let mut backoff = Backoff::new(call.environment());
    while backoff.attempt().await {
        if let Some(reply) = try_modify(call, &branch, &name).await? {
            return Ok(reply);
        }
    }
    Err(CommandError::new(112, "others changed the branch on every attempt; try again later"))
}

/// Changes a collection as it is now; `None` if others have changed the branch meanwhile.
async fn try_modify(
    call: &Call<'_>,
    branch: &Branch,
    name: &CollectionName,
) -> Result<Option<Reply>> {
    let head = branch.head().await?;
    let Some(info) = head.info(name) else {
        let namespace = call.namespace(name);
        return Err(CommandError::new(26, format!("ns does not exist: {namespace}")));
    };
    let mut options = info.options.clone();
    for field in call.arguments.raw() {
        let (field, value) = field?;
        let value = Bson::try_from(value)?;
        match field.as_str() {
            "cappedSize" => drop(options.insert("size", capped::new_size(call, info)?)),
            "cappedMax" => drop(options.insert("max", capped::new_max(call, info)?)),
            "expireAfterSeconds" if value.as_str() == Some("off") => {
                options.remove("expireAfterSeconds");
            }
            "validator" if value.as_document().is_some_and(Document::is_empty) => {
                options.remove("validator");
            }
            "timeseries" => {
                let Ok(series) = options.get_document("timeseries") else {
                    return Err(CommandError::new(
                        72,
                        "collMod can change 'timeseries' of a time series collection only",
                    ));
                };
                let changed = time_series::changed(series, value);
                options.insert("timeseries", changed);
            }
            field if OPTIONS.contains(&field) => drop(options.insert(field, value)),
            _ => {}
        }
    }
    let options = with_defaults(options);
    check_options(call, &options)?;
    let mut request = call.signed(branch)?;
    let mut reply = Document::new();
    if !argon_core::definition::identical(&options, &info.options) {
        request.change_collection(CollectionChange::SetOptions { name: name.clone(), options });
    }
    if let Some(index) = call.arguments.raw_document("index")? {
        let indexes = super::index::modified(info, index, &mut reply)?;
        request.change_collection(CollectionChange::SetIndexes { name: name.clone(), indexes });
    }
    if !request.is_empty() && !call.arguments.is_set("dryRun")? {
        request.set_after(head.last_digest().await?);
        match branch.commit(request).await? {
            Outcome::Moved { .. } => return Ok(None),
            outcome => outcome.receipt()?,
        };
        call.shared.clock.tick(call.environment());
    }
    Reply::of(&reply).map(Some)
}

async fn statistics(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let scale = call.arguments.integer("scale")?.unwrap_or(1).max(1);
    let reading = call.read().await?;
    let info = reading.state.as_ref().and_then(|state| state.info(&name));
    let counted = reading.execution.collections.open(name.as_str(), None).await?;
    let counted = counted.statistics().await?;
    let mut body = doc! {
        "ns": call.namespace(&name),
        "count": counted.count.cast_signed(),
        "size": counted.size.cast_signed() / scale,
    };
    if counted.count > 0 {
        body.insert("avgObjSize", ratio(counted.size, counted.count));
    }
    let indexes = info.iter().flat_map(|info| info.listed_indexes().into_owned());
    let sizes: Document = indexes
        .filter_map(|index| Some((index.get_str("name").ok()?.to_owned(), Bson::Int64(0))))
        .collect();
    let limits = info.and_then(CollectionInfo::capped);
    body.extend(doc! {
        "storageSize": counted.size.cast_signed() / scale,
        "nindexes": i32::try_from(sizes.len()).unwrap_or(0),
        "indexSizes": sizes,
        "totalIndexSize": 0_i64,
        "totalSize": counted.size.cast_signed() / scale,
        "capped": limits.is_some(),
        "scaleFactor": scale,
    });
    body.extend(limits.map(|limits| capped::shown(limits, scale)).unwrap_or_default());
    Reply::of(&body)
}

async fn validate(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let reading = call.read().await?;
    let namespace = call.namespace(&name);
    let Some(info) = reading.state.as_ref().and_then(|state| state.info(&name)) else {
        return Err(CommandError::new(
            26,
            format!("Collection '{namespace}' does not exist to validate."),
        ));
    };
    if reading.state.as_ref().is_some_and(|state| views::is_view(state, name.as_str())) {
        return Err(CommandError::new(166, "Cannot validate a view"));
    }
    let counted = reading.execution.collections.open(name.as_str(), None).await?;
    let counted = counted.statistics().await?;
    let none = Vec::<Bson>::new();
    Reply::of(&doc! {
        "ns": namespace,
        "nInvalidDocuments": 0,
        "nrecords": counted.count.cast_signed(),
        "nIndexes": i32::try_from(info.listed_indexes().len()).unwrap_or(0),
        "valid": true,
        "repaired": false,
        "warnings": none.clone(),
        "errors": none.clone(),
        "extraIndexEntries": none.clone(),
        "missingIndexEntries": none.clone(),
        "corruptRecords": none,
    })
}
