//! One layout for every embedded engine: a multi-version table over an [ordered map](Engine).
//!
//! docs/FORMAT.md describes the keys and values; [`keys`] and [`value`] write them. A read at any
//! LSN is one seek, a scan is sequential, an append is one atomic batch.
//!
//! [`Ordered`] implements the traits of a backend over these parts:
//!
//! | part | files |
//! | --- | --- |
//! | [`Rows`](rows::Rows): the engine | `rows.rs`, `engine.rs`, `witness.rs` |
//! | [`Log`](wal::Log): commits | `wal.rs`, `log_walk.rs`, `record.rs` |
//! | [`TimelineTable`], [`CollectionNumbers`]: short numbers and heads | `timelines.rs`, `collections.rs` |
//! | [`VersionIndex`](materialize::VersionIndex): reads | `materialize.rs`, `scan.rs`, `cursor.rs`, `merged.rs`, `ancestry.rs` |
//! | [`IndexTable`], [`BuildTable`]: entries of indexes | `indexes.rs`, `builds.rs`, `entries.rs`, `entry_scan.rs` |
//! | [`RefTable`](refs::RefTable), [`SnapshotTable`](snapshots::SnapshotTable) | `refs.rs`, `ref_cache.rs`, `snapshots.rs` |
//! | [`Collector`](prune::Collector): garbage collection | `prune.rs`, `removal.rs`, `versions.rs` |
//! | [`Verification`](verification::Verification): a look at every row | `maintenance.rs`, `verification.rs` |

mod ancestry;
mod blocking;
mod builds;
mod collections;
mod cursor;
pub(crate) mod engine;
mod entries;
mod entry_scan;
mod indexes;
mod keys;
mod log_walk;
mod maintenance;
mod materialize;
mod merged;
mod prune;
mod record;
mod ref_cache;
mod refs;
mod removal;
mod rows;
mod scan;
mod snapshots;
mod timelines;
mod value;
mod verification;
mod versions;
mod wal;
mod witness;

use std::sync::Arc;

use argon_core::storage::{Backend, Capabilities, SnapshotPolicy, StoreInfo};
use argon_core::{Environment, Result};

use crate::ordered::builds::BuildTable;
use crate::ordered::collections::CollectionNumbers;
use crate::ordered::engine::Engine;
use crate::ordered::indexes::IndexTable;
use crate::ordered::materialize::VersionIndex;
use crate::ordered::prune::Collector;
use crate::ordered::refs::RefTable;
use crate::ordered::rows::Rows;
pub(crate) use crate::ordered::rows::{RaiseFormat, StoreDirectory};
use crate::ordered::snapshots::SnapshotTable;
use crate::ordered::timelines::TimelineTable;
use crate::ordered::wal::Log;
pub(crate) use crate::ordered::witness::Witness;

/// The version of the layout. Values of format 1 have no checksums, and are read without them.
/// Format 2 has no entries of indexes.
pub(crate) const FORMAT: u32 = 3;

/// A store of the layout: implements all traits of a backend. Cheap to clone.
#[derive(Clone)]
struct Ordered(Arc<Parts>);

/// The parts of a store. They share the rows and the tables of short numbers.
struct Parts {
    rows: Arc<Rows>,
    log: Log,
    index: VersionIndex,
    indexes: IndexTable,
    refs: RefTable,
    snapshots: SnapshotTable,
    collector: Collector,
    info: StoreInfo,
}

/// The last user of the store closes it.
impl Drop for Parts {
    fn drop(&mut self) {
        self.rows.witness_close(self.log.timelines.heads(), || self.refs.digest());
    }
}

/// The backend over an opened engine.
///
/// Blocks: it reads a few keys.
pub(crate) fn backend(
    engine: Arc<dyn Engine>,
    info: StoreInfo,
    capabilities: Capabilities,
    environment: Environment,
    directory: Option<StoreDirectory>,
) -> Result<Backend> {
    let rows = Rows::new(engine, directory);
    let timelines = Arc::new(TimelineTable::load(rows.clone())?);
    let collections = Arc::new(CollectionNumbers::load(rows.clone())?);
    let builds = Arc::new(BuildTable::new(rows.clone(), timelines.clone()));
    let refs = RefTable::new(rows.clone(), environment);
    if let Some(witness) = rows.witness() {
        witness.check_refs(refs.digest()?)?;
    }
    let ordered = Arc::new(Ordered(Arc::new(Parts {
        index: VersionIndex::new(rows.clone(), timelines.clone(), collections.clone()),
        indexes: IndexTable::new(rows.clone(), timelines.clone(), builds.clone()),
        refs,
        snapshots: SnapshotTable::new(rows.clone()),
        collector: Collector::new(rows.clone(), timelines.clone()),
        log: Log::new(rows.clone(), timelines, collections, builds),
        rows,
        info,
    })));
    Ok(Backend {
        wal: ordered.clone(),
        refs: ordered.clone(),
        snapshots: ordered.clone(),
        materialize: Some(ordered.clone()),
        indexes: Some(ordered.clone()),
        maintenance: ordered,
        deferred: None,
        network: None,
        capabilities,
        snapshot_policy: SnapshotPolicy::BY_HAND,
        sharing: None,
    })
}
