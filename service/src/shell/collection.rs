//! The methods of a collection.

use argon_core::Result;
use argon_core::model::CollectionName;
use argon_formats::extjson::ShellMethod;
use bson::{Bson, Document, doc};

use super::arguments::Arguments;
use super::bulk;
use super::change::{delete, find_and_modify, insert, update};
use super::cursor::{Step, set};
use super::operation::{ShellOperation, unknown};
use crate::collections::{DropCollection, RenameCollection, Signature};
use crate::document::{AggregateDocuments, CountDocuments, DistinctValues, FindDocuments};
use crate::index::CreateIndex;
use crate::json::{HintValue, QueryDocument};

/// The methods of a collection.
pub const METHODS: &[&str] = &[
    "aggregate",
    "bulkWrite",
    "countDocuments",
    "createIndex",
    "deleteMany",
    "deleteOne",
    "distinct",
    "drop",
    "dropIndex",
    "dropIndexes",
    "estimatedDocumentCount",
    "explain",
    "find",
    "findOne",
    "findOneAndDelete",
    "findOneAndReplace",
    "findOneAndUpdate",
    "getIndexes",
    "insertMany",
    "insertOne",
    "renameCollection",
    "replaceOne",
    "updateMany",
    "updateOne",
];

/// The operation of a method.
pub(super) fn operation(name: &CollectionName, method: &ShellMethod) -> Result<ShellOperation> {
    let owner = format!("db.{name}");
    let mut arguments = Arguments::of(&owner, method);
    let operation = match method.name.as_str() {
        "find" => ShellOperation::Find(find(name, &mut arguments)?),
        "findOne" => {
            let found = find(name, &mut arguments)?;
            ShellOperation::FindOne(FindDocuments { limit: Some(1), ..found })
        }
        "aggregate" => aggregate(name, &mut arguments)?,
        "countDocuments" => count(name, arguments.query()?, &mut arguments)?,
        "estimatedDocumentCount" => count(name, QueryDocument::default(), &mut arguments)?,
        "distinct" => distinct(name, &mut arguments)?,
        "insertOne" => {
            let document = arguments.document()?.clone();
            ShellOperation::InsertOne(insert(name, &[document])?)
        }
        "insertMany" => ShellOperation::InsertMany(insert(name, &arguments.documents()?)?),
        "updateOne" | "updateMany" | "replaceOne" => {
            ShellOperation::Update(update(name, &method.name, &mut arguments)?)
        }
        "deleteOne" | "deleteMany" => {
            ShellOperation::Delete(delete(name, &method.name, &mut arguments)?)
        }
        "findOneAndUpdate" | "findOneAndReplace" | "findOneAndDelete" => {
            ShellOperation::FindAndModify(Box::new(find_and_modify(
                name,
                &method.name,
                &mut arguments,
            )?))
        }
        "bulkWrite" => bulk::bulk_write(name, &mut arguments)?,
        "createIndex" => create_index(name, &mut arguments)?,
        "dropIndex" => {
            let index = arguments.required(HintValue::EXPECTED)?.clone();
            let index = HintValue::of(index)
                .map_err(|other| arguments.wrong(HintValue::EXPECTED, &other))?;
            ShellOperation::DropIndex(name.clone(), index)
        }
        "dropIndexes" => ShellOperation::DropIndexes(name.clone(), indexes(&mut arguments)?),
        "getIndexes" => ShellOperation::Indexes(name.clone()),
        "drop" => ShellOperation::DropCollection(DropCollection {
            collection: name.clone(),
            signature: Signature::default(),
        }),
        "renameCollection" => ShellOperation::RenameCollection(RenameCollection {
            from: name.clone(),
            to: CollectionName::new(arguments.text()?)?,
            signature: Signature::default(),
        }),
        _ => return Err(unknown(&owner, method, METHODS)),
    };
    arguments.end()?;
    Ok(operation)
}

