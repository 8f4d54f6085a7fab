//! The keyspaces of a database: which key is in which.

use fjall::config::{
    BlockSizePolicy, CompressionPolicy, FilterPolicy, PinningPolicy, RestartIntervalPolicy,
};
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::ordered::engine::OFTEN_REMOVED;

const MAIN: &str = "argon";
const OFTEN_REMOVED_KEYS: &str = "entries";

/// Large memtables make for few tables, each of which costs a seek some 3 µs.
const MEMTABLE_BYTES: u64 = 64 * 1024 * 1024;

/// Small blocks, since most reads want one entry; a scan reads neighbouring blocks anyway.
const BLOCK_BYTES: u32 = 4 * 1024;

/// So many keys of a block share one prefix; a seek reads half of them on average.
const RESTART_INTERVAL: u8 = 4;

/// How many rows are moved at once between the keyspaces of an older store.
const MOVED_AT_ONCE: usize = 10_000;

const FIRST: &[u8] = &[OFTEN_REMOVED];
const END: &[u8] = &[OFTEN_REMOVED + 1];

/// Whether a key is in the keyspace of those that are often removed.
pub(super) fn is_often_removed(key: &[u8]) -> bool {
    key.starts_with(FIRST)
}

/// All keyspaces. One journal is behind them, so a batch over several is atomic.
pub(super) struct Keyspaces {
    /// Every key that is not [often removed](OFTEN_REMOVED).
    pub(super) main: Keyspace,
    pub(super) often_removed: Keyspace,
}

impl Keyspaces {
    /// Opens the keyspaces, and creates those that are not there. Rows that earlier versions of Argon
    /// wrote to another keyspace are moved, durably; if that is interrupted, the next call goes on.
    pub(super) fn open(database: &Database) -> fjall::Result<Self> {
        let keyspaces = Self {
            main: database.keyspace(MAIN, options)?,
            often_removed: database.keyspace(OFTEN_REMOVED_KEYS, options)?,
        };
        let mut next = Some(FIRST.to_vec());
        while let Some(from) = next {
            next = keyspaces.move_some(database, &from)?;
        }
        Ok(keyspaces)
    }

    /// Moves some rows from a key on; returns the key from which to go on, if there were any.
    fn move_some(&self, database: &Database, from: &[u8]) -> fjall::Result<Option<Vec<u8>>> {
        let mut batch = database.batch().durability(Some(PersistMode::SyncData));
        let mut last = None;
        for row in self.main.range(from..END).take(MOVED_AT_ONCE) {
            let (key, value) = row.into_inner()?;
            last = Some(key.to_vec());
            batch.remove(&self.main, key.clone());
            batch.insert(&self.often_removed, key, value);
        }
        if last.is_some() {
            batch.commit()?;
        }
        Ok(last)
    }

    pub(super) fn all(&self) -> [&Keyspace; 2] {
        [&self.main, &self.often_removed]
    }

    /// The keyspace of a key.
    pub(super) fn of(&self, key: &[u8]) -> &Keyspace {
        if is_often_removed(key) { &self.often_removed } else { &self.main }
    }

    /// The parts of `from <= key < to`, in order, with their keyspaces; no part is empty.
    pub(super) fn parts<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
    ) -> Vec<(&'a Keyspace, &'a [u8], &'a [u8])> {
        let parts = [
            (&self.main, from, to.min(FIRST)),
            (&self.often_removed, from.max(FIRST), to.min(END)),
            (&self.main, from.max(END), to),
        ];
        parts.into_iter().filter(|(_, from, to)| from < to).collect()
    }
}

/// Reads are seeks to "the first key at or after", for which bloom filters are of no use; the
/// index is pinned, so that a seek decodes one data block. All levels are compressed: a table stays in
/// the level that a flush or an ingestion wrote it to until others overlap it.
fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(MEMTABLE_BYTES)
        .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
        .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
        .data_block_restart_interval_policy(RestartIntervalPolicy::all(RESTART_INTERVAL))
        .filter_policy(FilterPolicy::disabled())
        .index_block_pinning_policy(PinningPolicy::all(true))
}
