//! Garbage collection: determines the retained states, and removes the rest.
//!
//! Retained are the states of branches within the retention period, and single states below that:
//! the heads of branches, the states on which timelines build, pins, the states of open plans, the
//! last states that branches merged of each other, and those that are open in this process. For
//! every timeline that gives [`RetainedStates`](crate::storage::RetainedStates); data that no
//! retained state needs is removed, and a timeline without retained states is dropped.
//!
//! | module | content |
//! | --- | --- |
//! | `roots` | the refs that retain states, and the refs to remove |
//! | `deleted` | deleted projects, which are kept for the retention period |
//! | `merges` | the points that commits have merged |
//! | `plan` | computes the retained states of each timeline, and their holders |
//! | `publish` | writes these records before anything is removed |
//! | `collect`, `sweep` | the collection, and its part that removes snapshots |
//! | `storage` | who holds how many bytes |
//!
//! In the layers below: the states that are open in this process (`engine::active_states`), the
//! record of retained states, with the check of readers that open an earlier state (`store::kept`),
//! and the data removed since the store was last compacted (`store::garbage`).
//!
//! # Why nobody reads what is being removed
//! Collectors and other processes coordinate through refs alone. A process that creates a ref to a
//! state (a branch, a pin, a plan) first writes the ref, and then reads the records `kept/…` of the
//! state's timelines. The collector first writes these records, and then lists the refs. Whichever
//! of the two writes comes second, the read after it sees the other write: either the creator finds
//! its state collected and removes the ref, or the collector finds the ref and retains the state.
//! If both see each other, the state is retained and the ref is removed, which is harmless. The
//! collector removes data only after a listing without new refs.
//!
//! With several collectors, no record becomes final before its writer has listed the refs. At first
//! any collector may widen a record if it finds more states in use. After a listing that finds
//! nothing new, the record is marked as `removing`, by compare-and-set, so only if nobody has
//! changed it since; from then on, its other states stay collected. A collector that finds a record
//! changed adopts its states, and lists again.
//!
//! A reader of an earlier state reads the records too, after it has added the state to those that
//! are open in the process, which a collector in the same process lists with the refs. A head costs
//! no lookup: in this process, the open states and the collected ones are compared in memory; for a
//! collector elsewhere, the state was a head a moment ago, and stays for the retention period. A
//! reader elsewhere that keeps an earlier state open for longer than the retention period may get
//! an error.
//!
//! A process that opened a branch before it moved may still append to the old timeline. As long as
//! that timeline exists, it is sealed. After it was dropped, an append without previous commits
//! creates it again, so the writer checks after its first commit whether the branch is still there;
//! an append after commits that are gone finds the timeline sealed.

mod collect;
mod deleted;
mod merges;
mod plan;
mod publish;
mod report;
mod roots;
mod storage;
mod sweep;

use std::time::Duration;

pub use collect::collect;
pub use report::{Holder, HolderKind, KeptState, Report, TimelineReport};
pub use storage::{HolderBytes, Storage, storage};

pub use crate::store::garbage::{Garbage, garbage};

/// The options of a garbage collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The retention period of states and backups of a branch.
    pub retention: Duration,
    /// Only reports the effect, and changes nothing.
    pub dry_run: bool,
}

impl Options {
    /// The default retention period: a week.
    pub const RETENTION: Duration = Duration::from_hours(168);
}

impl Default for Options {
    fn default() -> Self {
        Self { retention: Self::RETENTION, dry_run: false }
    }
}
