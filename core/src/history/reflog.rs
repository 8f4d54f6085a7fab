//! The history of a branch's position: its movements, and the commits between them, newest first.
//!
//! | entry | meaning |
//! | --- | --- |
//! | a movement | a creation, reset, rename, deletion …, from the branch's record |
//! | a commit with an origin | an import, a merge, an undo, a cherry-pick, a patch |
//! | a run of plain writes | all commits between two of these |
//!
//! Entry 0 led to the present, entry n to the position before the n entries after it; so `main@{n}`
//! is the state to which entry n led. Because movements are found in backups too, the reflog of a
//! deleted branch can be read.

use std::collections::VecDeque;

use bson::DateTime;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::model::{BranchName, Commit, CommitMeta, Lsn, Message, Origin, Point, Touched};
use crate::storage::{Direction, HeaderStream};
use crate::store::records::{BranchRecord, MOST_MOVES, MoveRecord};
use crate::store::{Project, State};
use crate::{DetailKey, Error, Hint, Result};

/// A position of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchPosition {
    /// The branch did not exist.
    Nowhere,
    /// The branch had no commits.
    Empty,
    /// The branch was at this point.
    At(Point),
}

/// The cause of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A movement, with its reason.
    Moved(String),
    /// Plain writes: the number of commits, and the message of the last.
    Writes(u64, Message),
    /// A commit with an origin.
    Commit(Origin, Message),
}

/// A change of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number, from 0 for the newest.
    pub number: u64,
    /// The time.
    pub at: DateTime,
    /// The actor.
    pub actor: String,
    /// The position before.
    pub from: BranchPosition,
    /// The position after.
    pub to: BranchPosition,
    /// The cause.
    pub cause: Cause,
}

/// A line of a reflog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A change of the branch.
    Entry(Entry),
    /// The last line, if earlier entries are unknown, with the reason.
    End(String),
}

/// The lines of a reflog, newest first.
pub type Lines = BoxStream<'static, Result<Line>>;

/// Reads the reflog of a branch, or of a deleted one. Memory is bounded, and entries are read
/// lazily.
///
/// # Errors
/// `NotFound` if neither the branch nor a backup of it exists.
pub async fn read(project: &Project, name: &BranchName) -> Result<Lines> {
    let walk = ReflogWalk::of(project, name).await?;
    Ok(stream::try_unfold(walk, |mut walk| async move {
        Ok(walk.next().await?.map(|line| (line, walk)))
    })
    .boxed())
}

/// Returns the state to which an entry of a reflog led.
///
/// # Errors
/// `NotFound` if the entry does not exist, or the branch did not exist then.
pub async fn state(project: &Project, name: &BranchName, number: u64) -> Result<State> {
    let mut lines = read(project, name).await?;
    let mut entries = 0;
    while let Some(line) = lines.try_next().await? {
        match line {
            Line::Entry(entry) if entry.number < number => entries = entry.number + 1,
            Line::Entry(entry) => return state_of(project, name, entry.to, number).await,
            Line::End(why) => {
                return Err(Error::not_found(format!("{name}@{{{number}}} does not exist: {why}")));
            }
        }
    }
    Err(Error::not_found(format!(
        "{name}@{{{number}}} does not exist: the reflog has {entries} entries"
    )))
}

async fn state_of(
    project: &Project,
    name: &BranchName,
    place: BranchPosition,
    number: u64,
) -> Result<State> {
    let point = match place {
        BranchPosition::Empty => None,
        BranchPosition::At(point) => Some(point),
        BranchPosition::Nowhere => {
            return Err(Error::not_found(format!(
                "branch '{name}' did not exist at {name}@{{{number}}}"
            ))
            .with_detail(DetailKey::Branch, name.as_str())
            .with_hint(Hint::ShowReflog { branch: name.to_string() }));
        }
    };
    let state = project.state_of(point).await?;
    let record = match project.find(name).await? {
        Some(stored) => Some(stored.record),
        None => newest_backup(project, name).await?,
    };
    match record.and_then(|record| record.mask) {
        // The extent of the originals at that time is unknown, so all of it counts as originals.
        Some(mask) => state.through(&mask).await,
        None => Ok(state),
    }
}

