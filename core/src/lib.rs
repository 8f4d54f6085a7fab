//! The core of Argon: git for MongoDB-shaped data.
//!
//! Every change of a document goes into a log of commits; branches, reads of any past state, diff
//! and restore are built on that log. This crate knows no backend, no clock and no source of
//! randomness: all three are handed to [`Store::create`] and [`Store::open`].
//!
//! Where to look:
//! - [`model`]: the words as types (LSN, point, view, commit, document, names);
//! - [`key`]: the order-preserving encoding of `_id`s;
//! - [`storage`]: the traits that a backend implements, with their contracts;
//! - [`snapshot`], [`LogMaterializer`]: snapshots, and reads from log and snapshots alone;
//! - [`mod@write`]: from a request to a durable commit: preconditions, group commit, conflicts;
//! - [`Store`], [`Project`], [`Branch`], [`State`]: what a program that embeds Argon uses;
//! - [`diff`], [`restore`], [`fsck`], [`gc`]: operations over states and stores, a module each.

mod api;
mod catalog;
pub mod codec;
pub mod diff;
mod environment;
mod error;
pub mod fsck;
pub mod gc;
mod guard;
pub mod key;
pub mod log;
mod lru;
pub mod model;
mod records;
mod replay;
pub mod restore;
mod revision;
pub mod segment;
pub mod snapshot;
pub mod storage;
mod timelines;
pub mod write;

pub use api::{
    Branch, BranchInfo, Collection, CollectionView, DocumentStream, Found, IntoDocument, Project,
    ProjectInfo, State, Store,
};
pub use catalog::{Catalog, CollectionInfo};
pub use environment::{Clock, Environment, Ids};
pub use error::{Error, ErrorKind, Result};
pub use replay::{LogMaterializer, ReplayLimits};
pub use revision::{Revision, Selector, parse_time};
