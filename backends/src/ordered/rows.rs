//! The rows of a store: its engine, and what must hold before and after each write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::Result;
use argon_core::model::{Digest, Head, TimelineId};

use crate::ordered::engine::{Batch, Engine};
use crate::ordered::witness::Witness;

/// Makes it durable that a store has the newest format.
pub(crate) type RaiseFormat = Box<dyn Fn() -> Result<()> + Send>;

/// The directory of a store on disk.
pub(crate) struct StoreDirectory {
    pub(crate) witness: Witness,
    /// Notes that the store has values of the newest format, if that is not noted yet.
    pub(crate) raise_format: Mutex<Option<RaiseFormat>>,
    /// Whether the path of the store leads to it still. Another store may have been made there.
    pub(crate) is_in_place: Box<dyn Fn() -> bool + Send + Sync>,
    /// Keeps the directory locked.
    pub(crate) _lock: Box<dyn Send + Sync>,
}

impl StoreDirectory {
    fn raise_format(&self) -> Result<()> {
        let mut raise = self.raise_format.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(raise) = &*raise
            && (self.is_in_place)()
        {
            raise()?;
        }
        *raise = None;
        Ok(())
    }
}

/// The engine of a store, which all parts of the store share.
pub(super) struct Rows {
    engine: Arc<dyn Engine>,
    /// Whether a write was made since the store was opened, and whether one failed.
    written: AtomicBool,
    failed: AtomicBool,
    /// `None` in memory. It is released after the engine.
    directory: Option<StoreDirectory>,
}

impl Rows {
    pub(super) fn new(engine: Arc<dyn Engine>, directory: Option<StoreDirectory>) -> Arc<Self> {
        let [written, failed] = [const { AtomicBool::new(false) }; 2];
        Arc::new(Self { engine, written, failed, directory })
    }

    /// The engine, for reading.
    pub(super) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// The witness; `None` in memory, and if another store has the path, whose witness is its own.
    pub(super) fn witness(&self) -> Option<&Witness> {
        let directory = self.directory.as_ref().filter(|directory| (directory.is_in_place)());
        directory.map(|directory| &directory.witness)
    }

    /// Applies a batch durably. The contract is that of [`Engine::apply`].
    pub(super) fn apply(&self, batch: Batch) -> Result<()> {
        // An older version of Argon must not read what is written now.
        self.directory.as_ref().map_or(Ok(()), StoreDirectory::raise_format)?;
        self.written.store(true, Ordering::Relaxed);
        let applied = self.engine.apply(batch);
        self.failed.fetch_or(applied.is_err(), Ordering::Relaxed);
        applied
    }

    /// Writes the witness, at a clean close after a session that wrote.
    pub(super) fn witness_close(
        &self,
        heads: impl IntoIterator<Item = (TimelineId, Head)>,
        refs: impl FnOnce() -> Result<Digest>,
    ) {
        let Some(witness) = self.witness() else { return };
        // After a failed write, the memory of the engine may differ from the disk.
        if self.written.load(Ordering::Relaxed)
            && !self.failed.load(Ordering::Relaxed)
            && let Ok(refs) = refs()
            && let Err(error) = witness.write(heads, Some(refs))
        {
            tracing::warn!("{error}");
        }
    }
}
