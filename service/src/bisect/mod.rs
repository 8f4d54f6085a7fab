//! The search for the first commit from which on a document exists, or is missing.
//!
//! | file | content |
//! | --- | --- |
//! | `history.rs` | the history that is searched, and the names of its states |
//! | `filter.rs` | the documents that are searched |

mod filter;
mod history;

use argon_core::bisect::{Bisect, Step, Verdict};
use argon_core::model::{CollectionName, Lsn};
use argon_core::{Error, ErrorKind, Revision, State, log};
use futures::TryStreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::filter::DocumentFilter;
pub use self::history::History;
use crate::json::{self, Origin, Time};
use crate::{Failure, Result, Watcher, Workspace};

/// Find the first bad commit between two states, by looking at about log2 of the states between them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct BisectCommits {
    /// A state that is good, in the history of the bad one.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub good: Revision,
    /// A later state that is bad; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub bad: Option<Revision>,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The documents that decide whether a state is bad.
    pub filter: DocumentFilter,
    /// When a state is bad.
    pub bad_if: BadIf,
}

/// When a state is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BadIf {
    /// If a document matches the filter.
    Exists,
    /// If no document matches the filter.
    Missing,
}

/// The first bad commit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FirstBadCommit {
    /// Its position.
    pub first_bad: u64,
    /// The branch, or the revision whose history was searched.
    pub branch: String,
    /// The revision that names the state after it.
    pub revision: String,
    /// When it was made.
    pub time: Time,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub message: String,
    /// What produced it.
    pub origin: Origin,
    /// Its digest, which covers all before.
    pub digest: String,
}

/// The commits of which one is the first bad one, if the states between them were skipped.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FirstBadRange {
    /// Always null.
    pub first_bad: Option<u64>,
    /// The branch, or the revision whose history was searched.
    pub branch: String,
    /// The position of the first of them.
    pub from: u64,
    /// The position of the last of them.
    pub to: u64,
}

/// The outcome of a search.
pub enum BisectOutcome {
    /// The first bad commit, and the state after it.
    Commit(Box<State>, Box<FirstBadCommit>),
    /// The commits of which one is the first bad one.
    Range(FirstBadRange),
}

/// Finds the first bad commit. The good and the bad state are tested first. States that were collected are
/// skipped.
///
/// # Errors
/// `NotFound` if a state or the collection does not exist; `Invalid` if the good state is not before the bad
/// one in the same history, or a test contradicts one of them.
pub async fn bisect(
    workspace: &Workspace,
    request: &BisectCommits,
    watcher: &dyn Watcher,
) -> Result<BisectOutcome> {
    let BisectCommits { good, bad, collection, filter, bad_if } = request;
    let revision = bad.clone().unwrap_or_else(|| workspace.head());
    let revision = revision.explicit(&workspace.project).await?;
    let bad = workspace.state(Some(&revision)).await?;
    let good = workspace.state(Some(good)).await?;
    let steps = Bisect::between(&good, &bad)?;
    if good.collection(collection).is_err() {
        bad.collection(collection)?;
    }
    let history = History::of(workspace, &revision, &bad).await?;
    let test = async |lsn: Lsn| -> Result<Verdict> {
        let state = match bad.at(lsn).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Verdict::Skip),
            state => state?,
        };
        let exists = filter.matches_any(&state, collection).await?;
        let is_bad = exists == (*bad_if == BadIf::Exists);
        Ok(if is_bad { Verdict::Bad } else { Verdict::Good })
    };
    match search(steps, &history, test, watcher).await? {
        Step::Found(lsn) | Step::Try(lsn) => {
            let state = bad.at(lsn).await?;
            let commit = FirstBadCommit::of(&state, &history).await?;
            Ok(BisectOutcome::Commit(Box::new(state), Box::new(commit)))
        }
        Step::Among(good, bad) => {
            Ok(BisectOutcome::Range(FirstBadRange::of(&history, good.next(), bad)))
        }
    }
}

/// Searches a history by a test of its states; reports each verdict.
///
/// # Errors
/// `Invalid` if the test contradicts the good or the bad state; those of the test.
pub async fn search<E: From<Failure>>(
    mut steps: Bisect,
    history: &History,
    test: impl AsyncFn(Lsn) -> Result<Verdict, E>,
    watcher: &dyn Watcher,
) -> Result<Step, E> {
    let (good, bad) = steps.bounds();
    for (lsn, expected) in [(good, Verdict::Good), (bad, Verdict::Bad)] {
        let (verdict, revision) = (test(lsn).await?, history.revision(lsn));
        watcher.reports(&format!("{revision}: {}", word(verdict)));
        if verdict != expected {
            let (expected, verdict) = (word(expected), word(verdict));
            let error = Error::invalid(format!(
                "{revision} must be {expected}, but the test finds it {verdict}; nothing was searched"
            ));
            return Err(Failure::from(error).into());
        }
    }
    loop {
        let step = steps.step();
        let Step::Try(lsn) = step else { return Ok(step) };
        let verdict = test(lsn).await?;
        steps.tell(lsn, verdict);
        let (revision, left) = (history.revision(lsn), steps.left());
        watcher.reports(&format!("{revision}: {}, about {left} left", word(verdict)));
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
        Verdict::Skip => "skipped",
    }
}

impl FirstBadCommit {
    /// The last commit of a state of a history.
    ///
    /// # Errors
    /// `Corrupt` if the commit is missing.
    pub async fn of(state: &State, history: &History) -> Result<Self> {
        let commit = log::headers(state).try_next().await?;
        let missing = || Error::corrupt("the commit is missing from the log");
        let commit = commit.ok_or_else(missing)?;
        let meta = commit.meta;
        Ok(Self {
            first_bad: meta.lsn.get(),
            branch: history.to_string(),
            revision: history.revision(meta.lsn).to_string(),
            time: Time(meta.time),
            actor: meta.actor.to_string(),
            message: meta.message.to_string(),
            origin: Origin::from(&meta.origin),
            digest: commit.digest.to_string(),
        })
    }
}

impl FirstBadRange {
    /// The commits of a history from one position to another.
    pub fn of(history: &History, from: Lsn, to: Lsn) -> Self {
        let (from, to) = (from.get(), to.get());
        Self { first_bad: None, branch: history.to_string(), from, to }
    }
}
