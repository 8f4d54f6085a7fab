//! The collection.

use std::collections::HashSet;
use std::sync::Arc;

use crate::Result;
use crate::model::TimelineId;
use crate::model::metrics::Metric;
use crate::storage::{CasResult, Reclaimed, RetainedStates};
use crate::store::{Session, Shared, Store, garbage, records};
use crate::upkeep::gc::deleted::ExpiredProject;
use crate::upkeep::gc::publish::{Decision, TimelineCut};
use crate::upkeep::gc::report::{KeptState, Report, TimelineReport};
use crate::upkeep::gc::roots::{Cutoffs, Expired, Roots};
use crate::upkeep::gc::{Options, sweep};

/// Removes states that are older than the retention period and that nothing retains.
///
/// Reads and writes continue concurrently, here and in other processes; snapshots wait. An
/// interruption anywhere leaves every retained state intact, and the next collection completes the
/// work. Reads the headers of all commits once, and the versions of the timelines that lose states,
/// in bounded memory.
///
/// A dry run changes nothing, and its report has the counts of a collection at this time.
///
/// # Errors
/// `Unsupported` on a backend that can't collect; `Conflict` if states to remove keep being opened;
/// the errors of the store.
#[tracing::instrument(level = "info", skip_all, name = "gc")]
pub async fn collect(store: &Store, options: &Options) -> Result<Report> {
    store.shared.environment.timed(Metric::Gc, carry_out(store, options)).await
}

async fn carry_out(store: &Store, options: &Options) -> Result<Report> {
    let shared = &store.shared;
    let _one = shared.collecting.lock().await;
    let _no_snapshots = shared.snapshots.write().await;
    shared.look_at_clocks().await?;
    let cutoffs = Cutoffs::new(shared.environment.earliest(), options.retention);
    let mut report = Report {
        cutoff: cutoffs.retention,
        freed: Reclaimed::default(),
        refs: Vec::new(),
        snapshots: 0,
        timelines: Vec::new(),
    };
    if options.dry_run {
        let decision = Decision::new(shared, cutoffs).await?;
        let Roots { gone, expired, .. } = &decision.roots;
        let gone = gone.iter().map(|gone| gone.name.clone());
        report.refs = gone.chain(expired.iter().map(|expired| expired.name.clone())).collect();
        would_remove(shared, &decision, &mut report).await?;
        return Ok(report);
    }
    report.refs = remove_refs(shared, cutoffs).await?;
    let mut decision = Decision::new(shared, cutoffs).await?;
    // Before they are needed, so that every reader from now on finds them.
    sweep::make(shared, &decision).await?;
    decision.publish(shared).await?;
    // Again, for states that were added while the records were written.
    sweep::make(shared, &decision).await?;
    remove(shared, &decision, &mut report).await?;
    forget_dropped(shared, &decision, &mut report).await?;
    garbage::add(&*shared.backend.refs, &report.freed, shared.environment.now()).await?;
    Ok(report)
}

/// Removes expired refs; returns the names of those that were not changed concurrently.
async fn remove_refs(shared: &Arc<Session>, cutoffs: Cutoffs) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    let Roots { gone, expired, .. } = Roots::list(shared, cutoffs).await?;
    let mut given_up = HashSet::new();
    for ExpiredProject { project, name, version } in gone {
        match shared.backend.refs.compare_and_set(&name, Some(&version), None).await? {
            CasResult::Done(_) => {
                given_up.insert(project);
                removed.push(name);
            }
            // Another process restores it.
            CasResult::Moved(_) => {}
        }
    }
    for Expired { name, version, backup, deleted } in expired {
        if let Some(project) = deleted.filter(|project| !given_up.contains(project))
            && shared.backend.refs.get(&format!("{}{project}", records::DELETED)).await?.is_some()
        {
            continue;
        }
        let done = match backup {
            Some((project, backup, stored)) => {
                let _moving = shared.moving.lock().await;
                match project.remove(&backup, &stored).await {
                    Ok(()) => true,
                    Err(error) if error.kind() == crate::ErrorKind::Conflict => false,
                    Err(error) => return Err(error),
                }
            }
            None => {
                let refs = &shared.backend.refs;
                let swap = refs.compare_and_set(&name, Some(&version), None).await?;
                matches!(swap, CasResult::Done(_))
            }
        };
        if done {
            removed.push(name);
        }
    }
    Ok(removed)
}

