//! Stores in MongoDB: one database, shared by any number of processes. docs/FORMAT.md describes the
//! collections.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `factory.rs`, `schema.rs`, `diagnosis.rs` | making, opening and diagnosing a store; its collections and indexes |
//! | `address.rs`, `server.rs`, `failure.rs` | where the server is, how it is asked, and what its errors mean |
//! | `record.rs`, `header.rs`, `key.rs`, `parts.rs` | what is stored, as bytes |
//! | `timeline.rs`, `append.rs`, `transaction.rs`, `large_commit.rs` | the ends of timelines, and how they move |
//! | `log.rs`, `steps.rs` | reading commits; streams of short queries |
//! | `extents.rs` | from a view to the rows that make it up |
//! | `materialize.rs`, `lookup.rs`, `scan.rs` | reads by the index |
//! | `refs.rs`, `snapshots.rs`, `chunks.rs` | the other two traits |
//! | `prune.rs`, `old_versions.rs`, `removal.rs` | what garbage collection removes of a timeline |
//! | `maintenance.rs`, `orphans.rs`, `verification.rs` | upkeep |

mod address;
mod append;
mod batches;
mod checksum;
mod chunks;
mod connection;
mod diagnosis;
mod extents;
mod factory;
mod failure;
mod header;
mod key;
mod large_commit;
mod log;
mod lookup;
mod maintenance;
mod materialize;
mod old_versions;
mod orphans;
mod parts;
mod prune;
mod record;
mod refs;
mod removal;
mod scan;
mod schema;
mod snapshots;
mod steps;
#[cfg(test)]
mod tests;
mod timeline;
mod transaction;
mod verification;

pub(crate) use factory::MongoFactory;
