//! Storage by holder.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use crate::Result;
use crate::storage::Usage;
use crate::store::Store;
use crate::upkeep::gc::publish::Decision;
use crate::upkeep::gc::report::{Holder, HolderKind};
use crate::upkeep::gc::roots::Cutoffs;
use crate::upkeep::gc::sweep;

/// The storage of one holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderBytes {
    /// The holder.
    pub holder: Holder,
    /// The number of single states, and of timelines of which it retains every state of the
    /// retention period.
    pub states: u64,
    /// The bytes that only one state or timeline of this holder needs: at least these would be
    /// freed without it.
    pub exclusive: u64,
}

/// The storage of a store. Documents, headers of commits and chunks count with their stored size,
/// without the overhead of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// The holders, the largest first.
    pub holders: Vec<HolderBytes>,
    /// Bytes that are only needed to read states within the retention period.
    pub window: u64,
    /// Bytes that several holders need.
    pub shared: u64,
    /// Bytes of documents and headers that a collection would free.
    pub free: u64,
    /// Bytes of chunks of snapshots that a collection would free.
    pub free_chunks: u64,
    /// Bytes of chunks that it would leave.
    pub chunks: u64,
    /// All bytes of the store, as its engine gives them.
    pub stored: u64,
}

/// Computes the storage by holder for this retention period. One pass over all versions, in memory
/// of the number of holders; nothing is changed.
///
/// # Errors
/// `Unsupported` on a backend that can't collect; the errors of the store.
pub async fn storage(store: &Store, retention: Duration) -> Result<Storage> {
    let shared = &store.shared;
    shared.look_at_clocks().await?;
    let cutoffs = Cutoffs::new(shared.environment.earliest(), retention);
    let decision = Decision::new(shared, cutoffs).await?;
    let mut tally = Tally::default();
    for timeline in decision.graph.states.keys() {
        let keep = match decision.cuts.get(timeline) {
            Some(cut) => cut.keep.clone(),
            None => decision.plan.keep(*timeline),
        };
        let usage = shared.backend.wal.usage(*timeline, &keep).await?;
        let holders = |lsn| decision.plan.holders.get(&(*timeline, lsn));
        tally.add(&usage, holders(None), |lsn| holders(Some(lsn)));
    }
    for holders in decision.plan.holders.values() {
        for holder in holders {
            tally.holder(holder).states += 1;
        }
    }
    let empty = decision.cuts.iter().filter(|(_, cut)| cut.keep.is_empty());
    let dropped: HashSet<_> = empty.map(|(timeline, _)| *timeline).collect();
    let freed = sweep::unused_chunks(shared, &decision, &dropped).await?;
    let all = shared.backend.snapshots.sweep_chunks(&HashSet::new(), true).await?;
    let mut holders: Vec<HolderBytes> = tally.holders.into_values().collect();
    holders.retain(|held| held.holder.kind != HolderKind::Open);
    holders.sort_by(|a, b| b.exclusive.cmp(&a.exclusive).then_with(|| a.holder.cmp(&b.holder)));
    Ok(Storage {
        holders,
        window: tally.window,
        shared: tally.shared,
        free: tally.free,
        free_chunks: freed.bytes,
        chunks: all.bytes - freed.bytes.min(all.bytes),
        stored: store.stored_bytes().await?,
    })
}

#[derive(Default)]
struct Tally {
    holders: BTreeMap<Holder, HolderBytes>,
    window: u64,
    shared: u64,
    free: u64,
}

impl Tally {
    fn holder(&mut self, holder: &Holder) -> &mut HolderBytes {
        self.holders.entry(holder.clone()).or_insert_with(|| HolderBytes {
            holder: holder.clone(),
            states: 0,
            exclusive: 0,
        })
    }

    /// Assigns bytes to the only holder, or counts them as shared.
    fn give(&mut self, bytes: u64, holders: Option<&BTreeSet<Holder>>) {
        match holders.map(|holders| (holders.len(), holders.first())) {
            Some((1, Some(only))) => self.holder(only).exclusive += bytes,
            _ => self.shared += bytes,
        }
    }

    fn add<'a>(
        &mut self,
        usage: &Usage,
        window: Option<&'a BTreeSet<Holder>>,
        point: impl Fn(crate::model::Lsn) -> Option<&'a BTreeSet<Holder>>,
    ) {
        self.give(usage.head, window);
        self.window += usage.window;
        for (lsn, bytes) in &usage.points {
            self.give(*bytes, point(*lsn));
        }
        self.shared += usage.shared;
        self.free += usage.free;
    }
}
