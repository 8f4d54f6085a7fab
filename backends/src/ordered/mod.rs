//! One layout for every embedded engine: a multi-version table over an [ordered map](Engine).
//!
//! docs/FORMAT.md describes the keys and values; [`keys`] and [`value`] write them. A read at any
//! LSN is one seek, a scan is sequential, an append is one atomic batch.

mod ancestry;
mod blocking;
mod collections;
mod cursor;
pub(crate) mod engine;
mod keys;
mod log_walk;
mod maintenance;
mod materialize;
mod merged;
mod prune;
mod record;
mod refs;
mod removal;
mod scan;
mod snapshots;
mod timelines;
mod value;
mod verification;
mod versions;
mod wal;
mod witness;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::storage::{Backend, Capabilities, SnapshotPolicy, StoreInfo};
use argon_core::{Environment, Result};

use crate::ordered::ancestry::Ancestries;
use crate::ordered::collections::CollectionNumbers;
use crate::ordered::engine::{Batch, Engine};
use crate::ordered::timelines::TimelineTable;
pub(crate) use crate::ordered::witness::Witness;

/// The version of the layout. Values of format 1 have no checksums, and are read as they are.
pub(crate) const FORMAT: u32 = 2;

/// The state that the traits share: the engine, and what is known of its small tables.
pub(crate) struct Ordered {
    engine: Arc<dyn Engine>,
    timelines: TimelineTable,
    collections: CollectionNumbers,
    ancestries: Ancestries,
    /// Held while a ref is compared and set.
    moving_refs: std::sync::Mutex<()>,
    environment: Environment,
    info: StoreInfo,
    /// Whether anything was written since the store was opened, and whether a write failed.
    written: AtomicBool,
    failed: AtomicBool,
    /// Where the store is on disk; let go after the engine.
    place: Option<StoreDirectory>,
}

/// Makes it durable that a store is of the newest format.
pub(crate) type RaiseFormat = Box<dyn Fn() -> Result<()> + Send>;

/// What a store on disk holds on to.
pub(crate) struct StoreDirectory {
    pub(crate) witness: Witness,
    /// Notes that the store has values of the newest format, if it does not say so yet.
    pub(crate) raise_format: Mutex<Option<RaiseFormat>>,
    /// Keeps the directory locked.
    pub(crate) _lock: Box<dyn Send + Sync>,
}

impl StoreDirectory {
    /// Before anything is written: an older version of Argon must not read it.
    fn raise_format(&self) -> Result<()> {
        let mut raise = self.raise_format.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(raise) = &*raise {
            raise()?;
        }
        *raise = None;
        Ok(())
    }
}

impl Ordered {
    fn raise_format(&self) -> Result<()> {
        self.place.as_ref().map_or(Ok(()), StoreDirectory::raise_format)
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        self.raise_format()?;
        self.written.store(true, Ordering::Relaxed);
        let applied = self.engine.apply(batch);
        self.failed.fetch_or(applied.is_err(), Ordering::Relaxed);
        applied
    }
}

/// On a clean close the witness is written, before the engine lets go of its files.
impl Drop for Ordered {
    fn drop(&mut self) {
        let Some(place) = &self.place else { return };
        // After a write that failed, what is in memory need not be on disk.
        if self.written.load(Ordering::Relaxed)
            && !self.failed.load(Ordering::Relaxed)
            && let Ok(refs) = self.refs_digest()
            && let Err(error) = place.witness.write(self.timelines.heads(), Some(refs))
        {
            tracing::warn!("{error}");
        }
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
    place: Option<StoreDirectory>,
) -> Result<Backend> {
    let timelines = TimelineTable::load(&*engine)?;
    let collections = CollectionNumbers::load(&*engine)?;
    let ordered = Arc::new(Ordered {
        engine,
        timelines,
        collections,
        ancestries: Ancestries::default(),
        moving_refs: std::sync::Mutex::default(),
        environment,
        info,
        written: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        place,
    });
    if let Some(place) = &ordered.place {
        place.witness.check_refs(ordered.refs_digest()?)?;
    }
    Ok(Backend {
        wal: Arc::new(wal::OrderedWal(ordered.clone())),
        refs: Arc::new(refs::OrderedRefs(ordered.clone())),
        snapshots: Arc::new(snapshots::OrderedSnapshots(ordered.clone())),
        materialize: Some(Arc::new(materialize::OrderedMaterialize(ordered.clone()))),
        maintenance: Arc::new(maintenance::OrderedMaintenance(ordered)),
        capabilities,
        snapshot_policy: SnapshotPolicy::BY_HAND,
    })
}
