//! The records of refs, as BSON documents, and the names of the refs.
//!
//! | name | record |
//! | --- | --- |
//! | `project/<name>` | [`ProjectRecord`] |
//! | `deleted/<project id>` | [`DeletedRecord`] |
//! | `deleted/<project id>/branch/<name>`, `…/pin/<name>`, `…/plan/<id>` | the refs of a deleted project |
//! | `branch/<project id>/<name>` | [`BranchRecord`] |
//! | `pin/<project id>/<name>` | [`PinRecord`] |
//! | `plan/<project id>/<id>` | [a plan](crate::plan), of which [`HeldByPlan`] is a part |
//! | `kept/<timeline>` | [`KeptRecord`] |
//! | `hold/<project id>/<timeline>` | [`HoldRecord`] |
//! | `user/<database>/<name>`, `secret/users` | [a user](crate::users), and what hides which ones exist |

use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::model::{
    BranchName, Digest, Head, Lsn, PinName, Point, ProjectId, ProjectName, Timeline, TimelineId,
};
use crate::storage::{RefName, Refs};
use crate::store::mask::Mask;
use crate::{Error, Result};

pub(crate) use crate::storage::{VersionedRecord, decode, encode};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProjectRecord {
    pub(crate) id: ProjectId,
    pub(crate) created: DateTime,
}

/// A deleted project. Its branches, pins and plans stay under names of their own until garbage
/// collection removes this record, and then removes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeletedRecord {
    pub(crate) name: String,
    pub(crate) created: DateTime,
    pub(crate) deleted: DateTime,
    pub(crate) actor: String,
}

/// A branch: its timeline, and the state on which that timeline builds.
///
/// The base is written here as well as with the timeline's first commit, because until then the
/// timeline does not exist in the log. So creating a branch costs one write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BranchRecord {
    pub(crate) timeline: TimelineId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<BaseRecord>,
    /// The branch from which this one was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<String>,
    /// The position of the fork from the parent; the base changes with resets and renames.
    pub(crate) forked_at: i64,
    pub(crate) created: DateTime,
    #[serde(default)]
    pub(crate) protected: bool,
    /// Whether the branch is read-only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) read_only: bool,
    /// The lease of a sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<LeaseRecord>,
    /// The mask that reads go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mask: Option<Mask>,
    /// The new name of the branch during a rename, on stores that can't rename in one write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renaming: Option<RenameRecord>,
    /// The last movements, at most [`MOST_MOVES`], the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) moves: Vec<MoveRecord>,
}

/// A started rename. It takes effect once a branch of the new name exists on this timeline; then
/// only the old record remains to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RenameRecord {
    pub(crate) to: String,
    pub(crate) timeline: TimelineId,
}

/// The lifetime of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaseRecord {
    /// The lifetime after creation, extension or the last write.
    pub(crate) ttl_ms: i64,
    /// The earliest expiry.
    pub(crate) expires: DateTime,
}

/// The maximum number of movements in a branch's record; older ones are in the records of its
/// backups.
pub(crate) const MOST_MOVES: usize = 64;

/// A movement of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MoveRecord {
    pub(crate) at: DateTime,
    pub(crate) actor: String,
    /// The position before; `None` if the branch did not exist or was empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<PointRecord>,
    /// The position after; `None` if the branch was empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<PointRecord>,
    pub(crate) why: String,
}

/// A pin: a state that is retained permanently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PinRecord {
    /// The state; `None` for the empty state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<BaseRecord>,
    /// The branch that the state was named by, for people.
    pub(crate) branch: String,
    pub(crate) created: DateTime,
    pub(crate) actor: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<SignatureRecord>,
}

impl PinRecord {
    pub(crate) fn head(&self) -> Head {
        self.state.as_ref().map_or(Head::EMPTY, BaseRecord::head)
    }

    pub(crate) fn point(&self) -> Option<Point> {
        self.state.as_ref().map(BaseRecord::point)
    }
}

/// The signature of a pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignatureRecord {
    /// An ed25519 public key, 32 bytes.
    pub(crate) key: bson::Binary,
    /// The signature, 64 bytes.
    pub(crate) signature: bson::Binary,
}

