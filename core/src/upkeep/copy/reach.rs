//! Finds the data that the refs of projects reach.

use std::collections::BTreeSet;

use super::{Copied, Plan};
use crate::model::{BranchName, ProjectId, ProjectName, TimelineId};
use crate::storage::{RefName, TimelineState, Wal};
use crate::store::Store;
use crate::store::records::{self, BranchRecord, HeldByPlan, PinRecord, ProjectRecord};
use crate::{DetailKey, Error, ErrorKind, Hint, Result};

/// Timelines that are reached, before their ancestors are known.
#[derive(Clone, Default)]
struct Reached {
    /// Required timelines, because another one builds on them.
    needed: BTreeSet<TimelineId>,
    /// Timelines that may have no commits, or may have been collected.
    possible: BTreeSet<TimelineId>,
}

pub(super) async fn plan(source: &Store, project: Option<&ProjectName>) -> Result<Plan> {
    let names = match project {
        Some(name) => vec![name.clone()],
        None => source.projects().await?.into_iter().map(|project| project.name).collect(),
    };
    let mut reached = Reached::default();
    let mut projects = Vec::with_capacity(names.len());
    for name in names {
        projects.push(copied(source, name, &mut reached).await?);
    }
    let (deleted, left_out) = match project {
        Some(_) => (Vec::new(), Vec::new()),
        None => deleted(source, &mut reached).await?,
    };
    let timelines = with_ancestors(&*source.shared.backend.wal, reached).await?;
    Ok(Plan { source: source.clone(), projects, deleted, left_out, timelines })
}

/// Returns the deleted projects whose history is complete, and the names of the others.
async fn deleted(source: &Store, reached: &mut Reached) -> Result<(Vec<Copied>, Vec<ProjectName>)> {
    let refs = &source.shared.backend.refs;
    let (mut copied, mut left_out) = (Vec::new(), Vec::new());
    for (id, stored) in source.deleted_records().await? {
        let name = ProjectName::new(stored.record.name)?;
        let mut own = Reached::default();
        let mut copies = Vec::new();
        for (copy, stored) in refs.list(&records::copies_of_deleted(id)).await? {
            let Some(original) = records::original_of_deleted(id, &copy) else { continue };
            copies.push((copy, stored.value.clone()));
            own.adopt(id, &original, stored)?;
        }
        match with_ancestors(&*source.shared.backend.wal, own.clone()).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                left_out.push(name);
                continue;
            }
            Err(error) => return Err(error),
        }
        let reference = records::deleted_ref(id);
        // It may have been restored or removed.
        let Some(stored) = refs.get(&reference).await? else { continue };
        reached.needed.extend(own.needed);
        reached.possible.extend(own.possible);
        let record = (reference, stored.value);
        copied.push(Copied { name, record, refs: copies, branches: Vec::new() });
    }
    Ok((copied, left_out))
}

async fn copied(source: &Store, name: ProjectName, reached: &mut Reached) -> Result<Copied> {
    let refs = &source.shared.backend.refs;
    let reference = records::project_ref(&name);
    let stored = refs.get(&reference).await?;
    let Some(stored) = stored else {
        return Err(Error::not_found(format!("unknown project '{name}' in the source")));
    };
    let record = (reference.clone(), stored.value.clone());
    let id = records::decode::<ProjectRecord>(&reference, stored)?.record.id;
    let mut copied = Copied { name, record, refs: Vec::new(), branches: Vec::new() };
    for prefix in [records::pins_of(id), records::plans_of(id), records::branches_of(id)] {
        for (name, stored) in refs.list(&prefix).await? {
            copied.refs.push((name.clone(), stored.value.clone()));
            reached.adopt(id, &name, stored)?;
            if let Some(branch) = name.strip_prefix(&records::branches_of(id)) {
                copied.branches.push(BranchName::new(branch)?);
            }
        }
    }
    Ok(copied)
}

impl Reached {
    fn adopt(
        &mut self,
        project: ProjectId,
        name: &RefName,
        stored: crate::storage::VersionedRef,
    ) -> Result<()> {
        if name.starts_with(&records::branches_of(project)) {
            let record: BranchRecord = records::decode(name, stored)?.record;
            self.possible.insert(record.timeline);
            self.needed.extend(record.base.map(|base| base.timeline));
        } else if name.starts_with(&records::pins_of(project)) {
            let record: PinRecord = records::decode(name, stored)?.record;
            self.needed.extend(record.state.map(|state| state.timeline));
        } else {
            let record: HeldByPlan = records::decode(name, stored)?.record;
            let points = record.points.iter().filter(|_| record.open);
            self.possible.extend(points.map(|point| point.timeline));
        }
        Ok(())
    }
}

/// Returns the timelines, each after those on which it builds.
async fn with_ancestors(wal: &dyn Wal, reached: Reached) -> Result<Vec<TimelineState>> {
    let Reached { needed, possible } = reached;
    let mut seen = BTreeSet::new();
    let mut ordered = Vec::new();
    let needed = needed.into_iter().map(|timeline| (timeline, true));
    for (timeline, is_needed) in needed.chain(possible.into_iter().map(|one| (one, false))) {
        let mut chain = Vec::new();
        let mut next = Some((timeline, is_needed));
        while let Some((timeline, is_needed)) = next {
            if !seen.insert(timeline) {
                break;
            }
            let Some(state) = wal.state(timeline).await? else {
                if is_needed {
                    return Err(Error::corrupt(format!(
                        "timeline {timeline}, which other timelines build on, is missing"
                    )));
                }
                // A later one may require it.
                seen.remove(&timeline);
                break;
            };
            refuse_pruned(&state)?;
            next = state.timeline.base.map(|base| (base.timeline, true));
            chain.push(state);
        }
        ordered.extend(chain.into_iter().rev());
    }
    Ok(ordered)
}

fn refuse_pruned(state: &TimelineState) -> Result<()> {
    if state.floor <= state.timeline.base_lsn() {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "the commits of timeline {} up to LSN {} were collected in the source; a history is copied \
         completely or not at all",
        state.timeline.id, state.floor
    ))
    .with_detail(DetailKey::Timeline, state.timeline.id.to_string())
    .with_detail(DetailKey::Lsn, state.floor.get())
    .with_hint(Hint::ExportState))
}
