//! Capped collections: bounded ones that lose their oldest documents to new ones.
//!
//! The oldest document is the one that was created first. The log says when that was: by the commit that
//! created it, and by the place of the change in that commit.
//!
//! | module | content |
//! | --- | --- |
//! | `limits` | the bounds of a collection |
//! | `order` | the documents of a collection in the order of insertion |
//! | `orders` | the orders that are kept in memory, and reading one from the log |
//! | `eviction` | which documents a commit leaves no room for |

mod eviction;
mod limits;
mod order;
mod orders;

pub(crate) use eviction::{CappedCollections, Victim, prepare};
pub use limits::CappedLimits;
pub(crate) use order::InsertionOrder;
pub use order::InsertionPosition;
pub(crate) use orders::{InsertionOrders, Source};
