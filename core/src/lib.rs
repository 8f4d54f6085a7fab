//! The core of Argon: git for MongoDB-shaped data.
//!
//! A log of commits holds every change of a document; branches, reads of any past state, diff and
//! restore are built on that log. This crate depends on no backend, clock or source of randomness:
//! all three are passed to [`Store::create`] and [`Store::open`].
//!
//! Its modules are in layers, each of which imports only from those below it. From the lowest:
//! - [`Error`]: below all layers, with its parts for a program ([`ErrorKind`], [`DetailKey`]) and
//!   for a person (the message, [`Hint`]); and [`Digest`];
//! - [`document`]: paths, patterns, queries, the order of values and the keys of indexes, for every
//!   rule;
//!   [`key`]: the order-preserving encoding of `_id`s; [`definition`]: comparing options and indexes;
//! - [`model`]: the terms as types (LSN, point, view, commit, document, names), with
//!   [`Environment`];
//! - [`storage`]: the traits that a backend implements, with their contracts;
//! - [`log`], [`segment`]: walks over the log, and the formats in which it is stored;
//! - the engine. [`mod@write`]: from a request to a durable commit: preconditions, group commit, conflicts;
//!   [`LogMaterializer`]: reads from log and snapshots alone;
//! - the store. [`Store`], [`Project`], [`Branch`], [`State`]: the API for programs that embed
//!   Argon; [`watch`]: follows a branch; [`snapshot`]: the snapshots of states; [`pins`]: permanent names of states; [`mask`]:
//!   branches whose reads never return original values;
//! - history, operations over states. [`merge`]: three-way merge of a document; [`plan`]: merges,
//!   undo and cherry-picks, computed, reviewed and committed; [`checks`]: rules that a result must
//!   satisfy before it is published; [`mod@diff`], [`patch`], [`mod@blame`], [`bisect`],
//!   [`restore`], [`mod@verify`]; [`sandbox`], [`reflog`]: branches with a lease, and how branches
//!   moved;
//! - upkeep. [`gc`], [`fsck`]; [`copy`]: copies history from one store to another; [`metrics`]:
//!   counters of the processes that use a store, kept in it; [`alerts`]: conditions that are
//!   reported to a receiver.

mod detail;
mod digest;
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
pub use digest::Digest;
#[doc(inline)]
pub use document::{definition, key};
pub use engine::catalog::{Catalog, CollectionInfo};
pub use engine::index::definitions::is_index_option;
pub use engine::index::readable::{LaterIndex, ReadableIndex, StateIndexes, UnreadableIndex};
pub use engine::replay::{LogMaterializer, ReplayLimits};
pub use engine::write;
pub use error::{Error, ErrorKind, Result};
pub use hint::Hint;
pub use history::revision::{Named, Revision, Selector};
pub use history::{
    bisect, blame, checks, diff, merge, patch, plan, reflog, restore, sandbox, verify,
};
#[doc(inline)]
pub use log::segment;
#[doc(inline)]
pub use model::backoff::Backoff;
pub use model::codec;
pub use model::environment::{CLOCK_TOLERANCE, Clock, Environment, Ids};
pub use model::moment::{Moment, parse_time};
pub use store::records::branch_of_timeline;
pub use store::signature::{PublicKey, SigningKey};
pub use store::{
    Branch, BranchInfo, BroughtIndex, Collection, CollectionView, CreatedIndex, DeletedProject,
    DocumentStream, IntoDocument, Project, ProjectInfo, State, Store, TypedView, ValueChange,
    VersionedDocument, VersionedValue, mask, pins, snapshot, users, watch,
};
pub use upkeep::{alerts, copy, fsck, gc, metrics};
