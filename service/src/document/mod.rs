//! Documents of a collection.

mod aggregate;
mod blame;
mod collated;
mod count;
mod delete;
mod distinct;
mod evaluation;
mod explain;
mod find;
mod find_and_modify;
mod get;
mod history;
mod number_types;
mod put;
mod unchanged;
mod update;

pub use self::aggregate::{AggregateDocuments, WrittenRows, aggregate, aggregate_into};
pub use self::blame::{BlameDocument, BlamedCommit, FieldBlame, blame};
pub use self::count::{CountDocuments, CountedCollection, count, count_one};
pub use self::delete::{
    DeleteDocuments, DeleteMatching, DeletedDocuments, DeletedMatching, delete, delete_matching,
};
pub use self::distinct::{DistinctValue, DistinctValues, distinct};
pub use self::explain::{ExplainPipeline, ExplainQuery, ExplainedQuery, explain, explain_pipeline};
pub use self::find::{FindDocuments, find};
pub use self::find_and_modify::{FindAndModify, FoundAndModified, FoundChange, find_and_modify};
pub use self::get::{GetDocument, get};
pub use self::history::{DocumentVersion, HistoryEntry, ListVersions, history};
pub use self::put::{PutDocuments, PutOptions, WrittenDocument, put, put_all};
pub use self::update::{UpdateDocuments, UpdatedDocuments, update};
pub use argon_query::pipeline::Row as QueryRow;
