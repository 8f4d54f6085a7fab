//! Workloads over Argon, each next to its floor in the same run: what the bare engine, or the server's
//! own driver, needs for the same bytes.
//!
//! - [`workloads`]: what is measured of engines in this process, a module each; the `bench` command
//!   runs all of them, and the criterion bench `engine` the hot paths in small sizes;
//! - [`network`]: the same for MongoDB and S3, with the servers and the drivers;
//! - [`request`]: what is to be measured, and the run that measures it;
//! - [`report`]: figures, the bars they are held to, tables, charts and files;
//! - [`subject`]: an engine under measurement; [`filled`]: a store with data in it, and the bare
//!   engine over a copy of its files;
//! - [`writing`]: the ways in which documents are written, by Argon and by the bare engine;
//! - [`layout`]: the rows of a commit made by hand, for the bare engine to write;
//! - [`documents`], [`places`]: the documents; [`random`], [`samples`], [`clock`], [`memory`]: the
//!   small tools.
//!
//! Machines are noisy, so a workload and its floor take turns in rounds, and figures are medians.

pub mod clock;
pub mod documents;
pub mod filled;
pub mod layout;
pub mod memory;
pub mod network;
pub mod places;
pub mod random;
pub mod report;
pub mod request;
pub mod samples;
pub mod subject;
pub mod workloads;
pub mod writing;

/// What a workload gives; a bench does nothing about an error but show it.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
