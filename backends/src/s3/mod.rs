//! Stores in Amazon S3, or what speaks its protocol (`MinIO`, Cloudflare R2, Ceph): a log of segments,
//! refs, and snapshots, each an object. docs/FORMAT.md has names and bytes.
//!
//! All that moves, moves by conditional writes: `If-None-Match: *` for the log, `If-Match` for refs.
//! A server that does not keep them is refused when a store is opened; docs/S3.md says what was seen of
//! which server.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `factory`, `settings`, `connect` | from a URL to an opened store |
//! | `diagnose` | what a diagnosis looks at |
//! | `identity`, `probe` | what a store is, and whether the server keeps conditions |
//! | `races` | whether it keeps them among writers that come at once |
//! | `bucket`, `put`, `uploads` | requests |
//! | `retry`, `failure`, `traffic` | when they are repeated, what went wrong, what was sent |
//! | `names` | what objects are called |
//! | `log` | the log |
//! | `refs`, `reference` | refs |
//! | `snapshots`, `chunks` | snapshots; which chunks must be written again, and which go |
//! | `store`, `memory`, `cache` | what the traits share; copies in memory and on disk |
//! | `maintenance`, `verify` | upkeep; looking at every object |

mod bucket;
mod cache;
mod chunks;
mod connect;
mod diagnose;
mod factory;
mod failure;
mod identity;
mod log;
mod maintenance;
mod memory;
mod names;
mod objects;
mod probe;
mod put;
mod races;
mod reference;
mod refs;
mod retry;
mod settings;
mod snapshots;
mod store;
#[cfg(test)]
mod tests;
mod traffic;
mod uploads;
mod verify;

pub(crate) use factory::S3Factory;
pub use factory::s3_objects;
