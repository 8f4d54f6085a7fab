//! What an embedded engine must offer to hold an Argon store: an ordered map of bytes.

use std::ops::ControlFlow;

use argon_core::{Error, Result};

/// One write of a [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a key to a value, whether it was there or not.
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

/// Writes that are applied together. No key occurs twice, so their order is of no matter.
pub type Batch = Vec<Write>;

/// The longest key that a layout may write, in bytes.
pub const MAX_KEY_BYTES: usize = 1_152;

/// The longest value that a layout may write, in bytes; larger ones are split before they get here.
///
/// The bound comes from sled, which moves a tree node that outgrows a quarter of a segment into a
/// file that it never syncs (see `engines/sled.rs`).
pub const MAX_VALUE_BYTES: usize = 16 * 1024;

/// Above every key that a layout writes.
pub const FIRST_UNUSED_KEY: &[u8] = &[0xff];

/// Which way a [range](Engine::visit) is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the smallest key up.
    Ascending,
    /// From the largest key down.
    Descending,
}

/// Is shown an entry's key and value; says whether to go on.
pub type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An ordered map from byte strings to byte strings, with atomic durable batches.
///
/// All calls block, and may be made from many threads at once.
pub trait Engine: Send + Sync + 'static {
    /// The value of `key`, which is not empty, or `None`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Shows the entries with `from <= key < to` to `visitor`, in key order, until it breaks.
    ///
    /// Writes that are applied meanwhile may or may not be seen; an entry that is there
    /// throughout is seen exactly once. The visitor must not use the engine.
    fn visit(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()>;

    /// Applies all writes of the batch or none of them.
    ///
    /// A reader in this process may see a part of the batch before it returns.
    ///
    /// When it returns `Ok`, the batch survives loss of power. When it returns an error of kind
    /// `Indeterminate`, the batch may be there after the next open; every later write is then
    /// refused with `Unavailable` until the store is opened again, since an engine whose sync
    /// failed once can't be trusted to sync again.
    fn apply(&self, batch: Batch) -> Result<()>;

    /// Writes all that another engine holds into this one, which is empty, durably; cut off, a part of
    /// it may be there. Nothing is written to either meanwhile.
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

    /// Bytes that the engine's files take on disk (allocated, not apparent size); 0 in memory.
    fn disk_bytes(&self) -> Result<u64>;

    /// Writes the files anew, without anything of what was removed; nothing by itself, since a local
    /// store does it with a second engine.
    fn compact(&self) -> Result<()> {
        Ok(())
    }

    /// What opening had to do to the engine's files, if anything.
    fn recovered(&self) -> Option<&Recovered> {
        None
    }

    /// The error with which the engine has failed in the background, if it has: a call that waits for
    /// it may never end. Wakes such a call if it can be woken. Does not wait itself.
    fn failure(&self) -> Option<Error> {
        None
    }
}

/// What opening an engine did to its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// For a person.
    pub report: String,
    /// Whether acknowledged writes may be gone, which a person accepted.
    pub loss_accepted: bool,
}
