//! One layout for every embedded engine: a multi-version table over an [ordered map](Engine).
//!
//! docs/FORMAT.md describes the keys and values; [`keys`] and [`value`] write them. A read at any
//! LSN is one seek, a scan is sequential, an append is one atomic batch.

mod blocking;
mod collections;
mod cursor;
pub(crate) mod engine;
mod keys;
mod maintenance;
mod materialize;
mod record;
mod refs;
mod snapshots;
mod timelines;
mod value;
mod wal;

use std::sync::Arc;

use argon_core::storage::{Backend, Capabilities, StoreInfo};
use argon_core::{Environment, Result};

use crate::ordered::collections::CollectionNumbers;
use crate::ordered::engine::Engine;
use crate::ordered::timelines::TimelineTable;

/// The version of the layout.
pub(crate) const FORMAT: u32 = 1;

/// The state that the traits share: the engine, and what is known of its small tables.
pub(crate) struct Ordered {
    engine: Arc<dyn Engine>,
    timelines: TimelineTable,
    collections: CollectionNumbers,
    /// Held while a ref is compared and set.
    moving_refs: std::sync::Mutex<()>,
    environment: Environment,
    info: StoreInfo,
    /// Keeps the store's directory locked; let go after the engine.
    _held: Option<Box<dyn Send + Sync>>,
}

/// The backend over an opened engine. `held` is dropped when the last of its handles is.
///
/// Blocks: it reads a few keys.
pub(crate) fn backend(
    engine: Arc<dyn Engine>,
    info: StoreInfo,
    capabilities: Capabilities,
    environment: Environment,
    held: Option<Box<dyn Send + Sync>>,
) -> Result<Backend> {
    let timelines = TimelineTable::load(&*engine)?;
    let collections = CollectionNumbers::load(&*engine)?;
    let ordered = Arc::new(Ordered {
        engine,
        timelines,
        collections,
        moving_refs: std::sync::Mutex::default(),
        environment,
        info,
        _held: held,
    });
    Ok(Backend {
        wal: Arc::new(wal::OrderedWal(ordered.clone())),
        refs: Arc::new(refs::OrderedRefs(ordered.clone())),
        snapshots: Arc::new(snapshots::OrderedSnapshots(ordered.clone())),
        materialize: Some(Arc::new(materialize::OrderedMaterialize(ordered.clone()))),
        maintenance: Arc::new(maintenance::OrderedMaintenance(ordered)),
        capabilities,
    })
}
