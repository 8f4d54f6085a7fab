//! Documents of a collection.

mod blame;
mod count;
mod delete;
mod find;
mod get;
mod history;
mod put;

pub use self::blame::{BlameDocument, BlamedCommit, FieldBlame, blame};
pub use self::count::{CountDocuments, CountedCollection, count, count_one};
pub use self::delete::{DeleteDocuments, DeletedDocuments, delete};
pub use self::find::{FindDocuments, find};
pub use self::get::{GetDocument, get};
pub use self::history::{DocumentVersion, HistoryEntry, ListVersions, history};
pub use self::put::{PutDocuments, PutOptions, WrittenDocument, put, put_all};
