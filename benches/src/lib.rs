//! Workloads over Argon, each next to the bare engine's floor for the same bytes in the same run.
//!
//! - [`workloads`]: what is measured, a module each; the `bench` command runs all of them, and the
//!   criterion bench `engine` the hot paths in small sizes;
//! - [`report`]: figures, the bars they are held to, and the table;
//! - [`subject`]: an engine under measurement; [`filled`]: a store with data in it, and the bare
//!   engine over a copy of its files;
//! - [`writing`]: the ways in which documents are written, by Argon and by the bare engine;
//! - [`layout`]: the rows of a commit made by hand, for the bare engine to write;
//! - [`documents`], [`random`], [`samples`], [`clock`]: the small tools.
//!
//! Machines are noisy, so a workload and its floor take turns in rounds, and figures are medians.

pub mod clock;
pub mod documents;
pub mod filled;
pub mod layout;
pub mod random;
pub mod report;
pub mod samples;
pub mod subject;
pub mod workloads;
pub mod writing;

/// What a workload gives; a bench does nothing about an error but show it.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
