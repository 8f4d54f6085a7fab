//! The report of a collection.

use std::collections::BTreeSet;

use bson::DateTime;

use crate::model::{Lsn, TimelineId};
use crate::storage::Reclaimed;

/// The kinds of holders of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HolderKind {
    /// A branch: its head, the states within the retention period, and the bases of its timelines.
    Branch,
    /// A backup within the retention period.
    Backup,
    /// A pin.
    Pin,
    /// An open merge plan.
    Plan,
    /// A branch that merged the state, which is the base of the next merge.
    MergeBase,
    /// A state that is open in this process, or to which a ref is being moved.
    Open,
    /// A branch without a project that is too recent to be removed.
    Orphan,
}

/// A holder of a state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder {
    /// The kind.
    pub kind: HolderKind,
    /// The name, with its project: `shop/main`.
    pub name: String,
}

/// A single state that is retained below the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptState {
    /// The state.
    pub lsn: Lsn,
    /// The holders.
    pub holders: BTreeSet<Holder>,
}

/// The result for a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineReport {
    /// The timeline.
    pub timeline: TimelineId,
    /// The branches on it, as `project/branch`; may be empty.
    pub branches: Vec<String>,
    /// Whether it was dropped.
    pub dropped: bool,
    /// The position from which every state is retained.
    pub from: Option<Lsn>,
    /// Single states below that.
    pub points: Vec<KeptState>,
    /// The removed data.
    pub freed: Reclaimed,
}

/// The data that a collection removed, or would remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// States of branches are retained from this time on.
    pub cutoff: DateTime,
    /// The total of removed data.
    pub freed: Reclaimed,
    /// The names of removed refs: expired backups and plans, branches without a project.
    pub refs: Vec<String>,
    /// The number of removed snapshots.
    pub snapshots: u64,
    /// The timelines that lost states.
    pub timelines: Vec<TimelineReport>,
}
