//! What users do with Argon, each operation once, for every front end.
//!
//! A front end parses what it is asked, calls a function here, and prints or sends what comes of it;
//! it holds no logic that another one needs. Nothing here parses a command line, and nothing prints:
//! an operation that runs for long reports to a [`Watcher`], and an error carries a [`Hint`] that
//! each front end puts in its own words; results take such words from a [`Wording`].
//!
//! - [`backends`]: which stores there are;
//! - [`discover`], [`credentials`], [`store_link`], [`config`]: which store, project and branch is meant;
//! - [`settings`]: `argon.toml` and what stands above it;
//! - [`project`], [`branch`], [`sandbox`], [`collections`], [`index`], [`pin`], [`snapshot`],
//!   [`document`], [`log`], [`reflog`], [`status`], [`changes`], [`plan`], [`restore`], [`bisect`]: an operation a file, from a request to a result that is written as JSON;
//!   [`json`]: what results are made of;
//! - [`init`], [`migrate`]: stores, created and copied;
//! - [`import`]: files and dumps into commits; [`export`]: states into files; [`loss`]: what JSON can't
//!   express;
//! - [`dvc`]: lock files that make collections dependencies of DVC's pipelines;
//! - [`patches`]: differences as text that can be applied; [`range`]: commits between two states;
//! - [`merge_policy`], [`mask_policy`]: policies as files;
//! - [`upkeep`], [`verify`], [`health`], [`queue`]: garbage, damage, measures and jobs of a store;
//! - [`shell`]: statements of MongoDB's shell as operations;
//! - [`operations`]: operations by their names, for front ends that hold BSON;
//! - [`store_names`], [`connection_string`]: names of stores and branches;
//! - [`hooks`]: commands that accept or refuse a result; [`webhook`]: posting to others;
//! - [`usage_metrics`]: keeping what processes count;
//! - [`keys`], [`small_file`]: files that a person writes;
//! - [`duration`], [`size`], [`words`]: lengths of time, numbers of bytes, numbers and times as people
//!   write and read them.

pub mod audit;
pub mod backends;
pub mod bisect;
pub mod branch;
pub mod changes;
pub mod collections;
pub mod config;
pub mod connection_string;
pub mod credentials;
pub mod discover;
pub mod document;
pub mod duration;
pub mod dvc;
pub mod export;
mod failure;
pub mod health;
pub mod hooks;
pub mod import;
pub mod index;
pub mod init;
pub mod json;
mod json_text;
pub mod keys;
pub mod log;
pub mod loss;
pub mod mask_policy;
pub mod merge_policy;
pub mod migrate;
mod opener;
pub mod operations;
pub mod origin;
pub mod patches;
pub mod pin;
pub mod plan;
pub mod project;
#[cfg(feature = "legacy")]
pub mod queue;
pub mod range;
pub mod reflog;
pub mod restore;
pub mod sandbox;
pub mod settings;
pub mod shell;
pub mod size;
pub mod small_file;
pub mod snapshot;
pub mod status;
pub mod store_link;
pub mod store_names;
pub mod token;
pub mod upkeep;
pub mod usage_metrics;
pub mod user;
mod value_input;
pub mod verify;
mod watcher;
pub mod webhook;
mod wording;
pub mod words;
mod workspace;

pub use self::failure::{ErrorObject, Failure, Result, of_format};
pub use self::opener::StoreOpener;
pub use self::watcher::{Interrupt, Watcher};
pub use self::wording::Wording;
pub use self::workspace::{OpenStore, Workspace, first_branch};
pub use argon_core::Hint;
