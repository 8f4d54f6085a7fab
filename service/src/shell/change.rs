//! The methods of a collection that change documents.

use argon_core::model::CollectionName;
use argon_core::{Error, Result};
use argon_formats::extjson::NumberTypes;
use bson::{Bson, Document, RawDocumentBuf};

use super::arguments::Arguments;
use super::collection::{collation, hint};
use crate::collections::Signature;
use crate::document::{
    DeleteMatching, FindAndModify, FoundChange, PutDocuments, PutOptions, UpdateDocuments,
};
use crate::json::{InputDocument, QueryDocument, UpdateValue};

/// An insertion, which refuses an `_id` that exists.
pub(super) fn insert(name: &CollectionName, documents: &[Document]) -> Result<PutDocuments> {
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

/// `updateOne`, `updateMany` and `replaceOne`.
pub(super) fn update(
    name: &CollectionName,
    method: &str,
    arguments: &mut Arguments<'_>,
) -> Result<UpdateDocuments> {
    let filter = QueryDocument(arguments.document()?.clone());
    let is_replacement = method == "replaceOne";
    let update = arguments.required("an update")?;
    check_update(update, is_replacement, arguments)?;
    let known: &[&str] = if is_replacement {
        &["upsert", "collation", "hint"]
    } else {
        &["upsert", "arrayFilters", "collation", "hint"]
    };
    let mut options = arguments.options(known)?;
    Ok(UpdateDocuments {
        collection: name.clone(),
        filter,
        update: UpdateValue(update.clone()),
        many: method == "updateMany",
        upsert: arguments.option_switch(&mut options, "upsert")?,
        array_filters: array_filters(&mut options, arguments)?,
        collation: collation(&mut options, arguments)?,
        hint: hint(&mut options, arguments)?,
        if_lsn: None,
        signature: Signature::default(),
    })
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

fn array_filters(options: &mut Document, arguments: &Arguments<'_>) -> Result<Vec<QueryDocument>> {
    let filters = match options.remove("arrayFilters") {
        None => Vec::new(),
        Some(Bson::Array(filters)) => filters,
        Some(other) => return Err(arguments.wrong("a list as option arrayFilters", &other)),
    };
    let filters = filters.into_iter().map(|filter| match filter {
        Bson::Document(filter) => Ok(QueryDocument(filter)),
        other => Err(arguments.wrong("documents as option arrayFilters", &other)),
    });
    filters.collect()
}

/// `deleteOne` and `deleteMany`.
pub(super) fn delete(
    name: &CollectionName,
    method: &str,
    arguments: &mut Arguments<'_>,
) -> Result<DeleteMatching> {
    let filter = QueryDocument(arguments.document()?.clone());
    let mut options = arguments.options(&["collation", "hint"])?;
    Ok(DeleteMatching {
        collection: name.clone(),
        filter,
        collation: collation(&mut options, arguments)?,
        hint: hint(&mut options, arguments)?,
        one: method == "deleteOne",
        if_lsn: None,
        signature: Signature::default(),
    })
}

/// `findOneAndUpdate`, `findOneAndReplace` and `findOneAndDelete`.
pub(super) fn find_and_modify(
    name: &CollectionName,
    method: &str,
    arguments: &mut Arguments<'_>,
) -> Result<FindAndModify> {
    let filter = QueryDocument(arguments.document()?.clone());
    let is_deletion = method == "findOneAndDelete";
    let update = if is_deletion {
        None
    } else {
        let update = arguments.required("an update")?;
        check_update(update, method == "findOneAndReplace", arguments)?;
        Some(update)
    };
    let mut known = vec!["sort", "projection", "collation", "hint"];
    match method {
        "findOneAndUpdate" => {
            known.extend(["upsert", "returnDocument", "returnNewDocument", "arrayFilters"]);
        }
        "findOneAndReplace" => known.extend(["upsert", "returnDocument", "returnNewDocument"]),
        _ => {}
    }
    let mut options = arguments.options(&known)?;
    let change = match update {
        None => FoundChange::Delete,
        Some(update) => FoundChange::Update {
            update: UpdateValue(update.clone()),
            upsert: arguments.option_switch(&mut options, "upsert")?,
            array_filters: array_filters(&mut options, arguments)?,
        },
    };
    let is_new = arguments.option_switch(&mut options, "returnNewDocument")?;
    let returns_new = match options.remove("returnDocument") {
        None => is_new,
        Some(Bson::String(which)) if which == "after" => true,
        Some(Bson::String(which)) if which == "before" => false,
        Some(other) => {
            return Err(arguments.wrong("'before' or 'after' as option returnDocument", &other));
        }
    };
    Ok(FindAndModify {
        collection: name.clone(),
        filter,
        change,
        sort: arguments.option_document(&mut options, "sort")?,
        projection: arguments.option_document(&mut options, "projection")?,
        collation: collation(&mut options, arguments)?,
        hint: hint(&mut options, arguments)?,
        returns_new,
        signature: Signature::default(),
    })
}
