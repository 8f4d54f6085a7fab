//! Argon v2 as a backend: the deprecated system of a job queue, a pool of workers and compressed
//! deltas, behind the traits of `argon_core::storage`.
//!
//! | URL | deltas and snapshots | queue and refs |
//! | --- | --- | --- |
//! | `legacy+file:DIR` | files in `DIR` | a sled store in `DIR/queue` |
//! | `legacy+s3://BUCKET/PREFIX` | objects in S3 | a sled store on this machine |
//! | `…?queue=mongodb://…` | as above | a database that several machines share |
//!
//! What is acknowledged is in the queue, durable as that store is. A timeline's commits go into
//! *batches* there; a full batch, or one that is five seconds old, becomes a delta object by way of a
//! `sync` job. Reads see both.
//!
//! - `log` and `reading`: the write-ahead log over queue and deltas; `timeline`: its records;
//! - `delta`: the format of a delta; `index`: which deltas there are;
//! - `jobs`: the queue; `workers`: who works it, and `work`: what a job does;
//! - `directory`: objects as files; `snapshots`, `maintenance`, `network`, `refs`, `factory`: the other traits.

mod delta;
mod directory;
mod engine;
mod factory;
mod index;
mod jobs;
mod log;
mod maintenance;
mod network;
mod notification;
mod prune;
mod reading;
mod records;
mod refs;
mod settings;
mod snapshots;
#[cfg(test)]
mod tests;
mod timeline;
mod work;
mod workers;

pub use delta::{Codec, Delta, DeltaHeader};
pub use engine::LegacyStore;
pub use factory::{Connect, LegacyFactory};
pub use jobs::{Job, JobKind, JobStatus, Queue};
pub use notification::Deliver;
pub use workers::{MOST_WORKERS, Pool};
