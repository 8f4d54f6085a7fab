//! Reading the commits of a timeline, one step of a walk at a time.

use std::ops::{ControlFlow, RangeInclusive};

use argon_core::log::LogWalk;
use argon_core::model::{Change, Commit, Document, Image, Lsn, Touched};
use argon_core::storage::Direction;
use argon_core::{Error, Result};

use crate::ordered::blocking::Step;
use crate::ordered::keys::{self, Short};
use crate::ordered::wal::Log;
use crate::ordered::{record, value};

/// How many bytes of documents end a step early.
pub(super) const STEP_BYTES: usize = 4 * 1024 * 1024;

/// Reads the next commits of a walk. `finish` makes an item of each, and returns whether to end the
/// step after it. Commits that are pruned meanwhile are left out.
pub(super) fn next_commits<T>(
    log: &Log,
    walk: &mut LogWalk,
    mut finish: impl FnMut(Commit<Touched>, Short) -> Result<(T, bool)>,
) -> Result<Step<T>> {
    loop {
        let Some(entry) = log.timelines.entry(walk.timeline())? else {
            return Ok(Step { items: Vec::new(), more: false });
        };
        walk.clip(Some(&entry.state));
        let mut before = walk.clone();
        match try_step(log, walk, entry.short, &mut finish) {
            Ok(items) => return Ok(Step { items, more: !walk.is_done() }),
            Err(error) => {
                let entry = log.timelines.entry(walk.timeline())?;
                if !before.clip(entry.map(|entry| entry.state).as_ref()) {
                    return Err(error);
                }
                *walk = before;
            }
        }
    }
}

fn try_step<T>(
    log: &Log,
    walk: &mut LogWalk,
    timeline: Short,
    finish: &mut impl FnMut(Commit<Touched>, Short) -> Result<(T, bool)>,
) -> Result<Vec<T>> {
    let Some(range) = walk.next_step() else { return Ok(Vec::new()) };
    let rows = commit_rows(log, timeline, &range, walk.direction())?;
    if rows.is_empty() {
        walk.pass(None)?;
    }
    let mut items = Vec::with_capacity(rows.len());
    for (lsn, stored) in rows {
        walk.pass(Some(lsn))?;
        let bytes = value::payload(log.rows.engine(), &keys::commit(timeline, lsn), &stored)?;
        let commit = record::decode_commit(&bytes, &log.collections).map_err(|source| {
            Error::corrupt(format!("commit {lsn} can't be read")).with_source(source)
        })?;
        let (item, enough) = finish(commit, timeline)?;
        items.push(item);
        if enough {
            break;
        }
    }
    Ok(items)
}

/// The stored commits of a range, or the first of them if they are large.
fn commit_rows(
    log: &Log,
    timeline: Short,
    range: &RangeInclusive<Lsn>,
    direction: Direction,
) -> Result<Vec<(Lsn, Vec<u8>)>> {
    let from = keys::commit(timeline, *range.start());
    let to = keys::commit(timeline, range.end().next());
    let mut rows = Vec::new();
    let mut bytes = 0;
    log.rows.engine().visit(&from, &to, direction.into(), &mut |key, value| {
        let lsn = keys::split_commit(key).map_or(Lsn::ZERO, |(_, lsn)| lsn);
        rows.push((lsn, value.to_vec()));
        bytes += value::size(value);
        if bytes < STEP_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(rows)
}

/// Adds its documents to a commit.
pub(super) fn with_documents(
    log: &Log,
    commit: Commit<Touched>,
    timeline: Short,
) -> Result<Commit> {
    let lsn = commit.meta.lsn;
    let changes = commit
        .changes
        .into_iter()
        .map(|touched| change(log, timeline, lsn, touched))
        .collect::<Result<Vec<_>>>()?;
    Ok(Commit { meta: commit.meta, digest: commit.digest, changes })
}

fn change(log: &Log, timeline: Short, lsn: Lsn, touched: Touched) -> Result<Change> {
    let Touched { collection, key, deleted } = touched;
    let missing =
        || Error::corrupt(format!("commit {lsn} lacks its image of the document with _id {key}"));
    let short = log.collections.find(collection).ok_or_else(missing)?;
    let stored = keys::version(&keys::versions(timeline, short), key.as_bytes(), lsn);
    let image = match log.rows.engine().get(&stored)? {
        None => return Err(missing()),
        Some(value) if deleted != value.is_empty() => return Err(missing()),
        Some(_) if deleted => Image::Deleted,
        Some(value) => Image::Document(Document::from_stored(value::payload(
            log.rows.engine(),
            &stored,
            &value,
        )?)?),
    };
    Ok(Change { collection, key, image })
}
