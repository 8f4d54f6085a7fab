//! The comparisons that the source of a plan requires.

use futures::TryStreamExt;

use crate::history::diff::{TouchedKeys, Touches, touched_between};
use crate::history::plan::base::Base;
use crate::history::plan::source::{Selection, Source};
use crate::log::walk::{self, headers_above};
use crate::model::{Lsn, Touched};
use crate::store::State;
use crate::{Error, Hint, Result};

/// One three-way comparison: the changes from `base` to `theirs` are applied to ours as well.
pub(super) struct MergeStep {
    pub(super) base: Base,
    pub(super) theirs: State,
    /// The affected documents.
    pub(super) keys: TouchedKeys,
    pub(super) scope: Scope,
}

/// The changes of collections themselves in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Apply those of theirs.
    All,
    /// Revert changes, but keep collections with documents of others.
    Undo,
    /// Revert changes of documents, and keep collections unchanged.
    UndoOfDocuments,
}

impl MergeStep {
    /// All changes between the two.
    async fn between(base: Base, theirs: State) -> Result<Self> {
        let mut keys = TouchedKeys::new();
        let mut bases = base.states();
        if bases.is_empty() {
            bases.push(theirs.at(Lsn::ZERO).await?);
        }
        for state in bases {
            for (collection, touched) in touched_between(&state, &theirs, |_| true).await? {
                let keys = keys.entry(collection).or_default();
                for (key, touches) in touched {
                    let known: &mut Touches = keys.entry(key).or_default();
                    known.extend(touches);
                }
            }
        }
        Ok(Self { base, theirs, keys, scope: Scope::All })
    }
}

/// Returns the steps of an operation on `ours`, in order.
pub(super) async fn steps(source: &Source, ours: &State) -> Result<Vec<MergeStep>> {
    match source {
        Source::Merge { theirs, bases, .. } => {
            let base = Base::of(bases.clone()).await?;
            Ok(vec![MergeStep::between(base, theirs.clone()).await?])
        }
        Source::Undo { above, upto, selection } => undo(ours, *above, *upto, selection).await,
        Source::CherryPick { commits } => {
            let mut steps = Vec::with_capacity(commits.len());
            for after in commits {
                let before = before(after).await?;
                steps.push(MergeStep::between(Base::State(before), after.clone()).await?);
            }
            Ok(steps)
        }
    }
}

/// Returns the state before the last commit of a state.
pub(super) async fn before(after: &State) -> Result<State> {
    let lsn = after.lsn().back(1).ok_or_else(|| {
        Error::invalid("the empty state has no commit; name a state after a commit")
    })?;
    after.at(lsn).await
}

/// The selected commits, the newest first. Each run of adjacent commits is one step: from the state
/// after the run to the state before it.
async fn undo(
    ours: &State,
    above: Lsn,
    upto: Lsn,
    selection: &Selection,
) -> Result<Vec<MergeStep>> {
    let after = ours.at(upto).await?;
    let mut runs: Vec<Run> = Vec::new();
    let mut commits = headers_above(ours.shared().backend.wal.clone(), after.view(), above);
    let mut expected = above;
    while let Some(commit) = commits.try_next().await? {
        expected = expected.next();
        if commit.meta.lsn != expected {
            break;
        }
        if !selection.takes_actor(&commit.meta.actor) {
            continue;
        }
        let lsn = commit.meta.lsn;
        match runs.last_mut() {
            Some(run) if run.upto.next() == lsn => run.upto = lsn,
            _ => runs.push(Run {
                above: lsn.back(1).unwrap_or_default(),
                upto: lsn,
                keys: TouchedKeys::new(),
            }),
        }
        if let Some(run) = runs.last_mut() {
            run.take(commit.changes);
        }
    }
    if expected != upto {
        return Err(Error::not_found(format!(
            "commits after LSN {above} up to {upto} were collected, so they can't be reverted one \
             by one"
        ))
        .with_hint(Hint::RestoreState));
    }
    let mut steps = Vec::with_capacity(runs.len());
    for mut run in runs.into_iter().rev() {
        let (base, theirs) = (ours.at(run.upto).await?, ours.at(run.above).await?);
        run.keys.retain(|id, _| {
            let name = [&base, &theirs].into_iter().find_map(|state| state.catalog().by_id(*id));
            selection.takes_collection(name.map(|info| &info.name))
        });
        let whole = selection.collections.is_empty();
        let scope = if whole { Scope::Undo } else { Scope::UndoOfDocuments };
        steps.push(MergeStep { base: Base::State(base), theirs, keys: run.keys, scope });
    }
    Ok(steps)
}

/// A run of adjacent commits.
struct Run {
    above: Lsn,
    upto: Lsn,
    keys: TouchedKeys,
}

impl Run {
    fn take(&mut self, changes: Vec<Touched>) {
        for Touched { collection, key, .. } in changes {
            self.keys.entry(collection).or_default().insert(key, Touches::default());
        }
    }
}

/// Returns the time of the commit at `lsn` of a state.
pub(super) async fn changed_at(state: &State, lsn: Lsn) -> Result<bson::DateTime> {
    Ok(walk::header(&*state.shared().backend.wal, state.view(), lsn).await?.meta.time)
}