/// Removes the collected data: first the snapshots of dropped timelines, so that none is left
/// without its timeline, then versions and commits. A timeline with damaged snapshots is kept.
async fn remove(shared: &Shared, decision: &Decision, report: &mut Report) -> Result<()> {
    let wal = &shared.backend.wal;
    let dropped = dropped(decision);
    let (snapshots, freed) = sweep::remove(shared, decision, &dropped).await?;
    report.snapshots = snapshots;
    report.freed += freed;
    let broken = sweep::repair(shared, decision).await?;
    for (timeline, cut) in &decision.cuts {
        if decision.plan.frozen.contains(timeline) {
            continue;
        }
        if broken.contains(timeline) {
            continue;
        }
        let drops = dropped.contains(timeline);
        let freed = if drops {
            wal.drop_timeline(*timeline).await?
        } else {
            wal.prune(*timeline, &cut.keep).await?
        };
        // A backend may leave the rest to the next collection.
        let is_gone = drops && wal.state(*timeline).await?.is_none();
        report.freed += freed;
        report.timelines.push(timeline_report(decision, *timeline, cut, is_gone, freed));
    }
    for timeline in &decision.graph.remains {
        report.freed += wal.drop_timeline(*timeline).await?;
    }
    Ok(())
}

/// The counts that [`remove`] would report.
async fn would_remove(shared: &Shared, decision: &Decision, report: &mut Report) -> Result<()> {
    let wal = &shared.backend.wal;
    let dropped = dropped(decision);
    let (snapshots, freed) = sweep::would_remove(shared, decision, &dropped).await?;
    report.snapshots = snapshots;
    report.freed += freed;
    let broken = sweep::unrepairable(shared, decision).await?;
    for (timeline, cut) in &decision.cuts {
        if decision.plan.frozen.contains(timeline) || broken.contains(timeline) {
            continue;
        }
        let freed = if dropped.contains(timeline) {
            wal.droppable(*timeline).await?
        } else {
            Some(wal.prunable(*timeline, &cut.keep).await?)
        };
        let is_gone = dropped.contains(timeline) && freed.is_some();
        let freed = freed.unwrap_or_default();
        report.freed += freed;
        report.timelines.push(timeline_report(decision, *timeline, cut, is_gone, freed));
    }
    for timeline in &decision.graph.remains {
        report.freed += wal.droppable(*timeline).await?.unwrap_or_default();
    }
    Ok(())
}

/// The timelines of which nothing is retained.
fn dropped(decision: &Decision) -> HashSet<TimelineId> {
    let plan = &decision.plan;
    let goes = |timeline: &TimelineId, cut: &TimelineCut| {
        cut.keep.is_empty() && !plan.frozen.contains(timeline) && plan.keep(*timeline).is_empty()
    };
    let cuts = decision.cuts.iter().filter(|(timeline, cut)| goes(timeline, cut));
    cuts.map(|(timeline, _)| *timeline).collect()
}

fn timeline_report(
    decision: &Decision,
    timeline: TimelineId,
    cut: &TimelineCut,
    dropped: bool,
    freed: Reclaimed,
) -> TimelineReport {
    let plan = &decision.plan;
    let RetainedStates { from, points } = &cut.keep;
    let holders = |lsn| plan.holders.get(&(timeline, Some(lsn))).cloned().unwrap_or_default();
    TimelineReport {
        timeline,
        branches: plan.branches.get(&timeline).cloned().unwrap_or_default(),
        dropped,
        from: *from,
        points: points.iter().map(|lsn| KeptState { lsn: *lsn, holders: holders(*lsn) }).collect(),
        freed,
    }
}

/// Removes the records of dropped timelines. An existing timeline needs its record: without it, all
/// of its states would count as retained.
async fn forget_dropped(shared: &Shared, decision: &Decision, report: &mut Report) -> Result<()> {
    let dropped: HashSet<TimelineId> = report
        .timelines
        .iter()
        .filter(|timeline| timeline.dropped)
        .map(|timeline| timeline.timeline)
        .collect();
    let is_gone = |timeline: &TimelineId| {
        dropped.contains(timeline)
            || !decision.graph.states.contains_key(timeline)
                && decision.plan.keep(*timeline).is_empty()
    };
    let refs = &shared.backend.refs;
    for (name, stored) in refs.list(records::KEPT).await? {
        let timeline = name.trim_start_matches(records::KEPT).parse::<TimelineId>();
        let Ok(timeline) = timeline else { continue };
        if is_gone(&timeline) && shared.backend.wal.state(timeline).await?.is_none() {
            refs.compare_and_set(&name, Some(&stored.version), None).await?;
        }
    }
    Ok(())
}
