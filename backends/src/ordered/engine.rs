//! The contract of an embedded engine: an ordered map of bytes.

use std::ops::ControlFlow;

use argon_core::{Error, Result};

/// One write of a [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a key to a value, whether the key exists or not.
    Put {
        /// At most [`MAX_KEY_BYTES`].
        key: Vec<u8>,
        /// At most [`MAX_VALUE_BYTES`].
        value: Vec<u8>,
    },
    /// Removes a key; removing an absent key is no error.
    Remove {
        /// The key to remove.
        key: Vec<u8>,
    },
}

/// Writes that are applied together. No key occurs twice, so their order does not matter.
pub type Batch = Vec<Write>;

/// The longest key that a layout may write, in bytes.
pub const MAX_KEY_BYTES: usize = 1_152;

/// The longest value that a layout may write, in bytes. `value.rs` splits larger ones.
///
/// The bound comes from sled, which moves a tree node that outgrows a quarter of a segment into a
/// file that it never syncs (see `engines/sled.rs`).
pub const MAX_VALUE_BYTES: usize = 16 * 1024;

/// The first byte of keys that are removed about as often as they are written. An engine for which a
/// removed key costs something in later visits may keep them apart from the others.
pub const OFTEN_REMOVED: u8 = b'N';

/// Above every key that a layout writes.
pub const FIRST_UNUSED_KEY: &[u8] = &[0xff];

/// The direction of a [visit](Engine::visit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the smallest key up.
    Ascending,
    /// From the largest key down.
    Descending,
}

impl From<argon_core::storage::Direction> for Direction {
    fn from(direction: argon_core::storage::Direction) -> Self {
        match direction {
            argon_core::storage::Direction::Ascending => Self::Ascending,
            argon_core::storage::Direction::Descending => Self::Descending,
        }
    }
}

/// Receives the key and value of an entry, and returns whether to continue.
pub type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An ordered map from byte strings to byte strings, with atomic durable batches.
///
/// All calls block. Many threads may call at once.
pub trait Engine: Send + Sync + 'static {
    /// The value of `key`, or `None`. `key` is not empty.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Calls `visitor` with the entries of `from <= key < to` in key order, until it breaks.
    ///
    /// Concurrent writes may be seen or not; an entry that exists throughout the call is seen
    /// exactly once. The visitor must not use the engine.
    fn visit(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()>;

    /// Applies all writes of the batch or none.
    ///
    /// A reader in this process may see a part of the batch before the call returns.
    ///
    /// After `Ok`, the batch survives loss of power. After an error of kind `Indeterminate`, the
    /// batch may exist at the next open, and every later write is refused with `Unavailable` until
    /// the store is opened again: an engine whose sync failed once can't be trusted to sync again.
    fn apply(&self, batch: Batch) -> Result<()>;

    /// Copies all entries of another engine into this one, which is empty, durably. If the call is
    /// interrupted, a part may exist. Nothing else writes to either engine meanwhile.
    fn fill(&self, from: &dyn Engine) -> Result<()> {
        const BATCH_BYTES: usize = 32 * 1024;
        let (mut batch, mut bytes) = (Batch::new(), 0);
        let mut next: Vec<u8> = Vec::new();
        loop {
            from.visit(&next, FIRST_UNUSED_KEY, Direction::Ascending, &mut |key, value| {
                bytes += key.len() + value.len();
                batch.push(Write::Put { key: key.to_vec(), value: value.to_vec() });
                if bytes < BATCH_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            let Some(Write::Put { key, .. }) = batch.last() else { return Ok(()) };
            next.clone_from(key);
            next.push(0);
            self.apply(std::mem::take(&mut batch))?;
            bytes = 0;
        }
    }

    /// The allocated bytes of the engine's files on disk; 0 in memory.
    fn disk_bytes(&self) -> Result<u64>;

    /// Rewrites the files without any trace of removed data. Does nothing by default: a local store
    /// does it with a second engine.
    fn compact(&self) -> Result<()> {
        Ok(())
    }

    /// The repair that opening made to the engine's files, if it made one.
    fn recovered(&self) -> Option<&Recovered> {
        None
    }

    /// The error of an engine that failed in the background: a call that waits for the engine may
    /// never end. Wakes such a call if possible. Does not wait.
    fn failure(&self) -> Option<Error> {
        None
    }
}

/// A repair that opening an engine made to its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// A description for people.
    pub report: String,
    /// Whether acknowledged writes may be lost; a person accepted that.
    pub loss_accepted: bool,
}
