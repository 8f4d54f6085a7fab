//! Follows values from the commits that brought them to those that wrote them.

use std::collections::{BTreeMap, HashMap};

use super::chain::explained;
use super::{At, BlamedField, Brought, Leaf, Since, ValueOrigin, gather};
use crate::document::Path;
use crate::document::key::Key;
use crate::document::value::Value;
use crate::log::walk;
use crate::model::{CollectionId, CommitMeta, Lsn, Origin, Point};
use crate::store::State;
use crate::{Error, Result};

/// The document. A collection has the same number in all states that can be merged.
#[derive(Clone, Copy)]
pub(super) struct BlamedDocument<'a> {
    pub(super) collection: CollectionId,
    pub(super) key: &'a Key,
}

/// The search from a document's values back to the commits that wrote them.
pub(super) struct Search<'a> {
    place: BlamedDocument<'a>,
    /// Whether to continue in the source states of a commit.
    through: bool,
    commits: HashMap<Point, Box<CommitMeta>>,
}

/// Values that a document of a state has, and the commits that brought them from there.
struct Task<'v> {
    state: State,
    leaves: Vec<Leaf<'v>>,
    brought_by: Vec<Point>,
}

impl<'a> Search<'a> {
    pub(super) fn new(place: BlamedDocument<'a>, through: bool) -> Self {
        Self { place, through, commits: HashMap::new() }
    }

    /// Finds the commits of these values, which a document of the state has.
    pub(super) async fn run<'v>(
        &mut self,
        state: &State,
        leaves: Vec<Leaf<'v>>,
    ) -> Result<Vec<Leaf<'v>>> {
        let mut done = Vec::with_capacity(leaves.len());
        let mut tasks = vec![Task { state: state.clone(), leaves, brought_by: Vec::new() }];
        while let Some(task) = tasks.pop() {
            self.step(task, &mut tasks, &mut done).await?;
        }
        done.sort_by_key(|leaf| leaf.nth);
        Ok(done)
    }

    async fn step<'v>(
        &mut self,
        task: Task<'v>,
        tasks: &mut Vec<Task<'v>>,
        done: &mut Vec<Leaf<'v>>,
    ) -> Result<()> {
        let Task { state, leaves, brought_by } = task;
        let found = explained(&state, &self.place, &leaves).await?;
        let mut groups: BTreeMap<At, Vec<Leaf<'v>>> = BTreeMap::new();
        for (leaf, at) in leaves.into_iter().zip(found) {
            groups.entry(at).or_default().push(leaf);
        }
        for (at, mut leaves) in groups {
            let (At::Commit(lsn) | At::AtOrBefore(lsn)) = at;
            let point = state.view().at(lsn).point();
            if let (At::Commit(_), Some(point)) = (at, point) {
                let meta = self.commit(&state, point).await?;
                if self.through && !brought_by.contains(&point) {
                    let by = [brought_by.as_slice(), &[point]].concat();
                    leaves = self.go_on(&state, &meta.origin, leaves, &by, tasks).await?;
                }
            }
            let found = ValueOrigin { at, point, brought_by: brought_by.clone() };
            done.extend(leaves.into_iter().map(|leaf| Leaf { since: Some(found.clone()), ..leaf }));
        }
        Ok(())
    }

    /// Searches values in the source states of a commit; returns those that no source has.
    async fn go_on<'v>(
        &self,
        state: &State,
        origin: &Origin,
        mut leaves: Vec<Leaf<'v>>,
        brought_by: &[Point],
        tasks: &mut Vec<Task<'v>>,
    ) -> Result<Vec<Leaf<'v>>> {
        for source in sources(state, origin) {
            if leaves.is_empty() {
                break;
            }
            let Some(source) = source.state(state).await? else { continue };
            let (here, rest) = self.split(&source, leaves).await?;
            leaves = rest;
            if !here.is_empty() {
                let brought_by = brought_by.to_vec();
                tasks.push(Task { state: source, leaves: here, brought_by });
            }
        }
        Ok(leaves)
    }

    /// Splits values into those that a state has at the same places, and the others.
    async fn split<'v>(
        &self,
        state: &State,
        leaves: Vec<Leaf<'v>>,
    ) -> Result<(Vec<Leaf<'v>>, Vec<Leaf<'v>>)> {
        let BlamedDocument { collection, key } = self.place;
        let Some(version) = state.materialize().get(state.view(), collection, key).await? else {
            return Ok((Vec::new(), leaves));
        };
        let mut there = Vec::new();
        gather(&mut Vec::new(), Value::of(version.document.as_raw()), &mut there)?;
        let there: HashMap<&[String], Value<'_>> =
            there.iter().map(|leaf| (leaf.keys.as_slice(), leaf.value)).collect();
        let is_there = |leaf: &Leaf<'v>| there.get(leaf.keys.as_slice()) == Some(&leaf.value);
        Ok(leaves.into_iter().partition(is_there))
    }

    async fn commit(&mut self, state: &State, point: Point) -> Result<Box<CommitMeta>> {
        if let Some(known) = self.commits.get(&point) {
            return Ok(known.clone());
        }
        let wal = &*state.shared().backend.wal;
        let meta = Box::new(walk::header(wal, state.view(), point.lsn).await?.meta);
        self.commits.insert(point, meta.clone());
        Ok(meta)
    }

    /// Builds the result for a value with its commit, which was read on the way.
    pub(super) fn field(&self, leaf: Leaf<'_>) -> Result<BlamedField> {
        let unexplained = || Error::internal("a field was not traced to a commit");
        let ValueOrigin { at, point, brought_by } = leaf.since.ok_or_else(unexplained)?;
        let meta = |point: &Point| self.commits.get(point).cloned().ok_or_else(unexplained);
        let since = match (at, point) {
            (At::Commit(_), Some(point)) => Since::Commit(meta(&point)?),
            (At::Commit(lsn) | At::AtOrBefore(lsn), _) => Since::AtOrBefore(lsn),
        };
        let brought = |at: Point| Ok(Brought { at, meta: meta(&at)? });
        Ok(BlamedField {
            path: Path::new(leaf.keys),
            value: leaf.value.to_raw_bson()?,
            since,
            written_at: point,
            brought_by: brought_by.into_iter().map(brought).collect::<Result<_>>()?,
        })
    }
}