/// The states of a timeline that garbage collection retains; without this record, all. It is
/// written before anything is removed, and other states can't be opened from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptRecord {
    /// See [`RetainedStates`](crate::storage::RetainedStates).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<i64>,
    pub(crate) points: Vec<KeptPoint>,
    /// The points that collected commits had merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) merged: Vec<MergedRecord>,
    /// Whether the removal of other states may have begun, so that they stay collected. Before, any
    /// collector that finds a state in use may add it again.
    #[serde(default = "yes")]
    pub(crate) removing: bool,
    /// Before the removal begins, the upper bound of states that can be added again: the states
    /// that the last record with `removing` retained. All, if there was no such record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) most: Option<KeptStates>,
    /// The time at which the record was written.
    pub(crate) at: DateTime,
}

/// Retained states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptStates {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<i64>,
    pub(crate) points: Vec<KeptPoint>,
}

fn yes() -> bool {
    true
}

/// A single state that is retained below the rest. Its commit may be gone from the log, so this
/// record has the fields that the next commit needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptPoint {
    pub(crate) lsn: i64,
    pub(crate) digest: Digest,
    pub(crate) time: DateTime,
}

/// The last commit of a timeline that was merged by a collected commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MergedRecord {
    pub(crate) timeline: TimelineId,
    pub(crate) lsn: i64,
    /// The position of the commit that merged it, or of a later one below the next retained state;
    /// absent if that commit was somewhere below `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<i64>,
}

/// The part of a merge plan that garbage collection reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldByPlan {
    /// The states that the plan depends on.
    #[serde(default)]
    pub(crate) points: Vec<PointRecord>,
    /// Whether the plan may still be applied; a closed plan retains nothing.
    #[serde(default)]
    pub(crate) open: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) closed: Option<DateTime>,
}

/// Retains states while a ref is moved to them; removed right afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HoldRecord {
    pub(crate) points: Vec<PointRecord>,
    pub(crate) at: DateTime,
}

/// A state, as timeline and position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PointRecord {
    pub(crate) timeline: TimelineId,
    pub(crate) lsn: i64,
}

/// A state with the fields that the next commit needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BaseRecord {
    pub(crate) timeline: TimelineId,
    pub(crate) lsn: i64,
    pub(crate) digest: Digest,
    pub(crate) time: DateTime,
}

impl BaseRecord {
    /// The record of a state; `None` for the empty state.
    pub(crate) fn of(point: Option<Point>, head: &Head) -> Option<Self> {
        point.map(|point| Self {
            timeline: point.timeline,
            lsn: point.lsn.get().cast_signed(),
            digest: head.digest,
            time: head.time,
        })
    }
}

impl BaseRecord {
    pub(crate) fn point(&self) -> Point {
        Point { timeline: self.timeline, lsn: Lsn::from_stored(self.lsn) }
    }

    pub(crate) fn head(&self) -> Head {
        Head { lsn: self.point().lsn, digest: self.digest, time: self.time }
    }
}

impl From<&BaseRecord> for Point {
    fn from(record: &BaseRecord) -> Self {
        Self { timeline: record.timeline, lsn: Lsn::from_stored(record.lsn) }
    }
}

impl From<&BaseRecord> for Head {
    fn from(record: &BaseRecord) -> Self {
        let BaseRecord { digest, time, .. } = *record;
        Self { lsn: Lsn::from_stored(record.lsn), digest, time }
    }
}

impl From<Point> for PointRecord {
    fn from(point: Point) -> Self {
        Self { timeline: point.timeline, lsn: point.lsn.get().cast_signed() }
    }
}

impl From<PointRecord> for Point {
    fn from(record: PointRecord) -> Self {
        Self { timeline: record.timeline, lsn: Lsn::from_stored(record.lsn) }
    }
}

impl BranchRecord {
    /// The record of this branch with the timeline and mask of a fork.
    pub(crate) fn on(&self, fork: BranchRecord) -> Self {
        let BranchRecord { timeline, base, mask, .. } = fork;
        Self { timeline, base, mask, renaming: None, ..self.clone() }
    }

    /// The record with a movement noted.
    pub(crate) fn noting(mut self, movement: MoveRecord) -> Self {
        self.moves.push(movement);
        let surplus = self.moves.len().saturating_sub(MOST_MOVES);
        self.moves.drain(..surplus);
        self
    }

    /// Returns the state at a position of the branch, by the timeline that has its last commit;
    /// `None` for the empty state. A position below the base belongs to the base's timeline, which
    /// may have inherited it.
    pub(crate) fn point_at(&self, lsn: Lsn) -> Option<Point> {
        match &self.base {
            _ if lsn == Lsn::ZERO => None,
            Some(base) if lsn.get() <= base.lsn.cast_unsigned() => {
                Some(Point { timeline: base.timeline, lsn })
            }
            _ => Some(Point { timeline: self.timeline, lsn }),
        }
    }