/// A part of a branch's history.
enum Part {
    Moved(MoveRecord, BranchPosition, BranchPosition),
    /// Commits of one timeline above an LSN.
    Commits {
        above: BranchPosition,
        upto: Point,
    },
    End(String),
}

/// Walks back through the history of a branch.
struct ReflogWalk {
    project: Project,
    parts: VecDeque<Part>,
    commits: Option<Run>,
    number: u64,
}

/// Commits that are being read, newest first.
struct Run {
    headers: HeaderStream,
    /// A commit that was read but does not belong to the previous entry.
    ahead: Option<Commit<Touched>>,
    timeline: crate::model::TimelineId,
    above: BranchPosition,
    /// Whether commits above `above` were collected.
    cut: bool,
}

impl ReflogWalk {
    async fn of(project: &Project, name: &BranchName) -> Result<Self> {
        let parts = match project.find(name).await? {
            Some(stored) => {
                let record = stored.record;
                let head = project.head_of(&record).await?;
                let moves = older_too(project, record.moves.clone()).await?;
                let present = place(record.point_at(head.lsn));
                parts(moves, present, place(record.point_at(record.base_head().lsn)))
            }
            None => {
                let Some(record) = newest_backup(project, name).await? else {
                    return Err(project.neither_branch_nor_pin(name).await);
                };
                let moves = older_too(project, record.moves).await?;
                let mut parts = parts(moves, BranchPosition::Nowhere, BranchPosition::Nowhere);
                // The backup's note says why the branch was removed.
                if let Some(Part::Moved(_, _, to)) = parts.front_mut() {
                    *to = BranchPosition::Nowhere;
                }
                parts
            }
        };
        Ok(Self { project: project.clone(), parts, commits: None, number: 0 })
    }

    async fn next(&mut self) -> Result<Option<Line>> {
        loop {
            if let Some(run) = &mut self.commits {
                if let Some(entry) = run.next(self.number).await? {
                    self.number += 1;
                    return Ok(Some(Line::Entry(entry)));
                }
                if run.cut {
                    self.parts.clear();
                    self.parts.push_back(Part::End("older commits were collected".to_owned()));
                }
                self.commits = None;
            }
            match self.parts.pop_front() {
                None => return Ok(None),
                Some(Part::End(why)) => return Ok(Some(Line::End(why))),
                Some(Part::Commits { above, upto }) => {
                    self.commits = Some(Run::of(&self.project, above, upto).await?);
                }
                Some(Part::Moved(record, from, to)) => {
                    let number = self.number;
                    self.number += 1;
                    let MoveRecord { at, actor, why, .. } = record;
                    let entry = Entry { number, at, actor, from, to, cause: Cause::Moved(why) };
                    return Ok(Some(Line::Entry(entry)));
                }
            }
        }
    }
}

/// Returns the parts of a history, newest first; `base` is the initial position if no movement has
/// it.
fn parts(moves: Vec<MoveRecord>, present: BranchPosition, base: BranchPosition) -> VecDeque<Part> {
    let mut parts = VecDeque::new();
    let mut later = present;
    let known = moves.first().is_some_and(is_first);
    for record in moves.into_iter().rev() {
        let to = place(record.to.map(Point::from));
        parts.extend(commits(to, later));
        let from = match record.from {
            None if is_first(&record) => BranchPosition::Nowhere,
            from => place(from.map(Point::from)),
        };
        later = from;
        parts.push_back(Part::Moved(record, from, to));
    }
    if parts.is_empty() {
        parts.extend(commits(base, later));
    }
    if !known {
        parts.push_back(Part::End("earlier movements were not recorded".to_owned()));
    }
    parts
}

/// Returns whether a movement created the branch.
fn is_first(record: &MoveRecord) -> bool {
    record.from.is_none() && record.why.starts_with("created")
}

fn commits(above: BranchPosition, upto: BranchPosition) -> Option<Part> {
    match upto {
        BranchPosition::At(upto) if BranchPosition::At(upto) != above => {
            Some(Part::Commits { above, upto })
        }
        _ => None,
    }
}

