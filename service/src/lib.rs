//! What users do with Argon, each operation once, for every front end.
//!
//! A front end parses what it is asked, calls a function here, and prints or sends what comes of it;
//! it holds no logic that another one needs. Nothing here parses a command line, and nothing prints:
//! an operation that runs for long reports to a [`Watcher`], and an error carries a [`Hint`] that
//! each front end puts in its own words.
//!
//! - [`backends`]: which stores there are;
//! - [`discover`], [`credentials`], [`store_link`], [`config`]: which store, project and branch is meant;
//! - [`settings`]: `argon.toml` and what stands above it;
//! - [`project`], [`branch`], [`sandbox`], [`collections`], [`pin`], [`snapshot`],
//!   [`document`], [`log`], [`reflog`], [`status`], [`changes`]: an operation a file, from a request to a result that is written as JSON;
//!   [`json`]: what results are made of;
//! - [`init`], [`migrate`]: stores, created and copied;
//! - [`import`]: files and dumps into commits; [`export`]: states into files; [`loss`]: what JSON can't
//!   express;
//! - [`patches`]: differences as text that can be applied; [`range`]: commits between two states;
//! - [`merge_policy`], [`mask_policy`]: policies as files;
//! - [`health`]: whether a store works as it should, and alerts;
//! - [`hooks`]: commands that accept or refuse a result; [`webhook`]: posting to others;
//! - [`usage_metrics`]: keeping what processes count;
//! - [`keys`], [`small_file`]: files that a person writes;
//! - [`duration`], [`size`], [`words`]: lengths of time, numbers of bytes, numbers and times as people
//!   write and read them.

pub mod backends;
pub mod branch;
pub mod changes;
pub mod collections;
pub mod config;
pub mod credentials;
pub mod discover;
pub mod document;
pub mod duration;
pub mod export;
mod failure;
pub mod health;
pub mod hooks;
pub mod import;
pub mod init;
pub mod json;
pub mod keys;
pub mod log;
pub mod loss;
pub mod mask_policy;
pub mod merge_policy;
pub mod migrate;
mod opener;
pub mod patches;
pub mod pin;
pub mod project;
pub mod range;
pub mod reflog;
pub mod sandbox;
pub mod settings;
pub mod size;
pub mod small_file;
pub mod snapshot;
pub mod status;
pub mod store_link;
pub mod usage_metrics;
mod watcher;
pub mod webhook;
pub mod words;
mod workspace;

pub use self::failure::{Failure, Hint, Result, of_format};
pub use self::opener::StoreOpener;
pub use self::watcher::{Interrupt, Watcher};
pub use self::workspace::{OpenStore, Workspace, first_branch};