    pub(crate) fn timeline(&self) -> Timeline {
        Timeline { id: self.timeline, base: self.base.as_ref().map(BaseRecord::point) }
    }

    /// The head of the branch until its timeline gets its first commit.
    pub(crate) fn base_head(&self) -> Head {
        self.base.as_ref().map_or(Head::EMPTY, BaseRecord::head)
    }
}

pub(crate) const PROJECTS: &str = "project/";
pub(crate) const DELETED: &str = "deleted/";
pub(crate) const BRANCHES: &str = "branch/";
pub(crate) const PINS: &str = "pin/";
pub(crate) const PLANS: &str = "plan/";
pub(crate) const HOLDS: &str = "hold/";
pub(crate) const KEPT: &str = "kept/";
pub(crate) const ALERTS: &str = "alert/";

pub(crate) fn kept_ref(timeline: TimelineId) -> RefName {
    format!("{KEPT}{timeline}")
}

pub(crate) fn pins_of(project: ProjectId) -> RefName {
    format!("{PINS}{project}/")
}

pub(crate) fn hold_ref(project: ProjectId, timeline: TimelineId) -> RefName {
    format!("{HOLDS}{project}/{timeline}")
}

pub(crate) fn project_ref(name: &ProjectName) -> RefName {
    format!("{PROJECTS}{name}")
}

pub(crate) fn deleted_ref(project: ProjectId) -> RefName {
    format!("{DELETED}{project}")
}

/// The prefix of the refs of a deleted project.
pub(crate) fn copies_of_deleted(project: ProjectId) -> RefName {
    format!("{DELETED}{project}/")
}

/// The project whose record has this name; `None` for another ref of a deleted project.
pub(crate) fn deleted_id(name: &str) -> Result<Option<ProjectId>> {
    let id = name.strip_prefix(DELETED).unwrap_or(name);
    if id.contains('/') {
        return Ok(None);
    }
    let id =
        id.parse().map_err(|_| Error::corrupt(format!("malformed name of a ref: '{name}'")))?;
    Ok(Some(id))
}

/// The name of a project's ref after the deletion of the project.
pub(crate) fn deleted_copy(project: ProjectId, name: &str) -> Option<RefName> {
    let (kind, rest) = name.split_once('/')?;
    let (_, short) = rest.split_once('/')?;
    Some(format!("{DELETED}{project}/{kind}/{short}"))
}

/// The original name of a ref of a deleted project.
pub(crate) fn original_of_deleted(project: ProjectId, name: &str) -> Option<RefName> {
    let (kind, short) = name.strip_prefix(&copies_of_deleted(project))?.split_once('/')?;
    Some(format!("{kind}/{project}/{short}"))
}

pub(crate) fn branches_of(project: ProjectId) -> RefName {
    format!("branch/{project}/")
}

pub(crate) fn branch_ref(project: ProjectId, name: &BranchName) -> RefName {
    format!("branch/{project}/{name}")
}

pub(crate) fn plans_of(project: ProjectId) -> RefName {
    format!("plan/{project}/")
}

pub(crate) fn plan_ref(project: ProjectId, id: &str) -> RefName {
    format!("plan/{project}/{id}")
}

pub(crate) fn pin_ref(project: ProjectId, name: &PinName) -> RefName {
    format!("pin/{project}/{name}")
}

/// Returns the project and branch that are currently on a timeline, according to the refs of a
/// store; `None` if there are none. O(branches).
pub async fn branch_of_timeline(
    refs: &dyn Refs,
    timeline: TimelineId,
) -> Result<Option<(ProjectName, BranchName)>> {
    for (name, stored) in refs.list("project/").await? {
        let project = decode::<ProjectRecord>(&name, stored)?.record;
        let prefix = branches_of(project.id);
        for (branch, stored) in refs.list(&prefix).await? {
            if decode::<BranchRecord>(&branch, stored)?.record.timeline != timeline {
                continue;
            }
            let names = name.strip_prefix("project/").zip(branch.strip_prefix(&prefix));
            let Some((project, branch)) = names else { continue };
            return Ok(Some((ProjectName::new(project)?, BranchName::new(branch)?)));
        }
    }
    Ok(None)
}
