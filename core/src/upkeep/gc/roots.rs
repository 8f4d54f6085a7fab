//! The roots of a collection: refs, and the states that are open in this process.

use std::collections::HashMap;
use std::time::Duration;

use bson::DateTime;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::model::moment::parse_time;
use crate::model::{BranchName, Lsn, Point, TimelineId};
use crate::storage::{RefName, RefVersion, TimelineState};
use crate::store::records::{
    self, BranchRecord, HeldByPlan, HoldRecord, KeptRecord, PinRecord, VersionedRecord,
};
use crate::store::{Project, Session, Shared};
use crate::upkeep::gc::deleted::{ExpiredProject, Projects};
use crate::upkeep::gc::report::{Holder, HolderKind};
use crate::{Error, Result};

/// The number of timelines that are queried concurrently.
const AT_ONCE: usize = 64;

/// The minimum age of a ref without a project before it is removed: its project may be under
/// creation.
const YOUNG: Duration = Duration::from_hours(1);

/// A branch that is retained.
pub(super) struct Root {
    pub(super) holder: Holder,
    pub(super) record: BranchRecord,
}

/// A ref to remove.
pub(super) struct Expired {
    pub(super) name: RefName,
    pub(super) version: RefVersion,
    /// Its branch, if it is a backup.
    pub(super) backup: Option<(Project, BranchName, VersionedRecord<BranchRecord>)>,
    /// The project, if it was deleted and its retention period is over.
    pub(super) deleted: Option<String>,
}

/// The roots.
#[derive(Default)]
pub(super) struct Roots {
    pub(super) branches: Vec<Root>,
    pub(super) points: Vec<(Point, Holder)>,
    /// The states that are open in this process; they are also in `points`.
    pub(super) open: Vec<Point>,
    pub(super) expired: Vec<Expired>,
    pub(super) gone: Vec<ExpiredProject>,
    /// The last commits of states in records.
    pub(super) heads: HashMap<Point, crate::model::Head>,
}

/// The times before which data has expired.
#[derive(Clone, Copy)]
pub(super) struct Cutoffs {
    /// The limit for states and backups.
    pub(super) retention: DateTime,
    pub(super) orphans: DateTime,
    pub(super) holds: DateTime,
}

impl Cutoffs {
    pub(super) fn new(now: DateTime, retention: Duration) -> Self {
        let before = |age: Duration| {
            let millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
            DateTime::from_millis(now.timestamp_millis().saturating_sub(millis))
        };
        Self {
            retention: before(retention),
            orphans: before(retention.max(YOUNG)),
            holds: before(YOUNG),
        }
    }
}

impl Roots {
    /// Lists the roots: open states, holds, plans and pins before the branches that may take over
    /// their states, so that a state that is taken over concurrently is in at least one listing.
    pub(super) async fn list(shared: &std::sync::Arc<Session>, cutoffs: Cutoffs) -> Result<Self> {
        let mut roots = Self::default();
        let projects = Projects::list(shared, cutoffs, &mut roots).await?;
        roots.list_deleted(shared, &projects).await?;
        roots.open = shared.open.points();
        roots.open.extend(shared.backend.maintenance.open_elsewhere().await?);
        let open = Holder { kind: HolderKind::Open, name: "this process".to_owned() };
        roots.points.extend(roots.open.iter().map(|point| (*point, open.clone())));
        roots.list_holds(shared, cutoffs).await?;
        roots.list_plans(shared, &projects, cutoffs).await?;
        roots.list_pins(shared, &projects, cutoffs).await?;
        roots.list_branches(shared, &projects, cutoffs).await?;
        // A deletion moves refs in one direction, and a restoration in the other.
        roots.list_deleted(shared, &projects).await?;
        Ok(roots)
    }

    async fn list_branches(
        &mut self,
        shared: &Shared,
        projects: &Projects,
        cutoffs: Cutoffs,
    ) -> Result<()> {
        for (name, stored) in shared.backend.refs.list(records::BRANCHES).await? {
            let stored: VersionedRecord<BranchRecord> = records::decode(&name, stored)?;
            let (id, short) = split(&name)?;
            let version = stored.version.clone();
            let Some(project) = projects.get(id) else {
                let deleted = projects.gone(id);
                if deleted.is_some() || stored.record.created <= cutoffs.orphans {
                    self.expired.push(Expired { name, version, backup: None, deleted });
                } else {
                    let holder = Holder { kind: HolderKind::Orphan, name: name.clone() };
                    self.root(holder, stored.record);
                }
                continue;
            };
            let branch = BranchName::new(short)?;
            let kind = if branch.is_backup() { HolderKind::Backup } else { HolderKind::Branch };
            if branch.is_backup() && since(&branch, &stored.record) <= cutoffs.retention {
                let backup = Some((project.clone(), branch, stored));
                self.expired.push(Expired { name, version, backup, deleted: None });
                continue;
            }
            self.root(Holder { kind, name: format!("{}/{short}", project.name()) }, stored.record);
        }
        Ok(())
    }

    pub(super) fn root(&mut self, holder: Holder, record: BranchRecord) {
        if let Some(base) = &record.base {
            self.heads.insert(base.into(), base.into());
        }
        self.branches.push(Root { holder, record });
    }

    async fn list_pins(
        &mut self,
        shared: &Shared,
        projects: &Projects,
        cutoffs: Cutoffs,
    ) -> Result<()> {
        for (name, stored) in shared.backend.refs.list(records::PINS).await? {
            let VersionedRecord { version, record } = records::decode::<PinRecord>(&name, stored)?;
            let (id, short) = split(&name)?;
            let (project, deleted) = (projects.get(id), projects.gone(id));
            if project.is_none() && (deleted.is_some() || record.created <= cutoffs.orphans) {
                self.expired.push(Expired { name, version, backup: None, deleted });
                continue;
            }
            let Some(state) = &record.state else { continue };
            let project = project.map_or(id, |project| project.name().as_str());
            let holder = Holder { kind: HolderKind::Pin, name: format!("{project}/{short}") };
            self.heads.insert(state.into(), state.into());
            self.points.push((state.into(), holder));
        }
        Ok(())
    }

