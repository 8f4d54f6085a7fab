//! The default local engine: sled 0.34, a log of pages.
//!
//! # Durability
//! Sled's own flush ends in `sync_file_range`, which leaves the data in the disk's cache, so a
//! batch is acknowledged only after an `fdatasync` of sled's data file as well. Its other files
//! need none: `snap.*` is synced by sled and can be derived again from the log, `conf` never
//! changes and is synced by us at open, and `blobs/` stays empty (see [`SEGMENT_BYTES`]).
//! Batches are applied one at a time: sled may reuse a segment of its log once the pages in it are
//! written elsewhere, and only with a sync between batches are these on disk by then.

mod keys;
mod log;
mod room;
mod segment;

use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use argon_core::{Error, ErrorKind, Result};
use sled::{Db, IVec, Mode, Tree};

use self::log::Segments;
use self::room::{Room, StandIn};
use self::segment::{BatchNumber, NUMBER_KEY, NUMBER_TREE};
use super::files;
use super::recovery::{self, Opening, Safeguard};
use crate::disk::is_full;
use crate::ordered::engine::{
    Batch, Direction, Engine, MAX_KEY_BYTES, MAX_VALUE_BYTES, Recovered, Visitor, Write,
};
use crate::panics::system_error;

/// The unit in which sled allocates its data file.
///
/// Sled moves a tree node of over a quarter of it into a file under `blobs/` that it never syncs,
/// so it must be large enough that no node gets there. A leaf has at most 17 entries before it is
/// split, and takes in up to 3 of a neighbour that is merged into it; an inner node has at most
/// 257 keys and takes in up to 63 (`should_split` and `should_merge` in sled's src/node.rs).
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;

/// What sled may keep of its pages in memory.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;

const _: () = {
    let threshold = SEGMENT_BYTES / 4 - 64;
    let key = keys::stored_len(MAX_KEY_BYTES) + 16;
    // The two keys are the node's own bounds.
    assert!((17 + 3) * (key + MAX_VALUE_BYTES) + 2 * key < threshold);
    assert!((257 + 63) * key + 2 * key < threshold);
};

/// Makes what was written to a file durable; tests count the calls and make them fail.
type DataSync = Box<dyn Fn(&File) -> io::Result<()> + Send + Sync>;

/// An [`Engine`] over sled.
pub struct SledEngine {
    tree: Db,
    directory: PathBuf,
    /// Our own handle of sled's data file.
    data: File,
    room: Room,
    sync_data: DataSync,
    guard: Safeguard,
    writer: Mutex<Writer>,
}

/// Whether writes are still taken; held while one is made.
enum Writer {
    Working {
        /// The number of the last batch, and the tree that holds it: made by the first write, so that
        /// looking at a store writes nothing.
        number: u64,
        numbers: Option<Tree>,
    },
    Failed,
    /// There was no room to open the store for writing.
    Full,
}

impl SledEngine {
    /// Opens the engine in `directory`, which is created when it is not there.
    ///
    /// A torn tail of the log is cut off; other damage is `Corrupt`. Sled checks what was written
    /// before the previous open when it is read; what was written since is checked here.
    pub fn open(directory: &Path) -> Result<Self> {
        Self::open_with_sync(directory, Box::new(File::sync_data))
    }

    fn open_with_sync(directory: &Path, sync_data: DataSync) -> Result<Self> {
        Self::open_with(directory, sync_data, Room::default())
    }

    fn open_with(directory: &Path, sync_data: DataSync, room: Room) -> Result<Self> {
        let opened = Self::open_examined(directory, sync_data, room);
        opened.inspect_err(|error| recovery::mark_unopened(directory, error))
    }

    fn open_examined(directory: &Path, sync_data: DataSync, room: Room) -> Result<Self> {
        let data_path = directory.join("db");
        prepare(directory, &data_path)
            .map_err(|error| files::io_error("prepare", directory, error))?;
        let opening = Opening::before::<Segments>(directory)?;
        let (tree, is_full) = match open_tree(directory) {
            Ok(tree) => (tree, false),
            Err(error) => match read_only(directory, error) {
                Ok(tree) => (tree, true),
                Err(error) => return Err(sled_error("open", directory, error)),
            },
        };
        let data = sync_created(directory, &data_path)
            .map_err(|error| files::io_error("sync", directory, error))?;
        let (number, numbers) =
            last_number(&tree).map_err(|error| sled_error("read", directory, error))?;
        let guard = opening.after(number)?;
        room.fill_segment(&data);
        let state = if is_full { Writer::Full } else { Writer::Working { number, numbers } };
        let (directory, writer) = (directory.to_owned(), Mutex::new(state));
        Ok(Self { tree, directory, data, room, sync_data, guard, writer })
    }

