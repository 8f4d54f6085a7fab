//! The fast local engine: fjall, a log-structured merge tree.
//!
//! A batch is appended to fjall's journal, which is then synced with `fdatasync`, and only then
//! applied to the memtable. When the journal can't be written or synced, fjall refuses all later
//! writes until it is opened again.
//!
//! Fjall starts a new journal after 64 MB only, and replays the last one whenever it is opened. So a
//! close moves what the journal holds into tables, and empties it, once it is larger than
//! [`REPLAYED_BYTES`].
//!
//! A removed key stays as a tombstone, over which a range passes, until a compaction to the last level.
//! So keys that are [often removed](OFTEN_REMOVED) have a keyspace of their own, which is compacted
//! whenever it has many of them ([`sweep`]).

mod journal;
mod keyspaces;
mod sweep;

use std::io;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use argon_core::{Error, ErrorKind, Result};
use fjall::{Database, Guard, LsmError, PersistMode};

use self::journal::{Journals, NUMBER_KEY, OpenJournals};
use self::keyspaces::Keyspaces;
use self::sweep::Sweeper;
use super::files;
use super::recovery::{self, Opening, Safeguard};
use crate::ordered::engine::{
    Batch, Direction, Engine, FIRST_UNUSED_KEY, Recovered, Visitor, Write,
};

/// What fjall may keep of its blocks in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// The largest journal that a close leaves for the next open, which replays 1 MiB in some 4 ms.
const REPLAYED_BYTES: u64 = 1024 * 1024;

/// An [`Engine`] over fjall.
///
/// Its fields are dropped in this order: the journals are emptied after fjall has closed them.
pub struct FjallEngine {
    sweeper: Sweeper,
    keyspaces: Keyspaces,
    database: Database,
    journals: OpenJournals,
    directory: PathBuf,
    guard: Safeguard,
    last: Mutex<LastBatch>,
}

/// The last batch. Its lock is held from the numbering of a batch until it is durable, so that
/// batches are in the journal in the order of their numbers; fjall takes them one at a time too.
struct LastBatch {
    number: u64,
    /// The bytes that the next open would replay.
    journal_bytes: u64,
    /// Whether the engine wrote anything since it was opened.
    is_written: bool,
}

impl FjallEngine {
    /// Opens the engine in `directory`, which is created when it is not there.
    ///
    /// A torn tail of the journal is cut off; other damage is `Corrupt`, before anything is changed.
    /// A journal that no close has emptied is replayed, up to 64 MB of it at some 4 ms per MB.
    pub fn open(directory: &Path) -> Result<Self> {
        let opened = Self::open_examined(directory);
        opened.inspect_err(|error| recovery::mark_unopened(directory, error))
    }

    fn open_examined(directory: &Path) -> Result<Self> {
        let opening = Opening::before::<Journals>(directory)?;
        let failed = |error| open_error(directory, error);
        let database = Database::builder(directory)
            .cache_size(CACHE_BYTES)
            .worker_threads(2)
            .manual_journal_persist(true)
            .open()
            .map_err(failed)?;
        // Fjall may panic at damaged files while it holds locks that its own drop takes for granted,
        // and a second panic while the first unwinds would abort the process. So after a panic the
        // database is not dropped.
        let database = ManuallyDrop::new(database);
        let keyspaces = Keyspaces::open(&database);
        let database = ManuallyDrop::into_inner(database);
        let keyspaces = keyspaces.map_err(failed)?;
        let number = last_number(&keyspaces.main).map_err(failed)?;
        let guard = opening.after(number)?;
        let journal_bytes = journal::used_bytes(directory)
            .map_err(|error| files::io_error("measure the journals in", directory, error))?;
        let last = Mutex::new(LastBatch { number, journal_bytes, is_written: false });
        let journals = OpenJournals::new(directory);
        let sweeper = Sweeper::new(&keyspaces.often_removed);
        let directory = directory.to_owned();
        Ok(Self { sweeper, keyspaces, database, journals, directory, guard, last })
    }

    /// Moves all that the journal holds into tables, durably, if the next open would replay much.
    ///
    /// An ingestion is the one call that returns when a memtable is flushed: it does so before it adds
    /// its own table, which holds the number of the last batch here, once more. The journal gets that
    /// number too, as a batch of its own, which is all that stays there.
    fn flush_journal(&mut self) -> fjall::Result<()> {
        let Ok(last) = self.last.get_mut() else { return Ok(()) };
        if !last.is_written || last.journal_bytes < REPLAYED_BYTES || self.guard.has_failed() {
            return Ok(());
        }
        for keyspace in self.keyspaces.all() {
            let mut ingestion = keyspace.start_ingestion()?;
            ingestion.write(NUMBER_KEY, last.number.to_le_bytes())?;
            ingestion.finish()?;
        }
        let mut number = self.database.batch().durability(Some(PersistMode::SyncData));
        number.insert(&self.keyspaces.main, NUMBER_KEY, last.number.to_le_bytes());
        number.commit()?;
        self.journals.are_flushed(last.number);
        Ok(())
    }