    async fn list_plans(
        &mut self,
        shared: &Shared,
        projects: &Projects,
        cutoffs: Cutoffs,
    ) -> Result<()> {
        for (name, stored) in shared.backend.refs.list(records::PLANS).await? {
            let VersionedRecord { version, record } = records::decode::<HeldByPlan>(&name, stored)?;
            let (id, short) = split(&name)?;
            let (project, deleted) = (projects.get(id), projects.gone(id));
            let time = record.closed.or(record.created);
            let is_old = |cutoff| time.is_some_and(|time| time <= cutoff);
            let expired = match project {
                Some(_) => !record.open && is_old(cutoffs.retention),
                None => deleted.is_some() || is_old(cutoffs.orphans),
            };
            if expired {
                self.expired.push(Expired { name, version, backup: None, deleted });
                continue;
            }
            if record.open {
                let project = project.map_or(id, |project| project.name().as_str());
                let holder = Holder { kind: HolderKind::Plan, name: format!("{project}/{short}") };
                let points = record.points.into_iter().map(Point::from);
                self.points.extend(points.map(|point| (point, holder.clone())));
            }
        }
        Ok(())
    }

    async fn list_holds(&mut self, shared: &Shared, cutoffs: Cutoffs) -> Result<()> {
        for (name, stored) in shared.backend.refs.list(records::HOLDS).await? {
            let VersionedRecord { version, record } = records::decode::<HoldRecord>(&name, stored)?;
            if record.at <= cutoffs.holds {
                self.expired.push(Expired { name, version, backup: None, deleted: None });
                continue;
            }
            let holder = Holder { kind: HolderKind::Open, name };
            let points = record.points.into_iter().map(Point::from);
            self.points.extend(points.map(|point| (point, holder.clone())));
        }
        Ok(())
    }
}

/// The timelines of the log, and their collected states.
pub(super) struct Graph {
    pub(super) states: HashMap<TimelineId, TimelineState>,
    pub(super) kept: HashMap<TimelineId, VersionedRecord<KeptRecord>>,
    /// Listed timelines without a state: leftovers of interrupted removals.
    pub(super) remains: Vec<TimelineId>,
}

impl Graph {
    /// Reads the graph. It must be read before the roots are listed: then a timeline in it without
    /// a branch was left by its branch.
    pub(super) async fn read(shared: &Shared) -> Result<Self> {
        let wal = &*shared.backend.wal;
        let mut found = stream::iter(wal.timelines().await?)
            .map(|timeline| async move { Ok::<_, Error>((timeline, wal.state(timeline).await?)) })
            .buffer_unordered(AT_ONCE);
        let (mut states, mut remains) = (HashMap::new(), Vec::new());
        while let Some((timeline, state)) = found.try_next().await? {
            match state {
                Some(state) => drop(states.insert(timeline, state)),
                None => remains.push(timeline),
            }
        }
        let mut kept = HashMap::new();
        for (name, stored) in shared.backend.refs.list(records::KEPT).await? {
            let timeline = name.trim_start_matches(records::KEPT).parse::<TimelineId>();
            let timeline = timeline.map_err(|_| misnamed(&name))?;
            kept.insert(timeline, records::decode(&name, stored)?);
        }
        Ok(Self { states, kept, remains })
    }

    /// The state on which a timeline builds.
    pub(super) fn base(&self, timeline: TimelineId) -> Option<Point> {
        self.states.get(&timeline)?.timeline.base
    }

    pub(super) fn base_lsn(&self, timeline: TimelineId) -> Lsn {
        self.base(timeline).map_or(Lsn::ZERO, |base| base.lsn)
    }
}

/// Splits the name of a project's ref into the project's identifier and the rest.
fn split(name: &str) -> Result<(&str, &str)> {
    let (_, rest) = name.split_once('/').ok_or_else(|| misnamed(name))?;
    rest.split_once('/').ok_or_else(|| misnamed(name))
}

pub(super) fn misnamed(name: &str) -> Error {
    Error::corrupt(format!("malformed name of a ref: '{name}'"))
}

/// The time since which a backup exists: its last movement, or the time in its name.
fn since(name: &BranchName, record: &BranchRecord) -> DateTime {
    if let Some(movement) = record.moves.last() {
        return movement.at;
    }
    let time = name.as_str().rsplit('/').next().and_then(time_in_name);
    time.unwrap_or(record.created)
}

/// Parses the time of `20261122T210400.123Z`, also followed by `-2`.
fn time_in_name(name: &str) -> Option<DateTime> {
    let time = name.split('-').next()?;
    let (date, clock) = time.split_once('T')?;
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    let (hour, minute, rest) = (clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?);
    parse_time(&format!("{year}-{month}-{day}T{hour}:{minute}:{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_the_name_of_a_backup_is_found() {
        let time = DateTime::parse_rfc3339_str("2026-11-22T21:04:00.123Z").unwrap();
        for name in ["20261122T210400.123Z", "20261122T210400.123Z-2"] {
            assert_eq!(time_in_name(name), Some(time), "{name}");
        }
        assert_eq!(time_in_name("20261122T210400Z").map(|t| t.timestamp_millis() % 1000), Some(0));
        for name in ["", "main", "2026T21", "20261322T210400Z"] {
            assert_eq!(time_in_name(name), None, "{name}");
        }
    }
}