    /// Frees what `writes` writes left behind in memory.
    ///
    /// Sled replaces pages by way of `crossbeam-epoch`, which collects a little garbage every 128
    /// pins; a batch is one pin, however much it replaces, so without this large batches pile up
    /// some 6 KiB a commit for ever.
    fn collect_garbage(writes: usize) {
        const WRITES_PER_COLLECTION: usize = 128;
        for _ in 0..=writes / WRITES_PER_COLLECTION {
            crossbeam_epoch::pin().flush();
        }
    }

    /// Hands the batch to the disk. After an error it may or may not be there.
    ///
    /// The number comes after the batch in the log: where it is, the batch is.
    fn write(&self, batch: sled::Batch, number: u64, numbers: &mut Option<Tree>) -> Result<()> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            let place = self.directory.display();
            Error::indeterminate(format!("a write to the sled store {place} may have failed"))
                .with_source(error)
        };
        self.tree.apply_batch(batch).map_err(|error| failed(cause(error)))?;
        let numbers = match numbers {
            Some(numbers) => numbers,
            none => {
                none.insert(self.tree.open_tree(NUMBER_TREE).map_err(|error| failed(cause(error)))?)
            }
        };
        numbers
            .insert(NUMBER_KEY, &BatchNumber::encode(number))
            .map_err(|error| failed(cause(error)))?;
        self.tree.flush().map_err(|error| failed(cause(error)))?;
        (self.sync_data)(&self.data).map_err(|error| failed(error.into()))?;
        self.room.fill_segment(&self.data);
        Ok(())
    }

    /// The refusal of a write that was not begun.
    fn no_room(&self, cause: io::Error) -> Error {
        let place = self.directory.display();
        Error::unavailable(format!(
            "the disk is full, and the sled store {place} can only be read until there is room"
        ))
        .with_source(cause)
    }

    fn refusal(&self) -> Error {
        Error::unavailable(format!(
            "the sled store {} takes no writes since one failed; open it again",
            self.directory.display()
        ))
    }
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self
            .tree
            .get(keys::to_stored(key))
            .map_err(|error| sled_error("read", &self.directory, error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn visit(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        if from >= to {
            return Ok(());
        }
        let range = self.tree.range(keys::to_stored(from)..keys::to_stored(to));
        let shown = match direction {
            Direction::Ascending => show(range, visitor),
            Direction::Descending => show(range.rev(), visitor),
        };
        shown.map_err(|error| sled_error("read", &self.directory, error))
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        // A poisoned lock means that sled panicked in the midst of a write.
        let Ok(mut writer) = self.writer.lock() else { return Err(self.refusal()) };
        let (number, numbers) = match &mut *writer {
            Writer::Working { number, numbers } => (number, numbers),
            Writer::Failed => return Err(self.refusal()),
            Writer::Full => return Err(self.no_room(io::ErrorKind::StorageFull.into())),
        };
        if batch.is_empty() {
            return Ok(());
        }
        self.room.reserve(&self.data, &batch).map_err(|full| self.no_room(full))?;
        let attempt = self.guard.attempt();
        let count = batch.len();
        let mut last = sled::Batch::default();
        for write in batch {
            match write {
                Write::Put { key, value } => last.insert(keys::to_stored(&key), value),
                Write::Remove { key } => last.remove(keys::to_stored(&key)),
            }
        }
        let next = *number + 1;
        let written = self.write(last, next, numbers);
        Self::collect_garbage(count);
        if written.is_ok() {
            *number = next;
            attempt.done(next);
        } else {
            *writer = Writer::Failed;
        }
        written
    }

    fn disk_bytes(&self) -> Result<u64> {
        files::allocated_bytes(&self.directory)
            .map_err(|error| files::io_error("measure", &self.directory, error))
    }

    fn recovered(&self) -> Option<&Recovered> {
        self.guard.recovered()
    }

    /// Sled's own threads write its log, and one that fails does not always wake who waits for it
    /// (`exit_reservation` in its src/pagecache/logger.rs). A flush after a failure does nothing but
    /// that.
    fn failure(&self) -> Option<Error> {
        let error = self.tree.context.global_error().err()?;
        let _ = self.tree.flush();
        Some(sled_error("write to", &self.directory, error))
    }
}

/// Reads may have rewritten pages. Sled writes these as it closes, and does not tell when the sync
/// fails; so it is done here.
impl Drop for SledEngine {
    fn drop(&mut self) {
        let Ok(Writer::Working { .. }) = self.writer.get_mut() else { return };
        let attempt = self.guard.attempt();
        let synced = match self.tree.flush() {
            Ok(0) => Ok(()),
            Ok(_) => (self.sync_data)(&self.data).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match synced {
            Ok(()) => attempt.synced(),
            Err(error) => {
                tracing::warn!("can't close the sled store {}: {error}", self.directory.display());
            }
        }
    }
}

/// The number of the last batch, and the tree that holds it; 0 in a store that has none yet.
fn last_number(db: &Db) -> sled::Result<(u64, Option<Tree>)> {
    if !db.tree_names().iter().any(|name| name == NUMBER_TREE) {
        return Ok((0, None));
    }
    let numbers = db.open_tree(NUMBER_TREE)?;
    let stored = numbers.get(NUMBER_KEY)?;
    Ok((stored.and_then(|bytes| BatchNumber::decode(&bytes)).unwrap_or(0), Some(numbers)))
}

fn show(
    entries: impl Iterator<Item = sled::Result<(IVec, IVec)>>,
    mut visitor: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> sled::Result<()> {
    let mut key = Vec::new();
    for entry in entries {
        let (stored, value) = entry?;
        keys::from_stored(&stored, &mut key);
        if visitor(&key, &value).is_break() {
            break;
        }
    }
    Ok(())
}

fn open_tree(directory: &Path) -> sled::Result<Db> {
    sled::Config::new()
        .path(directory)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(CACHE_BYTES)
        .mode(Mode::HighThroughput)
        // Every batch is flushed when it is applied.
        .flush_every_ms(None)
        .open()
}

/// Opens a store for reading, if all that `error` says is that the disk is full.
fn read_only(directory: &Path, error: sled::Error) -> sled::Result<Db> {
    let is_full = matches!(&error, sled::Error::Io(error) if is_full(error.kind()));
    if !is_full {
        return Err(error);
    }
    // It holds a part of the snapshot that could not be written.
    let removed = remove_unfinished(directory);
    let Ok(stand_in) = removed.and_then(|()| StandIn::make(directory)) else { return Err(error) };
    open_tree(stand_in.path()).map_err(|_| error)
}

/// Makes the directory fit for sled to open after a crash.
fn prepare(directory: &Path, data_path: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    // At open, sled derives a snapshot from the log, and syncs it. What a killed process wrote
    // without a sync must not be lost after that, or the snapshot would point to nothing.
    match File::open(data_path) {
        Ok(data) => {
            wait_until_closed(&data)?;
            data.sync_data()?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    remove_unfinished(directory)
}

/// Removes snapshots that were not finished: one would be taken for the newest, and be found corrupt.
fn remove_unfinished(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Waits for the threads of a sled that was just dropped, in this process or another: they hold
/// its lock a little longer. When it stays locked, sled's own attempt reports it.
fn wait_until_closed(data: &File) -> io::Result<()> {
    for _ in 0..200 {
        match data.try_lock() {
            Ok(()) => return data.unlock(),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Syncs what sled creates and never syncs; returns a handle of its data file.
///
/// The handle is opened before the first write, so that its syncs report every failed one.
fn sync_created(directory: &Path, data_path: &Path) -> io::Result<File> {
    let data = File::options().read(true).write(true).open(data_path)?;
    data.sync_all()?;
    File::open(directory.join("conf"))?.sync_all()?;
    files::sync_directory(directory)?;
    Ok(data)
}

/// The error for a failure that changed nothing; `doing` completes "can't …".
fn sled_error(doing: &str, directory: &Path, error: sled::Error) -> Error {
    let kind = match &error {
        sled::Error::Io(error) => match files::kind_of(error) {
            // Inside a store that is open, a file that is not there is a loss.
            ErrorKind::NotFound => ErrorKind::Corrupt,
            kind => kind,
        },
        sled::Error::Unsupported(_) => ErrorKind::Unsupported,
        // What is left are corruption, and what sled takes for a defect of its own, over its files.
        _ => ErrorKind::Corrupt,
    };
    let context = format!("can't {doing} the sled store {}", directory.display());
    Error::new(kind, context).with_source(cause(error))
}

/// The error of the system below one of sled's, if there is one; sled keeps some as text.
fn cause(error: sled::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match error {
        sled::Error::Io(error) if error.raw_os_error().is_none() => {
            match system_error(&error.to_string()) {
                Some(system) => system.into(),
                None => error.into(),
            }
        }
        sled::Error::Io(error) => error.into(),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests;