fn place(point: Option<Point>) -> BranchPosition {
    point.map_or(BranchPosition::Empty, BranchPosition::At)
}

impl Run {
    async fn of(project: &Project, above: BranchPosition, upto: Point) -> Result<Self> {
        let wal = &project.shared.backend.wal;
        let low = match above {
            BranchPosition::At(point) => point.lsn,
            BranchPosition::Empty | BranchPosition::Nowhere => Lsn::ZERO,
        };
        let floor = wal.state(upto.timeline).await?.map_or(upto.lsn, |state| state.floor);
        let range = low.max(floor).next()..=upto.lsn;
        let headers = if range.is_empty() {
            stream::empty().boxed()
        } else {
            wal.read_headers(upto.timeline, range, Direction::Descending).fuse().boxed()
        };
        let cut = floor > low;
        Ok(Self { headers, ahead: None, timeline: upto.timeline, above, cut })
    }

    async fn header(&mut self) -> Result<Option<Commit<Touched>>> {
        match self.ahead.take() {
            Some(commit) => Ok(Some(commit)),
            None => self.headers.try_next().await,
        }
    }

    /// Returns the next entry: a commit with an origin, or all plain writes up to one.
    async fn next(&mut self, number: u64) -> Result<Option<Entry>> {
        let Some(newest) = self.header().await? else { return Ok(None) };
        let CommitMeta { lsn, time, actor, message, origin, .. } = newest.meta;
        let mut count = 1;
        if origin == Origin::Write {
            while let Some(commit) = self.header().await? {
                if commit.meta.origin != Origin::Write {
                    self.ahead = Some(commit);
                    break;
                }
                count += 1;
            }
        }
        let below = Point { timeline: self.timeline, lsn: lsn.back(count).unwrap_or_default() };
        let first = match self.above {
            BranchPosition::At(above) => above.lsn,
            BranchPosition::Empty | BranchPosition::Nowhere => Lsn::ZERO,
        };
        let from = if below.lsn > first { BranchPosition::At(below) } else { self.above };
        let cause = match origin {
            Origin::Write => Cause::Writes(count, message),
            origin => Cause::Commit(origin, message),
        };
        let to = BranchPosition::At(Point { timeline: self.timeline, lsn });
        Ok(Some(Entry { number, at: time, actor: actor.to_string(), from, to, cause }))
    }
}

/// Prepends earlier movements, which only backups have if there were many.
async fn older_too(project: &Project, mut moves: Vec<MoveRecord>) -> Result<Vec<MoveRecord>> {
    if moves.len() < MOST_MOVES || moves.first().is_some_and(is_first) {
        return Ok(moves);
    }
    let backups = backups(project).await?;
    // A backup continues the list if it has the oldest movement and others before it.
    while let Some(oldest) = moves.first().cloned() {
        let older = backups.iter().find_map(|(_, backup)| {
            let at = backup.moves.iter().position(|record| *record == oldest)?;
            (at > 0).then(|| backup.moves[..at].to_vec())
        });
        let Some(mut older) = older else { break };
        older.append(&mut moves);
        moves = older;
    }
    Ok(moves)
}

async fn backups(project: &Project) -> Result<Vec<(BranchName, BranchRecord)>> {
    let records = project.records_under(BranchName::BACKUP).await?;
    Ok(records.into_iter().map(|(name, stored)| (name, stored.record)).collect())
}

/// Returns the last backup of a branch.
async fn newest_backup(project: &Project, name: &BranchName) -> Result<Option<BranchRecord>> {
    let prefix = format!("{}/{name}/", BranchName::BACKUP);
    let of_name = |backup: &BranchName| {
        backup.as_str().strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/'))
    };
    let made = |record: &BranchRecord| record.moves.last().map(|record| record.at);
    let backups = backups(project).await?.into_iter().filter(|(name, _)| of_name(name));
    // Backups of the same millisecond are numbered: the longer name, then the greater one, is the
    // later.
    let newest = backups
        .max_by_key(|(name, record)| (made(record), name.as_str().len(), name.as_str().to_owned()));
    Ok(newest.map(|(_, record)| record))
}