/// A state from which a commit took values.
enum SourceState {
    /// An earlier state of the same chain.
    Earlier(Lsn),
    /// A state of another timeline.
    At(Point),
}

/// Returns the source states of a commit, the last merged first.
fn sources(state: &State, origin: &Origin) -> Vec<SourceState> {
    match origin {
        Origin::Merge(merged) => {
            merged.parents.first().map(|point| SourceState::At(*point)).into_iter().collect()
        }
        Origin::Undo { above, .. } if *above <= state.lsn() => vec![SourceState::Earlier(*above)],
        Origin::CherryPick { commits, .. } => {
            commits.iter().rev().map(|picked| SourceState::At(picked.commit)).collect()
        }
        Origin::PatchOf { state, .. } => vec![SourceState::At(state.commit)],
        Origin::Write | Origin::Import { .. } | Origin::Patch { .. } | Origin::Undo { .. } => {
            Vec::new()
        }
    }
}

impl SourceState {
    /// Returns the state, if the store has it and it was not collected.
    async fn state(self, near: &State) -> Result<Option<State>> {
        let point = match self {
            Self::Earlier(lsn) => return near.kept_earlier(lsn).await,
            Self::At(point) => point,
        };
        let shared = near.shared();
        match shared.backend.wal.state(point.timeline).await? {
            Some(found) if found.head.lsn >= point.lsn => {
                let view = shared.timelines.view(found.timeline, point.lsn).await?;
                State::kept(shared.clone(), view, None).await
            }
            _ => Ok(None),
        }
    }
}
