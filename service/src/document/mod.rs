//! Documents of a collection.

mod count;
mod find;
mod get;

pub use self::count::{CountDocuments, CountedCollection, count, count_one};
pub use self::find::{FindDocuments, find};
pub use self::get::{GetDocument, get};