    fn read_error(&self, error: fjall::Error) -> Error {
        let context = format!("can't read the fjall store {}", self.directory.display());
        Error::new(kind_of(&error), context).with_source(cause(error))
    }
}

impl Drop for FjallEngine {
    /// What can't be flushed stays in the journal, for the next open.
    fn drop(&mut self) {
        self.sweeper.finish();
        if let Err(error) = self.flush_journal() {
            let place = self.directory.display();
            tracing::warn!(%error, "the journal of the fjall store {place} could not be flushed");
        }
    }
}

impl Engine for FjallEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.keyspaces.of(key).get(key).map_err(|error| self.read_error(error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn visit(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        let mut parts = self.keyspaces.parts(from, to);
        if direction == Direction::Descending {
            parts.reverse();
        }
        for (keyspace, from, to) in parts {
            let range = keyspace.range(from..to);
            let shown = match direction {
                Direction::Ascending => show(range, &mut *visitor),
                Direction::Descending => show(range.rev(), &mut *visitor),
            };
            if shown.map_err(|error| self.read_error(error))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        // A poisoned lock means that fjall panicked in the midst of a write.
        let Ok(mut last) = self.last.lock() else { return Err(refusal(&self.directory)) };
        let attempt = self.guard.attempt();
        let next = last.number + 1;
        last.is_written = true;
        last.journal_bytes += journal::batch_bytes(&batch);
        let mut writes =
            fjall::OwnedWriteBatch::with_capacity(self.database.clone(), batch.len() + 1)
                .durability(Some(PersistMode::SyncData));
        writes.insert(&self.keyspaces.main, NUMBER_KEY, next.to_le_bytes());
        let mut removed = 0;
        for write in batch {
            match write {
                Write::Put { key, value } => writes.insert(self.keyspaces.of(&key), key, value),
                Write::Remove { key } => {
                    removed += u64::from(keyspaces::is_often_removed(&key));
                    writes.remove(self.keyspaces.of(&key), key);
                }
            }
        }
        writes.commit().map_err(|error| {
            self.sweeper.fail();
            write_error(&self.directory, error)
        })?;
        last.number = next;
        attempt.done(next);
        self.sweeper.removed(removed);
        Ok(())
    }

    /// Past the journal, so that nothing has to be kept in it.
    fn fill(&self, from: &dyn Engine) -> Result<()> {
        let failed = |error| write_error(&self.directory, error);
        for (keyspace, first, end) in self.keyspaces.parts(&[], FIRST_UNUSED_KEY) {
            let mut ingestion = keyspace.start_ingestion().map_err(failed)?;
            let mut written = Ok(());
            from.visit(first, end, Direction::Ascending, &mut |key, value| {
                written = ingestion.write(key, value);
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            written.and_then(|()| ingestion.finish()).map_err(failed)?;
        }
        Ok(())
    }

    fn disk_bytes(&self) -> Result<u64> {
        files::allocated_bytes(&self.directory)
            .map_err(|error| files::io_error("measure", &self.directory, error))
    }

    fn recovered(&self) -> Option<&Recovered> {
        self.guard.recovered()
    }
}

/// The number of the last batch; 0 in a store that has none yet.
fn last_number(keyspace: &fjall::Keyspace) -> fjall::Result<u64> {
    let stored = keyspace.get(NUMBER_KEY)?;
    Ok(stored
        .and_then(|bytes| Some(u64::from_le_bytes(bytes.as_ref().try_into().ok()?)))
        .unwrap_or(0))
}

fn show(
    entries: impl Iterator<Item = Guard>,
    mut visitor: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> fjall::Result<ControlFlow<()>> {
    for entry in entries {
        let (key, value) = entry.into_inner()?;
        if key.as_ref() == NUMBER_KEY {
            continue;
        }
        if visitor(&key, &value).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn open_error(directory: &Path, error: fjall::Error) -> Error {
    let context = format!("can't open the fjall store {}", directory.display());
    Error::new(kind_of(&error), context).with_source(cause(error))
}

/// Fjall looks whether it is poisoned before it writes anything; any other failure may have left
/// the batch in the journal.
fn write_error(directory: &Path, error: fjall::Error) -> Error {
    if matches!(error, fjall::Error::Poisoned) {
        // What failed was told to a log that nobody keeps, but a disk that fails mostly still does.
        return match files::why_unwritable(directory) {
            Some(cause) => refusal(directory).with_source(cause),
            None => refusal(directory).with_source(error),
        };
    }
    let place = directory.display();
    Error::indeterminate(format!("a write to the fjall store {place} may have failed"))
        .with_source(cause(error))
}

/// The error of the system below one of fjall's, if there is one.
fn cause(error: fjall::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(LsmError::Io(error)) => error.into(),
        error => error.into(),
    }
}

fn refusal(directory: &Path) -> Error {
    Error::unavailable(format!(
        "the fjall store {} takes no writes since one failed; open it again",
        directory.display()
    ))
}

fn kind_of(error: &fjall::Error) -> ErrorKind {
    use fjall::Error as Fjall;
    match error {
        Fjall::Io(error) | Fjall::Storage(LsmError::Io(error)) => io_kind(error),
        Fjall::InvalidVersion(_) | Fjall::Storage(LsmError::InvalidVersion(_)) => {
            ErrorKind::Unsupported
        }
        Fjall::Poisoned | Fjall::Locked => ErrorKind::Unavailable,
        Fjall::KeyspaceDeleted => ErrorKind::Internal,
        _ => ErrorKind::Corrupt,
    }
}

/// Inside a store that is open, a file that is not there is a loss.
fn io_kind(error: &io::Error) -> ErrorKind {
    match files::kind_of(error) {
        ErrorKind::NotFound => ErrorKind::Corrupt,
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use fjall::AbstractTree as _;

    use super::*;
    use crate::engines::contract::contract_tests;
    use crate::engines::contract::damage::damage_tests;
    use crate::engines::contract::on_disk::{OnDisk, persistence_tests};

    contract_tests!(|| OnDisk::new(FjallEngine::open));
    persistence_tests!(FjallEngine::open);
    damage_tests!(FjallEngine::open, "0.jnl");

    const ROWS: u32 = 300;

    /// Fjall compresses its journal, so the values are ones that nothing compresses.
    fn value_of(key: &[u8]) -> Vec<u8> {
        let mut value = vec![0; 8 * 1024];
        blake3::Hasher::new().update(key).finalize_xof().fill(&mut value);
        value
    }

    fn write_rows(engine: &FjallEngine, rows: std::ops::Range<u32>) {
        for row in rows {
            let key = row.to_be_bytes().to_vec();
            let value = value_of(&key);
            engine.apply(vec![Write::Put { key, value }]).unwrap();
        }
    }

    fn count(engine: &FjallEngine) -> u32 {
        let mut rows = 0;
        let mut visitor = |key: &[u8], value: &[u8]| {
            assert!(value == value_of(key));
            rows += 1;
            ControlFlow::Continue(())
        };
        engine.visit(&[], FIRST_UNUSED_KEY, Direction::Ascending, &mut visitor).unwrap();
        rows
    }

    #[test]
    fn a_close_leaves_the_next_open_little_to_replay() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        write_rows(&FjallEngine::open(place).unwrap(), 0..ROWS);
        let number = journal::used_bytes(place).unwrap();
        assert!((1..200).contains(&number), "{number} bytes");

        let engine = FjallEngine::open(place).unwrap();
        assert_eq!(count(&engine), ROWS);
        write_rows(&engine, ROWS..ROWS + 1);
        drop(engine);
        let left = journal::used_bytes(place).unwrap();
        assert!((number + 8 * 1024..REPLAYED_BYTES).contains(&left), "{left} bytes");
        assert_eq!(count(&FjallEngine::open(place).unwrap()), ROWS + 1);
        assert_eq!(journal::used_bytes(place).unwrap(), left, "reading leaves no trace");

        write_rows(&FjallEngine::open(place).unwrap(), ROWS + 1..2 * ROWS);
        assert_eq!(journal::used_bytes(place).unwrap(), number);
        let engine = FjallEngine::open(place).unwrap();
        assert_eq!((count(&engine), last_number(&engine.keyspaces.main).unwrap()), (600, 600));
    }

    #[test]
    fn a_close_that_is_cut_off_before_it_empties_the_journal_does_no_harm() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        let engine = FjallEngine::open(place).unwrap();
        write_rows(&engine, 0..ROWS);
        let journal = std::fs::read(place.join("0.jnl")).unwrap();
        drop(engine);
        std::fs::write(place.join("0.jnl"), journal).unwrap();

        let engine = FjallEngine::open(place).unwrap();
        assert_eq!(count(&engine), ROWS);
        write_rows(&engine, ROWS..ROWS + 1);
        drop(engine);
        assert_eq!(count(&FjallEngine::open(place).unwrap()), ROWS + 1);
        assert!(journal::used_bytes(place).unwrap() < 200);
    }

    #[test]
    fn the_first_batch_after_such_a_close_is_not_cut_off_if_it_is_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        write_rows(&FjallEngine::open(place).unwrap(), 0..ROWS);
        write_rows(&FjallEngine::open(place).unwrap(), ROWS..ROWS + 1);
        let journal = place.join("0.jnl");
        let mut bytes = std::fs::read(&journal).unwrap();
        bytes[4 * 1024] ^= 1;
        std::fs::write(&journal, &bytes).unwrap();

        let refused = FjallEngine::open(place).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
        assert!(std::fs::read(&journal).unwrap() == bytes, "nothing is changed");
    }

    /// Of each keyspace, and at its borders.
    const KEYS: [&[u8]; 8] = [b"A", b"M\xff", b"N", b"N\x00", b"Nx", b"N\xff\xff", b"O", b"Z"];

    fn keys_between(
        engine: &FjallEngine,
        from: &[u8],
        to: &[u8],
        order: Direction,
    ) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        let mut visitor = |key: &[u8], _: &[u8]| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        };
        engine.visit(from, to, order, &mut visitor).unwrap();
        keys
    }

    fn put_all(engine: &FjallEngine, keys: &[&[u8]]) {
        let batch = keys.iter().map(|key| Write::Put { key: key.to_vec(), value: key.to_vec() });
        engine.apply(batch.collect()).unwrap();
    }

    #[test]
    fn keys_of_several_keyspaces_are_visited_in_order() {
        let directories = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [first, second] =
            directories.each_ref().map(|place| FjallEngine::open(place.path()).unwrap());
        put_all(&first, &KEYS);
        second.fill(&first).unwrap();
        for engine in [&first, &second] {
            for (at, from) in KEYS.iter().enumerate() {
                for (end, to) in KEYS.iter().enumerate() {
                    let mut expected: Vec<_> =
                        KEYS[at..end.max(at)].iter().map(|key| key.to_vec()).collect();
                    assert_eq!(keys_between(engine, from, to, Direction::Ascending), expected);
                    expected.reverse();
                    assert_eq!(keys_between(engine, from, to, Direction::Descending), expected);
                }
                assert_eq!(engine.get(from).unwrap().as_deref(), Some(*from));
            }
            let mut seen = 0;
            let mut first_three = |_: &[u8], _: &[u8]| {
                seen += 1;
                if seen < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            };
            let order = Direction::Ascending;
            engine.visit(&[], FIRST_UNUSED_KEY, order, &mut first_three).unwrap();
            assert_eq!(seen, 3, "a break ends the visit, not its part");
        }
    }

    #[test]
    fn keys_that_an_older_version_kept_with_all_others_are_still_there() {
        let directory = tempfile::tempdir().unwrap();
        let engine = FjallEngine::open(directory.path()).unwrap();
        for key in KEYS {
            engine.keyspaces.main.insert(key, key).unwrap();
        }
        engine.database.persist(PersistMode::SyncAll).unwrap();
        drop(engine);

        let engine = FjallEngine::open(directory.path()).unwrap();
        let found = keys_between(&engine, &[], FIRST_UNUSED_KEY, Direction::Ascending);
        assert_eq!(found, KEYS.map(<[u8]>::to_vec));
        engine.apply(vec![Write::Remove { key: b"Nx".to_vec() }]).unwrap();
        drop(engine);
        let engine = FjallEngine::open(directory.path()).unwrap();
        assert_eq!(engine.get(b"Nx").unwrap(), None);
        assert_eq!(engine.get(b"N").unwrap().as_deref(), Some(&b"N"[..]));
    }

    #[test]
    fn a_visit_passes_over_a_bounded_number_of_removed_keys() {
        const LIVE: u32 = 10_000;
        let directory = tempfile::tempdir().unwrap();
        let engine = FjallEngine::open(directory.path()).unwrap();
        let key =
            |row: u32, round: u32| [b"N", &row.to_be_bytes()[..], &round.to_be_bytes()].concat();
        for round in 0..10 {
            for rows in (0..LIVE).collect::<Vec<_>>().chunks(1_000) {
                let put =
                    rows.iter().map(|row| Write::Put { key: key(*row, round), value: vec![] });
                let old = rows.iter().filter(|_| round > 0);
                let removed = old.map(|row| Write::Remove { key: key(*row, round - 1) });
                engine.apply(put.chain(removed).collect()).unwrap();
            }
        }
        drop(engine);
        let engine = FjallEngine::open(directory.path()).unwrap();
        let found = keys_between(&engine, b"N", b"O", Direction::Ascending);
        assert_eq!(found, (0..LIVE).map(|row| key(row, 9)).collect::<Vec<_>>());
        let tombstones = engine.keyspaces.often_removed.tree.tombstone_count();
        assert!(tombstones < u64::from(LIVE / 2), "{tombstones} tombstones of 90,000");
    }
}
