//! Finds the snapshot from which a view is read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Result;
use crate::engine::lru::Lru;
use crate::engine::snapshot::latest;
use crate::model::{Lsn, TimelineId, View};
use crate::storage::{Manifest, Snapshots};

/// The number of commits by which a head may move before a later snapshot is searched for. An
/// earlier one stays valid, but leaves more of the log to read.
const STRIDE: u64 = 64;

/// The maximum number of cached snapshots of a timeline: reads of past states may each need another
/// one.
const MOST_OF_A_TIMELINE: usize = 8;

/// The snapshot from which a view is read, if any.
#[derive(Clone)]
pub(super) struct BaseSnapshot {
    pub(super) manifest: Option<Arc<Manifest>>,
}

impl BaseSnapshot {
    /// The position of the snapshot; the log has the changes after it.
    pub(super) fn lsn(&self) -> Lsn {
        self.manifest.as_ref().map_or(Lsn::ZERO, |manifest| manifest.point.lsn)
    }

    /// The approximate memory in bytes.
    fn bytes(&self) -> usize {
        /// A chunk's entry without the bytes of its keys, including the allocation.
        const ENTRY: usize = 112;
        let chunks = self.manifest.iter().flat_map(|manifest| manifest.chunks());
        let entries = chunks
            .map(|chunk| ENTRY + chunk.first.as_bytes().len() + chunk.last.as_bytes().len())
            .sum::<usize>();
        256 + entries
    }
}

/// A base, and the last position for which it was found or used.
#[derive(Clone)]
struct CachedBase {
    base: BaseSnapshot,
    upto: Lsn,
}

/// The bases of the views with their last commit on one timeline, the last used at the end. Locked
/// during a search, so that concurrent readers search once.
type TimelineBases = Arc<tokio::sync::Mutex<Vec<CachedBase>>>;

/// The bases of the last read views.
pub(super) struct BaseSnapshots {
    snapshots: Arc<dyn Snapshots>,
    known: Mutex<Lru<TimelineId, TimelineBases>>,
}

impl BaseSnapshots {
    pub(super) fn new(snapshots: Arc<dyn Snapshots>, most_bytes: usize) -> Self {
        Self { snapshots, known: Mutex::new(Lru::new(most_bytes)) }
    }

    /// Returns the base of a view, from the cache or the store.
    pub(super) async fn of(&self, view: &View) -> Result<BaseSnapshot> {
        let Some(leaf) = view.point() else { return Ok(BaseSnapshot { manifest: None }) };
        let of_timeline = self.of_timeline(leaf.timeline);
        let mut known = of_timeline.lock().await;
        let usable = |known: &CachedBase| {
            known.base.lsn() <= leaf.lsn && leaf.lsn.get() <= known.upto.get() + STRIDE
        };
        let best = (0..known.len())
            .filter(|at| usable(&known[*at]))
            .max_by_key(|at| known[*at].base.lsn());
        let mut found = match best {
            Some(at) => known.remove(at),
            None => {
                let manifest = latest(&*self.snapshots, view).await?.map(Arc::new);
                CachedBase { base: BaseSnapshot { manifest }, upto: leaf.lsn }
            }
        };
        found.upto = found.upto.max(leaf.lsn);
        let base = found.base.clone();
        known.retain(|known| known.base.lsn() != base.lsn());
        known.push(found);
        if known.len() > MOST_OF_A_TIMELINE {
            known.remove(0);
        }
        if best.is_none() {
            let bytes = known.iter().map(|known| known.base.bytes()).sum();
            self.known().weigh(&leaf.timeline, bytes);
        }
        Ok(base)
    }

    /// Forgets the bases of views on a timeline: the next read searches again.
    pub(super) fn forget(&self, timeline: TimelineId) {
        self.known().remove(&timeline);
    }

    /// Removes all bases.
    pub(super) fn clear(&self) {
        self.known().clear();
    }

    fn of_timeline(&self, timeline: TimelineId) -> TimelineBases {
        let mut known = self.known();
        known.get(&timeline).unwrap_or_else(|| {
            let made = TimelineBases::default();
            known.insert(timeline, made.clone(), 256);
            made
        })
    }

    fn known(&self) -> MutexGuard<'_, Lru<TimelineId, TimelineBases>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
