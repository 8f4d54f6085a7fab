//! What a statement asks for.

use argon_core::model::CollectionName;
use argon_core::{Error, Result};
use argon_formats::extjson::{ShellCall, ShellMethod};
use bson::doc;

use super::bulk::BulkWrite;
use super::{collection, cursor, database, explain};
use crate::collections::{CreateCollection, DropCollection, RenameCollection};
use crate::document::{
    AggregateDocuments, CountDocuments, DeleteMatching, DistinctValues, ExplainPipeline,
    ExplainQuery, FindAndModify, FindDocuments, PutDocuments, UpdateDocuments,
};
use crate::index::CreateIndex;
use crate::json::{HintValue, QueryDocument};

/// An operation of MongoDB's shell.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ShellOperation {
    /// Read documents.
    Find(FindDocuments),
    /// Read one document, or null.
    FindOne(FindDocuments),
    /// Count the documents that `find` reads, with its skip and limit.
    CountFound(FindDocuments),
    /// Run a pipeline.
    Aggregate(AggregateDocuments),
    /// Count documents.
    Count(CountDocuments),
    /// List the values of a field.
    Distinct(DistinctValues),
    /// Insert one document.
    InsertOne(PutDocuments),
    /// Insert documents, all of them or none.
    InsertMany(PutDocuments),
    /// Update or replace documents.
    Update(UpdateDocuments),
    /// Delete documents.
    Delete(DeleteMatching),
    /// Change one document, and return it.
    FindAndModify(Box<FindAndModify>),
    /// Write several times, one after the other.
    BulkWrite(BulkWrite),
    /// Explain how a query reads documents.
    Explain(ExplainQuery),
    /// Explain how a pipeline reads documents.
    ExplainPipeline(ExplainPipeline),
    /// List the definitions of the indexes of a collection.
    Indexes(CollectionName),
    /// Create an index.
    CreateIndex(CreateIndex),
    /// Drop an index, by its name or its key.
    DropIndex(CollectionName, HintValue),
    /// Drop indexes, by their names or keys, in one commit; all but that of `_id` if none is named.
    DropIndexes(CollectionName, Vec<HintValue>),
    /// Create a collection.
    CreateCollection(CreateCollection),
    /// Drop a collection.
    DropCollection(DropCollection),
    /// Rename a collection.
    RenameCollection(RenameCollection),
    /// List the names of the collections.
    CollectionNames,
    /// Name the project, or the collection in it.
    Name(Option<CollectionName>),
}

impl ShellOperation {
    /// The operation that a call asks for.
    ///
    /// # Errors
    /// `Invalid` for an unknown method and for wrong arguments; `Unsupported` for what MongoDB has and Argon
    /// does not.
    pub fn of(call: &ShellCall) -> Result<Self> {
        let name = call.collection.as_deref().map(CollectionName::new).transpose()?;
        let Some((first, rest)) = call.methods.split_first() else { return Ok(Self::Name(name)) };
        let operation = match name {
            Some(name) if first.name == "explain" => {
                return explain::before(&name, first, rest);
            }
            Some(name) => collection::operation(&name, first)?,
            None => database::operation(first)?,
        };
        rest.iter().try_fold(operation, cursor::apply)
    }

    /// The operation that reads what comes after the first `shown` documents; `None` if nothing does.
    pub fn after(&self, shown: u64) -> Option<Self> {
        match self {
            Self::Find(find) => {
                let limit = match find.limit {
                    None => None,
                    Some(limit) => Some(limit.checked_sub(shown).filter(|left| *left > 0)?),
                };
                Some(Self::Find(FindDocuments { skip: find.skip + shown, limit, ..find.clone() }))
            }
            Self::Aggregate(aggregate) => {
                let mut rest = aggregate.clone();
                let shown = i64::try_from(shown).ok()?;
                rest.pipeline.push(QueryDocument(doc! { "$skip": shown }));
                Some(Self::Aggregate(rest))
            }
            _ => None,
        }
    }

    /// Whether it may make a commit.
    pub fn writes(&self) -> bool {
        match self {
            Self::Aggregate(aggregate) => aggregate.writes(),
            Self::InsertOne(_)
            | Self::InsertMany(_)
            | Self::Update(_)
            | Self::Delete(_)
            | Self::FindAndModify(_)
            | Self::BulkWrite(_)
            | Self::CreateCollection(_)
            | Self::CreateIndex(_)
            | Self::DropIndex(..)
            | Self::DropIndexes(..)
            | Self::DropCollection(_)
            | Self::RenameCollection(_) => true,
            _ => false,
        }
    }
}

/// The error for a method that does not exist, or is not supported.
pub(super) fn unknown(owner: &str, method: &ShellMethod, known: &[&str]) -> Error {
    let name = &method.name;
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(known, name), *known))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let advice = match nearest {
        Some((_, nearest)) => format!("did you mean {nearest}?"),
        None => format!("supported methods: {}", known.join(", ")),
    };
    Error::invalid(format!("{owner}.{name} is not a function; {advice}"))
}