fn find(name: &CollectionName, arguments: &mut Arguments<'_>) -> Result<FindDocuments> {
    let (filter, projection) = (arguments.query()?, arguments.query()?);
    let options = arguments.options(&["sort", "skip", "limit", "collation", "hint"])?;
    let mut find = FindDocuments {
        collection: name.clone(),
        filter,
        projection,
        sort: QueryDocument::default(),
        skip: 0,
        limit: None,
        collation: QueryDocument::default(),
        hint: None,
    };
    for (option, value) in &options {
        if let Some(step) = Step::named(option) {
            set(&mut find, step, value).ok_or_else(|| arguments.wrong(step.expected(), value))?;
        }
    }
    Ok(find)
}

fn aggregate(name: &CollectionName, arguments: &mut Arguments<'_>) -> Result<ShellOperation> {
    let stages = arguments.stages()?;
    let mut options = arguments.options(&["let", "allowDiskUse", "collation", "hint"])?;
    let variables = arguments.option_document(&mut options, "let")?;
    Ok(ShellOperation::Aggregate(AggregateDocuments {
        collection: name.clone(),
        pipeline: stages.into_iter().map(QueryDocument).collect(),
        variables,
        collation: collation(&mut options, arguments)?,
        hint: hint(&mut options, arguments)?,
    }))
}

fn count(
    name: &CollectionName,
    filter: QueryDocument,
    arguments: &mut Arguments<'_>,
) -> Result<ShellOperation> {
    let mut options = arguments.options(&["collation", "hint"])?;
    let collation = collation(&mut options, arguments)?;
    let hint = hint(&mut options, arguments)?;
    Ok(ShellOperation::Count(CountDocuments { collection: name.clone(), filter, collation, hint }))
}

fn distinct(name: &CollectionName, arguments: &mut Arguments<'_>) -> Result<ShellOperation> {
    let (field, filter) = (arguments.text()?.to_owned(), arguments.query()?);
    let mut options = arguments.options(&["collation"])?;
    let collation = collation(&mut options, arguments)?;
    let collection = name.clone();
    Ok(ShellOperation::Distinct(DistinctValues { collection, field, filter, collation }))
}

/// The options are those of a definition, which the store checks.
fn create_index(name: &CollectionName, arguments: &mut Arguments<'_>) -> Result<ShellOperation> {
    let key = arguments.document()?.clone();
    let options = arguments.query()?.0;
    if options.contains_key("key") {
        return Err(arguments.wrong("options without a key", &options.into()));
    }
    let mut definition = doc! { "key": key };
    definition.extend(options);
    Ok(ShellOperation::CreateIndex(CreateIndex {
        collection: name.clone(),
        definition: QueryDocument(definition),
        signature: Signature::default(),
    }))
}

/// The indexes that `dropIndexes` names; none for all.
fn indexes(arguments: &mut Arguments<'_>) -> Result<Vec<HintValue>> {
    let expected = "the name or the key of an index, or a list of names";
    let values = match arguments.optional() {
        None => return Ok(Vec::new()),
        Some(Bson::String(all)) if all == "*" => return Ok(Vec::new()),
        Some(Bson::Array(names)) if !names.is_empty() => names.clone(),
        Some(one) => vec![one.clone()],
    };
    let indexes = values.into_iter().map(HintValue::of);
    indexes.collect::<Result<_, _>>().map_err(|other| arguments.wrong(expected, &other))
}

/// The option `collation`.
pub(super) fn collation(
    options: &mut Document,
    arguments: &Arguments<'_>,
) -> Result<QueryDocument> {
    arguments.option_document(options, "collation")
}

/// The option `hint`.
pub(super) fn hint(options: &mut Document, arguments: &Arguments<'_>) -> Result<Option<HintValue>> {
    let hint = options.remove("hint").map(HintValue::of).transpose();
    hint.map_err(|other| arguments.wrong(HintValue::EXPECTED, &other))
}
