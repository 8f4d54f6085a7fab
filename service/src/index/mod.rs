//! Indexes of collections.

mod brought;
mod build;
mod create;
mod drop;
mod expire;
mod list;

pub(crate) use self::brought::{before, build_brought};
pub use self::build::{BuildIndexes, BuiltIndex, build};
pub use self::create::{CreateIndex, CreatedIndex, create};
pub use self::drop::{DropIndex, DroppedIndex, drop};
pub use self::expire::{ExpireDocuments, ExpiredDocuments, expire};
pub use self::list::{IndexInfo, ListIndexes, list};
