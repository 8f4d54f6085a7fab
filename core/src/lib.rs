//! The core of Argon: git for MongoDB-shaped data.
//!
//! Every change of a document goes into a log of commits; branches, reads of any past state, diff
//! and restore are built on that log. This crate knows no backend, no clock and no source of
//! randomness: all three are handed to [`Store::create`] and [`Store::open`].
//!
//! Its modules are in layers, each of which imports only from those below it. From the lowest:
//! - [`Error`]: below them all, with what a program ([`ErrorKind`], [`DetailKey`]) and a person (its message,
//!   [`Hint`]) do about it;
//! - [`document`]: paths, patterns, queries and the order of values, for every rule;
//!   [`key`]: the order-preserving encoding of `_id`s; [`definition`]: comparing options and indexes;
//! - [`model`]: the words as types (LSN, point, view, commit, document, names), with [`Environment`];
//! - [`storage`]: the traits that a backend implements, with their contracts;
//! - [`log`], [`segment`]: walking the log, and the formats in which it is kept;
//! - the engine. [`mod@write`]: from a request to a durable commit: preconditions, group commit, conflicts;
//!   [`LogMaterializer`]: reads from log and snapshots alone;
//! - the store. [`Store`], [`Project`], [`Branch`], [`State`]: what a program that embeds Argon uses;
//!   [`snapshot`]: the snapshots of states; [`pins`]: names that stay; [`mask`]: branches whose reads never
//!   give the originals;
//! - history, operations over states. [`merge`]: three-way merge of a document; [`plan`]: merges, undo and
//!   cherry-picks, worked out, reviewed and committed; [`checks`]: what must hold of a result before it is
//!   published; [`mod@diff`], [`patch`], [`mod@blame`], [`bisect`], [`restore`], [`mod@verify`];
//!   [`sandbox`], [`reflog`]: branches that end, and how branches moved;
//! - upkeep. [`gc`], [`fsck`]; [`copy`]: the history of one store in another; [`metrics`]: what processes did
//!   with a store, counted and kept in it; [`alerts`]: conditions that somebody is told of.

mod detail;
pub mod document;
mod engine;
mod error;
mod hint;
mod history;
pub mod log;
pub mod model;
pub mod storage;
mod store;
mod upkeep;

pub use detail::{DetailKey, DetailValue};
#[doc(inline)]
pub use document::{definition, key};
pub use engine::catalog::{Catalog, CollectionInfo};
pub use engine::replay::{LogMaterializer, ReplayLimits};
pub use engine::write;
pub use error::{Error, ErrorKind, Result};
pub use hint::Hint;
pub use history::revision::{Named, Revision, Selector, parse_time};
pub use history::{
    bisect, blame, checks, diff, merge, patch, plan, reflog, restore, sandbox, verify,
};
#[doc(inline)]
pub use log::segment;
#[doc(inline)]
pub use model::backoff::Backoff;
pub use model::codec;
pub use model::environment::{CLOCK_TOLERANCE, Clock, Environment, Ids};
pub use store::records::branch_of_timeline;
pub use store::signature::{PublicKey, SigningKey};
pub use store::{
    Branch, BranchInfo, Collection, CollectionView, DeletedProject, DocumentStream, IntoDocument,
    Project, ProjectInfo, State, Store, VersionedDocument, mask, pins, snapshot,
};
pub use upkeep::{alerts, copy, fsck, gc, metrics};
