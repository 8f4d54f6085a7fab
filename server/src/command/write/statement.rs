//! A statement of a write: an insertion, an update or a deletion.

use argon_query::commands::{DeleteCommand, UpdateCommand};
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document};

use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};

/// A statement.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    Insert(RawDocumentBuf),
    Update(Box<UpdateCommand>),
    Delete(Box<DeleteCommand>),
}

/// What a statement did.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Done {
    /// The documents that matched.
    pub(super) matched: u64,
    /// The documents that were changed, inserted or deleted.
    pub(super) modified: u64,
    /// The `_id` of a document that was inserted since none matched.
    pub(super) upserted: Option<Bson>,
}

/// Reads an entry of `updates`.
pub(super) fn update(arguments: Arguments<'_>, variables: &Document) -> Result<Statement> {
    let known = [
        "arrayFilters",
        "c",
        "collation",
        "hint",
        "multi",
        "q",
        "sort",
        "u",
        "upsert",
        "upsertSupplied",
    ];
    arguments.check_known(&known, false)?;
    let filter = arguments.raw_document("q")?.ok_or_else(|| arguments.missing("q"))?;
    let change = arguments.bson("u")?.ok_or_else(|| arguments.missing("u"))?;
    let many = arguments.is_set("multi")?;
    if many && arguments.value("sort")?.is_some() {
        return Err(CommandError::failed_to_parse("Cannot specify sort with multi=true"));
    }
    Ok(Statement::Update(Box::new(UpdateCommand {
        filter: Document::try_from(filter)?,
        many,
        upsert: arguments.is_set("upsert")?,
        array_filters: arguments.document_list("arrayFilters")?,
        sort: arguments.document("sort")?,
        collation: arguments.document("collation")?,
        hint: arguments.bson("hint")?,
        variables: with_constants(arguments, variables)?,
        ..UpdateCommand::new(change)
    })))
}

/// Reads an entry of `deletes`.
pub(super) fn delete(arguments: Arguments<'_>, variables: &Document) -> Result<Statement> {
    arguments.check_known(&["collation", "hint", "limit", "q"], false)?;
    let filter = arguments.raw_document("q")?.ok_or_else(|| arguments.missing("q"))?;
    let limit = arguments.integer("limit")?.ok_or_else(|| arguments.missing("limit"))?;
    if !matches!(limit, 0 | 1) {
        return Err(CommandError::failed_to_parse(format!(
            "The limit field in delete objects must be 0 or 1. Got {limit}"
        )));
    }
    Ok(Statement::Delete(Box::new(DeleteCommand {
        filter: Document::try_from(filter)?,
        many: limit == 0,
        collation: arguments.document("collation")?,
        hint: arguments.bson("hint")?,
        variables: variables.clone(),
    })))
}

/// The variables of the command, and those of an update's own constants.
pub(super) fn with_constants(arguments: Arguments<'_>, variables: &Document) -> Result<Document> {
    let mut variables = variables.clone();
    for (name, value) in arguments.document("c")? {
        variables.insert(name, bson::doc! { "$literal": value });
    }
    Ok(variables)
}
