//! The methods of a collection.

use argon_core::model::CollectionName;
use argon_core::{Error, Result};
use argon_formats::extjson::{NumberTypes, ShellMethod};
use bson::{Bson, Document, RawDocumentBuf, doc};

use super::arguments::Arguments;
use super::cursor::{Step, set};
use super::operation::{ShellOperation, unknown};
use crate::collections::{DropCollection, RenameCollection, Signature};
use crate::document::{
    AggregateDocuments, CountDocuments, DeleteMatching, DistinctValues, FindDocuments,
    PutDocuments, PutOptions, UpdateDocuments,
};
use crate::index::CreateIndex;
use crate::json::{HintValue, InputDocument, QueryDocument, UpdateValue};

/// The methods of a collection.
pub const METHODS: &[&str] = &[
    "aggregate",
    "countDocuments",
    "createIndex",
    "deleteMany",
    "deleteOne",
    "distinct",
    "drop",
    "dropIndex",
    "estimatedDocumentCount",
    "find",
    "findOne",
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
        "updateOne" | "updateMany" | "replaceOne" => update(name, method, &mut arguments)?,
        "deleteOne" | "deleteMany" => delete(name, method, &mut arguments)?,
        "createIndex" => create_index(name, &mut arguments)?,
        "dropIndex" => {
            let index = arguments.required(HintValue::EXPECTED)?.clone();
            let index = HintValue::of(index)
                .map_err(|other| arguments.wrong(HintValue::EXPECTED, &other))?;
            ShellOperation::DropIndex(name.clone(), index)
        }
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
    let mut options = arguments.options(&["let", "allowDiskUse"])?;
    let variables = match options.remove("let") {
        Some(Bson::Document(variables)) => QueryDocument(variables),
        Some(other) => return Err(arguments.wrong("a document as option let", &other)),
        None => QueryDocument::default(),
    };
    Ok(ShellOperation::Aggregate(AggregateDocuments {
        collection: name.clone(),
        pipeline: stages.into_iter().map(QueryDocument).collect(),
        variables,
    }))
}

fn count(
    name: &CollectionName,
    filter: QueryDocument,
    arguments: &mut Arguments<'_>,
) -> Result<ShellOperation> {
    let mut options = arguments.options(&["collation"])?;
    let collation = collation(&mut options, arguments)?;
    Ok(ShellOperation::Count(CountDocuments { collection: name.clone(), filter, collation }))
}

fn distinct(name: &CollectionName, arguments: &mut Arguments<'_>) -> Result<ShellOperation> {
    let (field, filter) = (arguments.text()?.to_owned(), arguments.query()?);
    let mut options = arguments.options(&["collation"])?;
    let collation = collation(&mut options, arguments)?;
    let collection = name.clone();
    Ok(ShellOperation::Distinct(DistinctValues { collection, field, filter, collation }))
}

fn insert(name: &CollectionName, documents: &[Document]) -> Result<PutDocuments> {
    let input = |document: &Document| {
        let document = RawDocumentBuf::try_from(document).map_err(|error| {
            Error::invalid("a document can't be written as BSON").with_source(error)
        })?;
        Ok::<_, Error>(InputDocument { document, number_types: NumberTypes::Named })
    };
    Ok(PutDocuments {
        documents: documents.iter().map(input).collect::<Result<_>>()?,
        options: PutOptions {
            collection: name.clone(),
            if_absent: true,
            if_lsn: None,
            signature: Signature::default(),
        },
    })
}

fn update(
    name: &CollectionName,
    method: &ShellMethod,
    arguments: &mut Arguments<'_>,
) -> Result<ShellOperation> {
    let filter = QueryDocument(arguments.document()?.clone());
    let is_replacement = method.name == "replaceOne";
    let update = arguments.required("an update")?;
    check_update(update, is_replacement, arguments)?;
    let known: &[&str] = if is_replacement { &["upsert"] } else { &["upsert", "arrayFilters"] };
    let mut options = arguments.options(known)?;
    let upsert = match options.remove("upsert") {
        None => false,
        Some(Bson::Boolean(upsert)) => upsert,
        Some(other) => return Err(arguments.wrong("true or false as option upsert", &other)),
    };
    let filters = match options.remove("arrayFilters") {
        None => Vec::new(),
        Some(Bson::Array(filters)) => filters,
        Some(other) => return Err(arguments.wrong("a list as option arrayFilters", &other)),
    };
    let filters = filters.into_iter().map(|filter| match filter {
        Bson::Document(filter) => Ok(QueryDocument(filter)),
        other => Err(arguments.wrong("documents as option arrayFilters", &other)),
    });
    Ok(ShellOperation::Update(UpdateDocuments {
        collection: name.clone(),
        filter,
        update: UpdateValue(update.clone()),
        many: method.name == "updateMany",
        upsert,
        array_filters: filters.collect::<Result<_>>()?,
        if_lsn: None,
        signature: Signature::default(),
    }))
}

/// A replacement has no operators, and an update has nothing else.
fn check_update(update: &Bson, is_replacement: bool, arguments: &Arguments<'_>) -> Result<()> {
    let has_operators = match update {
        Bson::Document(document) => {
            document.keys().next().is_some_and(|name| name.starts_with('$'))
        }
        Bson::Array(_) => true,
        other => return Err(arguments.wrong("an update", other)),
    };
    if has_operators == is_replacement {
        let expected = if is_replacement {
            "a document without operators such as $set"
        } else {
            "operators such as $set, or a list of stages"
        };
        return Err(arguments.wrong(expected, update));
    }
    Ok(())
}

fn delete(
    name: &CollectionName,
    method: &ShellMethod,
    arguments: &mut Arguments<'_>,
) -> Result<ShellOperation> {
    let filter = QueryDocument(arguments.document()?.clone());
    let mut options = arguments.options(&["collation"])?;
    let collation = collation(&mut options, arguments)?;
    Ok(ShellOperation::Delete(DeleteMatching {
        collection: name.clone(),
        filter,
        collation,
        one: method.name == "deleteOne",
        if_lsn: None,
        signature: Signature::default(),
    }))
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

fn collation(options: &mut Document, arguments: &Arguments<'_>) -> Result<QueryDocument> {
    match options.remove("collation") {
        None => Ok(QueryDocument::default()),
        Some(Bson::Document(collation)) => Ok(QueryDocument(collation)),
        Some(other) => Err(arguments.wrong("a document as option collation", &other)),
    }
}
