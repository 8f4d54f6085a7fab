//! What a plan does.

use crate::Result;
use crate::model::{Actor, CollectionName, Digest, Lsn, Merged, Origin, Picked, Point, View};
use crate::store::State;

/// Which changes of a range of commits are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those of this actor; `None` for all.
    pub actor: Option<Actor>,
    /// Those of these collections; empty for all, and for what happened to collections themselves.
    pub collections: Vec<CollectionName>,
}

impl Selection {
    pub(super) fn takes_actor(&self, actor: &Actor) -> bool {
        self.actor.as_ref().is_none_or(|wanted| wanted == actor)
    }

    /// Whether the documents of a collection are meant; `None` stands for the catalog.
    pub(super) fn takes_collection(&self, name: Option<&CollectionName>) -> bool {
        self.collections.is_empty() || name.is_some_and(|name| self.collections.contains(name))
    }
}

/// What a plan does to its branch.
#[derive(Debug, Clone)]
pub enum Source {
    /// Brings in another state.
    Merge {
        /// The name of its branch, or the state as the user named it.
        name: String,
        /// The state.
        theirs: State,
        /// The best common ancestors, the latest first.
        bases: Vec<State>,
        /// What the branch's chain gains (see [`Merged::parents`]).
        gained: Vec<Point>,
    },
    /// Takes changes of the branch's own commits back.
    Undo {
        /// The commits after this one,
        above: Lsn,
        /// up to this one.
        upto: Lsn,
        /// Which of their changes.
        selection: Selection,
    },
    /// Does again what commits elsewhere did.
    CherryPick {
        /// The states after these commits, in the order in which they are applied.
        commits: Vec<State>,
    },
}

impl Source {
    /// What the log says of the commit that comes of the plan called `plan`; empty for one that was
    /// never stored.
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

    /// The states that must stay readable for the plan to be worked out.
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
