//! Stores in MongoDB: one database, shared by any number of processes. docs/FORMAT.md describes the
//! collections.
//!
//! | file | content |
//! | --- | --- |
//! | `factory.rs`, `schema.rs`, `format.rs`, `diagnosis.rs` | creating, opening and diagnosing a store; its collections and indexes |
//! | `address.rs`, `connection.rs`, `failure.rs`, `retry.rs` | the server: address, requests, errors and retries |
//! | `record.rs`, `rows.rs`, `header.rs`, `key.rs`, `checksum.rs`, `parts.rs` | the encoding of stored documents |
//! | `timeline.rs`, `append.rs`, `transaction.rs`, `batches.rs`, `large_commit.rs` | the records of timelines, and appends |
//! | `log.rs`, `log_walk.rs`, `images.rs`, `steps.rs` | reading commits; streams of short queries |
//! | `extents.rs` | the rows that belong to a view |
//! | `materialize.rs`, `lookup.rs`, `scan.rs` | reads by the index |
//! | `indexes.rs`, `builds.rs`, `build_record.rs`, `build_change.rs`, `entries.rs`, `entry_scan.rs` | indexes |
//! | `refs.rs`, `snapshots.rs`, `chunks.rs`, `values.rs` | the other two traits |
//! | `prune.rs`, `old_versions.rs`, `removal.rs` | garbage collection of a timeline |
//! | `maintenance.rs`, `verification.rs` | maintenance |

mod address;
mod append;
mod batches;
mod build_change;
mod build_record;
mod builds;
mod checksum;
mod chunks;
mod connection;
mod diagnosis;
mod entries;
mod entry_scan;
mod extents;
mod factory;
mod failure;
mod format;
mod header;
mod images;
mod indexes;
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
