//! What a collection did.

use std::collections::BTreeSet;

use bson::DateTime;

use crate::model::{Lsn, TimelineId};
use crate::storage::Reclaimed;

/// What holds a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HolderKind {
    /// A branch: its head, the states of the retention time, and those on which its timelines build.
    Branch,
    /// A backup that is younger than the retention time.
    Backup,
    /// A pin.
    Pin,
    /// A merge plan that is open.
    Plan,
    /// A branch that merged the state: the next merge begins there.
    MergeBase,
    /// A state that is open in this process, or to which a ref is being moved.
    Open,
    /// A branch of a project that is gone, which is too young to be removed.
    Orphan,
}

/// Who holds a state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// Its name, with that of its project: `shop/main`.
    pub name: String,
}

/// A single state that is kept below those that all are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptState {
    /// The state.
    pub lsn: Lsn,
    /// For whose sake.
    pub holders: BTreeSet<Holder>,
}

/// What became of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineReport {
    /// The timeline.
    pub timeline: TimelineId,
    /// The branches that it is, as `project/branch`; none if no branch stands on it.
    pub branches: Vec<String>,
    /// Whether it was dropped.
    pub dropped: bool,
    /// From where on every state is kept.
    pub from: Option<Lsn>,
    /// Single states below that.
    pub points: Vec<KeptState>,
    /// What was removed of it.
    pub freed: Reclaimed,
}

/// What a collection removed, or would remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// States of branches are kept from here on.
    pub cutoff: DateTime,
    /// All that was removed.
    pub freed: Reclaimed,
    /// Refs that were removed, by name: backups and plans that are too old, branches of projects that
    /// are gone.
    pub refs: Vec<String>,
    /// How many snapshots were removed.
    pub snapshots: u64,
    /// The timelines of which not everything is kept.
    pub timelines: Vec<TimelineReport>,
}
