//! Stores in Amazon S3, or in a server of the same protocol (`MinIO`, Cloudflare R2, Ceph): a log of
//! segments, refs, and snapshots, each an object. docs/FORMAT.md has names and bytes.
//!
//! Every change is a conditional write: `If-None-Match: *` for the log, `If-Match` for refs. An open
//! refuses a server that ignores the conditions; docs/S3.md lists how servers behave.
//!
//! | module | contents |
//! | --- | --- |
//! | `factory`, `settings`, `connect` | from a URL to an opened store |
//! | `backend` | the handle: the traits of a backend over the parts below |
//! | `diagnose` | the checks of a diagnosis |
//! | `identity`, `probe` | the identity of a store, and the test of conditions |
//! | `races` | the test of conditions with concurrent writers |
//! | `bucket`, `condition`, `put`, `uploads` | requests |
//! | `retry`, `failure`, `traffic` | repeated requests, the meaning of failures, counts |
//! | `server` | a server's clock and certificate |
//! | `names` | the names of objects |
//! | `log` | the log |
//! | `refs`, `reference` | refs |
//! | `chunks`, `manifests` | snapshots |
//! | `store`, `memory`, `cache` | objects with copies in memory and on disk |
//! | `maintenance`, `verify` | upkeep; the check of every object |
//! | `objects` | plain objects, for backends that keep nothing else in S3 |

mod backend;
mod bucket;
mod cache;
mod chunks;
mod condition;
mod connect;
mod diagnose;
mod factory;
mod failure;
mod identity;
mod log;
mod maintenance;
mod manifests;
mod memory;
mod names;
mod objects;
mod probe;
mod put;
mod races;
mod reference;
mod refs;
mod retry;
mod server;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod traffic;
mod uploads;
mod verify;

pub(crate) use factory::S3Factory;
pub use factory::s3_objects;
