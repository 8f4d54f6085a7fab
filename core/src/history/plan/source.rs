//! The source of a plan.

use crate::Result;
use crate::model::{Actor, CollectionName, Digest, Lsn, Merged, Origin, Picked, Point, View};
use crate::store::State;

/// The selected changes of a range of commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Changes by this actor; `None` for all.
    pub actor: Option<Actor>,
    /// Changes of these collections; empty for all, including those of collections themselves.
    pub collections: Vec<CollectionName>,
}

impl Selection {
    pub(super) fn takes_actor(&self, actor: &Actor) -> bool {
        self.actor.as_ref().is_none_or(|wanted| wanted == actor)
    }

    /// Returns whether documents of a collection are selected; `None` stands for the catalog.
    pub(super) fn takes_collection(&self, name: Option<&CollectionName>) -> bool {
        self.collections.is_empty() || name.is_some_and(|name| self.collections.contains(name))
    }
}

/// The operation of a plan.
#[derive(Debug, Clone)]
pub enum Source {
    /// Merges another state.
    Merge {
        /// The name of the branch, or the state as the user named it.
        name: String,
        /// The state.
        theirs: State,
        /// The best common ancestors, the latest first.
        bases: Vec<State>,
        /// The commits that the branch's chain gains (see [`Merged::parents`]).
        gained: Vec<Point>,
    },
    /// Reverts changes of the branch's own commits.
    Undo {
        /// The commits after this one,
        above: Lsn,
        /// up to this one.
        upto: Lsn,
        /// The selected changes.
        selection: Selection,
    },
    /// Applies the changes of commits of other branches.
    CherryPick {
        /// The states after these commits, in the order in which they are applied.
        commits: Vec<State>,
    },
}

impl Source {
    /// The origin of the commit of the plan with the id `plan`, which is empty for a plan that was
    /// never saved.
    pub(super) async fn origin(&self, plan: &str) -> Result<Origin> {
        Ok(match self {
            Self::Merge { name, theirs, gained, .. } => Origin::Merge(Merged {
                source: name.clone(),
                plan: plan.to_owned(),
                digest: theirs.last().await?.digest,
                parents: gained.clone(),
            }),
            Self::Undo { above, upto, .. } => {
                Origin::Undo { above: *above, upto: *upto, plan: named(plan) }
            }
            Self::CherryPick { commits } => {
                let mut all = Vec::with_capacity(commits.len());
                for state in commits {
                    all.extend(picked(state).await?);
                }
                Origin::CherryPick { commits: all, plan: named(plan) }
            }
        })
    }

    /// The states that must stay readable so that the plan can be computed.
    pub(super) fn views(&self, ours: &State) -> Vec<View> {
        let mut views = vec![ours.view().clone()];
        match self {
            Self::Merge { theirs, bases, .. } => {
                views.extend(bases.iter().chain([theirs]).map(|state| state.view().clone()));
            }
            Self::Undo { above, upto, .. } => {
                let lsns = above.get()..=upto.get();
                views.extend(lsns.map(|lsn| ours.view().at(Lsn::new(lsn))));
            }
            Self::CherryPick { commits } => views.extend(commits.iter().flat_map(|state| {
                let before = state.lsn().back(1).unwrap_or_default();
                [state.view().clone(), state.view().at(before)]
            })),
        }
        views
    }
}

fn named(plan: &str) -> Option<String> {
    (!plan.is_empty()).then(|| plan.to_owned())
}

async fn picked(state: &State) -> Result<Option<Picked>> {
    let digest: Digest = state.last().await?.digest;
    Ok(state.view().point().map(|commit| Picked { commit, digest }))
}
