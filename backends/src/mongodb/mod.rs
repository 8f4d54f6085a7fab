//! Stores in MongoDB: one database, shared by any number of processes. docs/FORMAT.md describes the
//! collections.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `factory.rs`, `schema.rs`, `format.rs`, `diagnosis.rs` | making, opening and diagnosing a store; its collections and indexes |
//! | `address.rs`, `connection.rs`, `failure.rs`, `retry.rs` | where the server is, how it is asked, what its errors mean, and what is tried again |
//! | `record.rs`, `rows.rs`, `header.rs`, `key.rs`, `checksum.rs`, `parts.rs` | what is stored, as bytes |
//! | `timeline.rs`, `append.rs`, `transaction.rs`, `batches.rs`, `large_commit.rs` | the ends of timelines, and how they move |
//! | `log.rs`, `log_walk.rs`, `images.rs`, `steps.rs` | reading commits; streams of short queries |
//! | `extents.rs` | from a view to the rows that make it up |
//! | `materialize.rs`, `lookup.rs`, `scan.rs` | reads by the index |
//! | `refs.rs`, `snapshots.rs`, `chunks.rs`, `values.rs` | the other two traits |
//! | `prune.rs`, `old_versions.rs`, `removal.rs` | what garbage collection removes of a timeline |
//! | `maintenance.rs`, `verification.rs` | upkeep |

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
mod format;
mod header;
mod images;
mod key;
mod large_commit;
mod log;
mod log_walk;
mod lookup;
mod maintenance;
mod materialize;
mod old_versions;
mod parts;
mod prune;
mod record;
mod refs;
mod removal;
mod retry;
mod rows;
mod scan;
mod schema;
mod snapshots;
mod steps;
#[cfg(test)]
mod tests;
mod timeline;
mod transaction;
mod values;
mod verification;

pub(crate) use factory::MongoFactory;
