//! Garbage collection: what is kept, and giving up the rest.
//!
//! Kept are the states of branches that are not older than the retention time, and single states
//! below that: the heads of branches, the states on which timelines build, pins, the states of open
//! plans, the last states that branches merged of each other, and those that this process has open.
//! Of every timeline that gives [`RetainedStates`](crate::storage::RetainedStates); what no kept state needs goes, and a
//! timeline of which nothing is kept goes as a whole.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `roots` | the refs that hold states, and those that are to be removed themselves |
//! | `deleted` | projects that were deleted, which are kept for the retention time |
//! | `merges` | what commits have merged |
//! | `plan` | from the roots to what is kept of each timeline, and for whose sake |
//! | `publish` | writing these records before anything is removed |
//! | `collect`, `sweep` | the collection, and its part that removes snapshots |
//! | `storage` | who holds how many bytes |
//!
//! In the layers below: the states that this process has open (`engine::open`), the record of what is kept,
//! with the check of those who open an earlier state (`store::kept`), and what was given up since the store
//! was last compacted (`store::garbage`).
//!
//! # Why nobody reads what is being removed
//! Collector and others meet in the refs alone. Who makes a ref to a state (a branch, a pin, a plan)
//! first writes the ref, and then reads the records `kept/…` of the state's timelines. The collector
//! first writes these records, and then lists the refs. Whichever of the two writes comes second, the
//! read after it sees the other's: either the maker finds its state given up and takes the ref back,
//! or the collector finds the ref and keeps the state. If both see each other, the state is kept and
//! the ref is taken back, which is harmless. Only after a listing that holds nothing new does the
//! collector remove anything.
//!
//! Of several collectors, none takes a record for final before who wrote it has listed. A record begins
//! as one that may be widened, by its writer or by any other that finds more held. After a listing that
//! finds nothing new it is marked as `removing`, by compare-and-set, so only if nobody has written it
//! since: then what it leaves out stays given up. Who finds a record moved takes up what that keeps, and
//! lists again.
//!
//! Who only reads an earlier state reads the records too, after it has entered the state among those
//! that the process has open, which a collector in the same process lists with the refs. A head costs
//! no lookup: in this process the same list and what was given up are compared in memory; elsewhere
//! the state was a head a moment ago, and stays for the retention time. A reader elsewhere that has an
//! earlier state open for longer than the retention time may meet an error.
//!
//! A process that knew a branch before it was moved may still append to the timeline that it left. As
//! long as that exists it is sealed; when it was dropped, an append to a timeline without commits makes
//! it anew, so the writer looks after its first commit whether the branch is still there, and an append
//! after commits that are not there finds the timeline sealed.

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

/// What garbage collection keeps, and whether it removes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How far back every state of a branch is kept, and how long backups are.
    pub retention: Duration,
    /// Says what would be removed, and changes nothing.
    pub dry_run: bool,
}

impl Options {
    /// The retention time unless somebody says otherwise: a week.
    pub const RETENTION: Duration = Duration::from_hours(168);
}

impl Default for Options {
    fn default() -> Self {
        Self { retention: Self::RETENTION, dry_run: false }
    }
}
