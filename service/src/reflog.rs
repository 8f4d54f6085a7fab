//! How a branch got to where it is.

use argon_core::model::BranchName;
use argon_core::reflog::{BranchPosition, Cause, Entry};
use schemars::JsonSchema;
use serde::Serialize;

use crate::json::{Origin, Time};

/// A change of a branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownEntry {
    /// Its number, from 0 for the newest.
    pub number: u64,
    /// The revision that names the branch after it.
    pub state: String,
    /// When it was made.
    pub time: Time,
    /// Who made it.
    pub actor: String,
    /// Where the branch was before; none where it was not there.
    pub from: Option<ShownPlace>,
    /// Where it was then; none where it was gone.
    pub to: Option<ShownPlace>,
    /// How many commits it is.
    pub commits: u64,
    /// What it was, in words.
    pub why: String,
    /// What brought it about, if it is commits.
    pub origin: Option<Origin>,
}

/// Where a branch was.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownPlace {
    /// The position.
    pub lsn: u64,
    /// The timeline; none where there were no commits.
    pub timeline: Option<String>,
}

impl ShownPlace {
    fn of(place: BranchPosition) -> Option<Self> {
        match place {
            BranchPosition::Nowhere => None,
            BranchPosition::Empty => Some(Self { lsn: 0, timeline: None }),
            BranchPosition::At(point) => {
                Some(Self { lsn: point.lsn.get(), timeline: Some(point.timeline.to_string()) })
            }
        }
    }
}

impl ShownEntry {
    /// An entry of the reflog of a branch; `why` says what it was.
    pub fn of(branch: &BranchName, entry: &Entry, why: String) -> Self {
        let Entry { number, at, actor, from, to, cause } = entry;
        let (commits, origin) = match cause {
            Cause::Moved(_) => (0, None),
            Cause::Writes(commits, _) => (*commits, Some(Origin::Write)),
            Cause::Commit(origin, _) => (1, Some(Origin::from(origin))),
        };
        Self {
            number: *number,
            state: format!("{branch}@{{{number}}}"),
            time: Time(*at),
            actor: actor.clone(),
            from: ShownPlace::of(*from),
            to: ShownPlace::of(*to),
            commits,
            why,
            origin,
        }
    }
}
