//! How a branch got to where it is.

use argon_core::model::{BranchName, Message, Origin as CommitOrigin};
use argon_core::reflog::{self, BranchPosition, Cause, Entry, Line};
use futures::{Stream, StreamExt, TryStreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::{Origin, Time};
use crate::origin::{origin_and_message, origin_text};
use crate::words::count;
use crate::{Failure, Result, Workspace};

/// List the movements of a branch, and the commits between them, newest first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListReflog {
    /// The branch, which may be deleted; without it, the current branch.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub branch: Option<BranchName>,
    /// The most entries that are listed.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// A line of a reflog.
#[derive(Debug, Clone)]
pub enum ReflogLine {
    /// A change of the branch.
    Entry(Box<ShownEntry>),
    /// The last line, if the history before it is unknown; the reason.
    End(String),
}

/// A change of a branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownEntry {
    /// Its number, from 0 for the newest.
    pub number: u64,
    /// The revision that names the state after it.
    pub state: String,
    /// When it was made.
    pub time: Time,
    /// Who made it.
    pub actor: String,
    /// The position of the branch before; null if it did not exist.
    pub from: Option<ShownPosition>,
    /// The position of the branch after; null if it was deleted.
    pub to: Option<ShownPosition>,
    /// The number of its commits.
    pub commits: u64,
    /// The change, in words.
    pub why: String,
    /// What produced its commits; null for a movement.
    pub origin: Option<Origin>,
}

/// The position of a branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownPosition {
    /// The position.
    pub lsn: u64,
    /// The timeline; null without commits.
    pub timeline: Option<String>,
}

impl ShownPosition {
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
    fn of(branch: &BranchName, entry: &Entry) -> Self {
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
            from: ShownPosition::of(*from),
            to: ShownPosition::of(*to),
            commits,
            why: cause_text(cause),
            origin,
        }
    }
}

/// Lists the reflog of a branch, each line as soon as it is read.
///
/// # Errors
/// `NotFound` if the branch never existed.
pub async fn list(
    workspace: &Workspace,
    request: ListReflog,
) -> Result<impl Stream<Item = Result<ReflogLine, Failure>> + Send + use<>> {
    let branch = request.branch.unwrap_or_else(|| workspace.branch.clone());
    let lines = reflog::read(&workspace.project, &branch).await?;
    let lines = lines.map_ok(move |line| match line {
        Line::Entry(entry) => ReflogLine::Entry(Box::new(ShownEntry::of(&branch, &entry))),
        Line::End(why) => ReflogLine::End(why),
    });
    Ok(lines.take(request.limit.unwrap_or(usize::MAX)).map_err(Failure::from))
}

fn cause_text(cause: &Cause) -> String {
    let with = |change: String, message: &Message| match message.as_str().lines().next() {
        None => change,
        Some(line) => format!("{change}: {line}"),
    };
    match cause {
        Cause::Moved(why) => why.clone(),
        Cause::Writes(commits, message) => with(count(*commits, "commit"), message),
        Cause::Commit(origin @ CommitOrigin::Import { .. }, message) => {
            with(origin_text(origin).unwrap_or_default(), message)
        }
        Cause::Commit(origin, message) => match origin_and_message(origin, message) {
            [Some(origin), Some(message)] => format!("{origin}: {message}"),
            [Some(origin), None] => origin,
            [None, _] => with(count(1, "commit"), message),
        },
    }
}
