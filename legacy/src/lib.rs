//! Argon v2 as a backend: the deprecated system of a job queue, a pool of workers and compressed
//! deltas, behind the traits of `argon_core::storage`.
//!
//! | URL | deltas and snapshots | queue and refs |
//! | --- | --- | --- |
//! | `legacy+file:DIR` | files in `DIR` | a sled store in `DIR/queue` |
//! | `legacy+s3://BUCKET/PREFIX` | objects in S3 | a sled store on this machine |
//! | `…?queue=mongodb://…` | as above | a database that several machines share |
//!
//! Acknowledged commits are in the queue, with the durability of its store. They are gathered in
//! *batches* there; a `sync` job writes a full batch, or one that is five seconds old, to a delta
//! object. Reads see both.
//!
//! | module | content |
//! | --- | --- |
//! | `engine`, `factory`, `settings` | the parts of an opened store; its URL |
//! | `log` | the write-ahead log over `batches` (appends), `timelines`, `reading` and `prune` |
//! | `delta`, `index` | the format of a delta; the records of the deltas of a timeline |
//! | `jobs`, `workers` | the queue; the workers of a process |
//! | `runner` | jobs by kind, with `delta_writer`, `prune`, `cleaning` and `notification` |
//! | `directory` | objects as files |
//! | `snapshots`, `refs`, `network`, `maintenance` | the other traits |

mod batches;
mod cleaning;
mod delta;
mod delta_writer;
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
mod runner;
mod settings;
mod snapshots;
#[cfg(test)]
mod tests;
mod time;
mod timelines;
mod workers;

pub use delta::{Codec, Delta, DeltaHeader};
pub use engine::LegacyStore;
pub use factory::{Connect, LegacyFactory};
pub use jobs::{Job, JobKind, JobStatus, Queue};
pub use notification::Deliver;
pub use workers::{MOST_WORKERS, Pool};
