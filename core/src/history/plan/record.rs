//! The record of a saved plan: its states, rules and decisions.

use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::history::ancestry::readable;
use crate::history::plan::decisions::DecisionRecord;
use crate::history::plan::{Decisions, Rules, Selection, Source};
use crate::model::{Actor, CollectionName, Lsn, Point};
use crate::store::State;
use crate::store::records::{BaseRecord, PointRecord};
use crate::{Error, Result};

/// The content of the ref `plan/<project id>/<plan id>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlanRecord {
    /// The target branch, and its state for which the plan was computed.
    pub(super) branch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ours: Option<BaseRecord>,
    pub(super) source: SourceRecord,
    pub(super) rules: Rules,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) resolved: Vec<DecisionRecord>,
    pub(super) actor: String,
    pub(super) created: DateTime,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
    /// Whether the plan can still be applied. If so, garbage collection retains `points`.
    pub(super) open: bool,
    pub(super) points: Vec<PointRecord>,
    /// The LSN of the commit, once applied; a closed plan without it was aborted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) applied: Option<i64>,
    /// Whether the plan was closed because there was nothing to commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) nothing: bool,
    /// The time at which the plan was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) closed: Option<DateTime>,
}

/// A [`Source`] with its states as points.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SourceRecord {
    Merge { name: String, theirs: PointRecord, bases: Vec<PointRecord>, gained: Vec<PointRecord> },
    Undo { above: i64, upto: i64, actor: Option<String>, collections: Vec<CollectionName> },
    CherryPick { commits: Vec<PointRecord> },
}

impl SourceRecord {
    pub(super) fn of(source: &Source) -> Result<Self> {
        let points = |states: &[State]| {
            states.iter().filter_map(|state| state.view().point()).map(Into::into).collect()
        };
        Ok(match source {
            Source::Merge { name, theirs, bases, gained } => {
                let theirs = theirs.view().point().map(Into::into);
                let theirs = theirs.ok_or_else(|| Error::internal("the empty state was merged"))?;
                let gained = gained.iter().copied().map(Into::into).collect();
                Self::Merge { name: name.clone(), theirs, bases: points(bases), gained }
            }
            Source::Undo { above, upto, selection } => Self::Undo {
                above: above.get().cast_signed(),
                upto: upto.get().cast_signed(),
                actor: selection.actor.as_ref().map(Actor::to_string),
                collections: selection.collections.clone(),
            },
            Source::CherryPick { commits } => Self::CherryPick { commits: points(commits) },
        })
    }

    /// A short description of the operation.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Merge { name, .. } => format!("merge {name}"),
            Self::Undo { above, upto, .. } if above + 1 == *upto => format!("undo {upto}"),
            Self::Undo { above, upto, .. } => format!("undo {} to {upto}", above + 1),
            Self::CherryPick { commits } => {
                let lsns: Vec<String> =
                    commits.iter().map(|commit| commit.lsn.to_string()).collect();
                format!("cherry-pick {}", lsns.join(", "))
            }
        }
    }

    pub(super) async fn load(self, near: &State) -> Result<Source> {
        Ok(match self {
            Self::Merge { name, theirs, bases, gained } => {
                let mut found = Vec::with_capacity(bases.len());
                for base in bases {
                    found.push(state(near, base).await?);
                }
                let theirs = state(near, theirs).await?;
                let gained: Vec<Point> = gained.into_iter().map(Into::into).collect();
                Source::Merge { name, theirs, bases: found, gained }
            }
            Self::Undo { above, upto, actor, collections } => Source::Undo {
                above: Lsn::from_stored(above),
                upto: Lsn::from_stored(upto),
                selection: Selection { actor: actor.map(Actor::new).transpose()?, collections },
            },
            Self::CherryPick { commits } => {
                let mut found = Vec::with_capacity(commits.len());
                for commit in commits {
                    found.push(state(near, commit).await?);
                }
                Source::CherryPick { commits: found }
            }
        })
    }
}

async fn state(near: &State, point: PointRecord) -> Result<State> {
    readable(near, point.into()).await?.ok_or_else(|| {
        Error::not_found(format!(
            "the plan needs the state at LSN {} of timeline {}, which was collected",
            point.lsn, point.timeline
        ))
    })
}

impl PlanRecord {
    pub(super) async fn state(&self, near: &State, point: Point) -> Result<State> {
        state(near, point.into()).await
    }

    pub(super) fn decisions(&self) -> Result<Decisions> {
        Decisions::from_records(self.resolved.clone())
    }
}
