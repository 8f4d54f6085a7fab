//! Compaction of a keyspace whose keys are often removed.
//!
//! A range passes over the tombstone of a removed key at about half of the cost of a key that is there
//! (0.17 µs). So a keyspace is compacted, by a thread of its own, when it has one tombstone for
//! every [`LIVE_A_TOMBSTONE`] keys: for a removed key, that many keys are written again.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fjall::{AbstractTree, Keyspace};

/// The keys that are there for each tombstone when a compaction begins.
const LIVE_A_TOMBSTONE: u64 = 8;

/// Fewer tombstones than this are left, whatever else is there: passing over them takes less than 0.2 ms.
const FEWEST: u64 = 1_000;

/// How often a sweep looks whether the memtable is flushed, and how many times at most: what is not
/// flushed after some 10 s stays for the next sweep.
const FLUSH_INTERVAL: Duration = Duration::from_millis(1);
const FLUSH_LOOKS: u32 = 10_000;

/// Sweeps one keyspace.
pub(super) struct Sweeper {
    swept: Arc<Swept>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Swept {
    keyspace: Keyspace,
    /// About the tombstones since the last sweep.
    tombstones: AtomicU64,
    /// About the keys that are there; one that was put twice may count twice.
    live: AtomicU64,
    is_running: AtomicBool,
    has_failed: AtomicBool,
}

impl Sweeper {
    pub(super) fn new(keyspace: &Keyspace) -> Self {
        let tombstones = keyspace.tree.tombstone_count();
        let rows = keyspace.approximate_len() as u64;
        let swept = Swept {
            keyspace: keyspace.clone(),
            tombstones: tombstones.into(),
            live: rows.saturating_sub(2 * tombstones).into(),
            is_running: false.into(),
            has_failed: false.into(),
        };
        Self { swept: Arc::new(swept), thread: Mutex::new(None) }
    }

    /// Notes that so many keys were removed, and starts a sweep if there are many tombstones now.
    pub(super) fn removed(&self, keys: u64) {
        self.swept.tombstones.fetch_add(keys, Ordering::Relaxed);
        if keys == 0 || !self.swept.is_due() || self.swept.is_running.swap(true, Ordering::AcqRel) {
            return;
        }
        let swept = Arc::clone(&self.swept);
        let started = thread::Builder::new().name("argon-sweep".to_owned()).spawn(move || {
            let _running = Running(&swept.is_running);
            while swept.is_due() {
                if let Err(error) = swept.run() {
                    swept.has_failed.store(true, Ordering::Relaxed);
                    tracing::warn!(%error, "the entries of indexes could not be compacted");
                }
            }
        });
        match started {
            Ok(thread) => {
                *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
            }
            Err(error) => {
                self.swept.is_running.store(false, Ordering::Release);
                tracing::warn!(%error, "no thread to compact the entries of indexes");
            }
        }
    }

    /// Notes that the database takes no writes any more: no sweep begins, and one that waits ends.
    pub(super) fn fail(&self) {
        self.swept.has_failed.store(true, Ordering::Relaxed);
    }

    /// Waits for a running sweep. No keys are removed meanwhile or afterwards.
    pub(super) fn finish(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // A panic was reported by its hook; the keyspace is as it was.
        let _ = thread.map(JoinHandle::join);
    }
}

/// Resets the flag when the sweep ends, also by a panic.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Swept {
    fn is_due(&self) -> bool {
        let most = FEWEST.max(self.live.load(Ordering::Relaxed) / LIVE_A_TOMBSTONE);
        self.tombstones.load(Ordering::Relaxed) >= most && !self.has_failed.load(Ordering::Relaxed)
    }

    fn run(&self) -> fjall::Result<()> {
        let tombstones = self.tombstones.swap(0, Ordering::Relaxed);
        self.keyspace.rotate_memtable()?;
        for _ in 0..FLUSH_LOOKS {
            if self.keyspace.sealed_memtable_count() == 0 {
                break;
            }
            if self.has_failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            thread::sleep(FLUSH_INTERVAL);
        }
        self.keyspace.major_compact()?;
        self.live.store(self.keyspace.approximate_len() as u64, Ordering::Relaxed);
        tracing::debug!(tombstones, "the entries of indexes are compacted");
        Ok(())
    }
}
