//! Plans: merges, undo and cherry-picks, worked out before they are done.
//!
//! All three are the same: what changed from one state (the base) to another (theirs) is done to the
//! head of a branch (ours) as well, field by field. A merge takes the best common ancestors for its
//! base; undo takes the state after the commits that are taken back, and for theirs the one before; a
//! cherry-pick the states before and after the commit.
//!
//! A [`Plan`] says what is compared, with which rules and decisions. [`Plan::compute`] gives what it
//! comes to, a pure function of the log; [`Plan::commit`] makes it one commit. A plan may be
//! [stored](SavedPlan), to be looked at, decided about and applied by others, like a pull request: what is
//! stored is what it is made of, never what came of it.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `source.rs` | what a plan does |
//! | `step.rs`, `base.rs` | from that to the comparisons it takes; what the sides had in common |
//! | `work.rs`, `collections.rs` | merging documents, and what collections are |
//! | `names.rs` | two collections of one name |
//! | `undone.rs` | taking back that a collection was made |
//! | `result.rs`, `commit.rs` | what came of it; making it a commit |
//! | `rules.rs`, `decisions.rs` | strategies and checks; what people decided |
//! | `record.rs`, `saved.rs`, `rebase.rs` | plans that are kept, and made anew |

mod base;
mod collections;
mod commit;
mod decisions;
mod names;
mod rebase;
mod record;
mod result;
mod rules;
mod saved;
mod source;
mod step;
mod undone;
mod work;

pub use decisions::Decisions;
pub use rebase::Rebased;
pub use result::{DocumentConflict, MergeCounts, MergeResult};
pub use rules::Rules;
pub(crate) use saved::open_points;
pub use saved::{PlanId, PlanStatus, SavedPlan, SavedPlanInfo};
pub use source::{Selection, Source};

use crate::document::Path;
use crate::document::key::Key;
use crate::engine::write::Receipt;
use crate::history::ancestry::relate;
use crate::history::checks::{self, Checked, Unchecked};
use crate::history::merge::{Choice, Resolutions};
use crate::model::{Actor, CollectionName, Lsn, Message, Point, View};
use crate::store::mask::refuse_masked;
use crate::store::{Branch, State};
use crate::{Error, Result};

/// What is to be done to a branch, and how.
///
/// ```
/// # use bson::rawdoc;
/// # use argon_core::model::{BranchName, CollectionName, Message};
/// # use argon_core::plan::{Plan, Rules};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let main = argon_backends::memory_branch().await?;
/// let users = CollectionName::new("users")?;
/// main.collection(&users).put(rawdoc! { "_id": 1, "name": "Ada", "visits": 1 }).await?;
/// let head = main.head().await?;
/// let fork = main.project().create_branch(&BranchName::new("fork")?, &head, Some(main.name())).await?;
/// fork.collection(&users).put(rawdoc! { "_id": 1, "name": "Ada L.", "visits": 1 }).await?;
/// main.collection(&users).put(rawdoc! { "_id": 1, "name": "Ada", "visits": 2 }).await?;
///
/// let plan = Plan::merge(&main, "fork", &fork.head().await?, Rules::default()).await?;
/// let result = plan.compute().await?;
/// assert!(result.conflicts.is_empty());
/// plan.commit(&result, None, &Message::default()).await?;
/// let merged = main.collection(&users).scan().await?;
/// # use futures::TryStreamExt;
/// let merged: Vec<_> = merged.try_collect().await?;
/// assert_eq!(merged[0].as_raw(), &*rawdoc! { "_id": 1, "name": "Ada L.", "visits": 2 });
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    branch: Branch,
    ours: State,
    source: Source,
    rules: Rules,
    decisions: Decisions,
}

impl Plan {
    /// A plan to merge a state into a branch; `name` is what the state is called. The two may stand in
    /// any relation.
    ///
    /// O(commits since their histories parted).
    ///
    /// # Errors
    /// `Invalid` if the branch has all of it already, or the state is of another project; those of
    /// [`Rules::check`].
    pub async fn merge(branch: &Branch, name: &str, theirs: &State, rules: Rules) -> Result<Self> {
        let ours = branch.head().await?;
        let source = merge_source(branch, &ours, name, theirs).await?;
        Self::new(branch, ours, source, rules)
    }

    /// A plan to take back what the branch's own commits after `above` up to `upto` changed.
    ///
    /// # Errors
    /// `Invalid` if there is no commit between them, `NotFound` if the branch has no such commits; those of
    /// [`Rules::check`].
    pub async fn undo(
        branch: &Branch,
        above: Lsn,
        upto: Lsn,
        selection: Selection,
        rules: Rules,
    ) -> Result<Self> {
        let ours = branch.head().await?;
        refuse_masked(&ours, "undo commits of")?;
        if upto > ours.lsn() {
            return Err(Error::not_found(format!(
                "branch '{}' has no LSN {upto}; its last is {}",
                branch.name(),
                ours.lsn()
            )));
        }
        if above >= upto {
            return Err(Error::invalid(format!(
                "there is no commit after {above} up to {upto}; name the earlier state first"
            )));
        }
        Self::new(branch, ours, Source::Undo { above, upto, selection }, rules)
    }

    /// A plan to do again on a branch what the last commits of these states did, in this order.
    ///
    /// # Errors
    /// `Invalid` for the empty state, and if there is none; those of [`Rules::check`].
    pub async fn cherry_pick(branch: &Branch, commits: Vec<State>, rules: Rules) -> Result<Self> {
        let ours = branch.head().await?;
        refuse_masked(&ours, "pick commits onto")?;
        for state in &commits {
            same_store(&ours, state)?;
            refuse_masked(state, "pick commits of")?;
            step::before(state).await?;
        }
        if commits.is_empty() {
            return Err(Error::invalid("no commit was named"));
        }
        Self::new(branch, ours, Source::CherryPick { commits }, rules)
    }

    fn new(branch: &Branch, ours: State, source: Source, rules: Rules) -> Result<Self> {
        rules.check()?;
        Ok(Self { branch: branch.clone(), ours, source, rules, decisions: Decisions::default() })
    }

    /// The branch that gets the commit.
    pub fn branch(&self) -> &Branch {
        &self.branch
    }

    /// The state of the branch for which the plan was made.
    pub fn ours(&self) -> &State {
        &self.ours
    }

    /// What it does.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What settles conflicts, and what is checked.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What people decided.
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// The states that it compares.
    pub(crate) fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = self.views().iter().filter_map(View::point).collect();
        points.sort_unstable();
        points.dedup();
        points
    }

    fn views(&self) -> Vec<View> {
        self.source.views(&self.ours)
    }

    /// Works out what it comes to. O(changes), in time and memory.
    ///
    /// # Errors
    /// `Invalid` when a result can't be stored or is too large for one commit; `NotFound` when states
    /// that it compares were collected.
    #[tracing::instrument(level = "info", skip_all, name = "work_out_plan")]
    pub async fn compute(&self) -> Result<MergeResult> {
        let steps = step::steps(&self.source, &self.ours).await?;
        work::work(&self.ours, &steps, &self.rules.policy(), &self.decisions).await
    }

    /// What it does, in a few words.
    ///
    /// # Errors
    /// `Internal` for a merge of the empty state, which [`Plan::merge`] refuses.
    pub fn what(&self) -> Result<String> {
        Ok(record::SourceRecord::of(&self.source)?.describe())
    }

    /// Whether the branch is still at the state for which the plan was made.
    pub async fn is_current(&self) -> Result<bool> {
        let head = self.branch.head().await?;
        Ok(head.last().await?.digest == self.ours.last().await?.digest)
    }

    /// The paths at which a document, or a collection itself if `key` is `None`, is in conflict apart
    /// from what was decided about it: what [`Resolutions::check`] takes. O(changes).
    ///
    /// # Errors
    /// Those of [`compute`](Self::compute).
    pub async fn conflicting_paths(
        &self,
        collection: &CollectionName,
        key: Option<&Key>,
    ) -> Result<Vec<Path>> {
        let mut undecided = self.clone();
        undecided.decisions.remove(collection, key);
        let conflicts = undecided.compute().await?.conflicts;
        let found = conflicts
            .into_iter()
            .find(|found| found.collection == *collection && found.key.as_ref() == key);
        let conflicts = found.map(|found| found.conflicts).unwrap_or_default();
        Ok(conflicts.into_iter().map(|conflict| conflict.path).collect())
    }

    /// Checks the result by the rules; gives at most `most` violations.
    pub async fn check(&self, result: &MergeResult, most: usize) -> Result<Checked> {
        checks::run(&self.rules.checks, result.proposed(), most).await
    }

    /// The rules that [`check`](Self::check) can't check, as far as the changes alone say it. O(changes).
    ///
    /// # Errors
    /// Those of [`checks::run`].
    pub fn unchecked(&self, result: &MergeResult) -> Result<Vec<Unchecked>> {
        checks::unchecked(&self.rules.checks, result.proposed())
    }

    /// Decides about a conflict: of a document, or of a collection itself if `key` is `None`. A
    /// decision for a path counts for all conflicts below it.
    pub fn decide(
        &mut self,
        collection: CollectionName,
        key: Option<Key>,
        path: Path,
        choice: Choice,
    ) -> &Resolutions {
        let decisions = self.decisions.entry(collection, key);
        decisions.insert(path, choice);
        decisions
    }

    /// Commits the result, in one commit, on the state for which the plan was made. Signed by the
    /// store's actor unless another is given; a commit without a message gets one that says what it is.
    ///
    /// # Errors
    /// `Conflict` if conflicts are left, or the branch has moved on: make the plan again then. Those of
    /// [`Branch::commit`].
    #[tracing::instrument(level = "info", skip_all, name = "commit_plan")]
    pub async fn commit(
        &self,
        result: &MergeResult,
        actor: Option<Actor>,
        message: &Message,
    ) -> Result<Receipt> {
        let actor = actor.unwrap_or_else(|| self.branch.shared().actor.clone());
        let receipt =
            commit::commit(&self.branch, &self.source, result, "", &actor, message).await?;
        receipt.ok_or_else(|| self.moved())
    }

    fn moved(&self) -> Error {
        Error::conflict(format!(
            "branch '{}' has moved on since LSN {}, for which this was worked out",
            self.branch.name(),
            self.ours.lsn()
        ))
    }
}

async fn merge_source(branch: &Branch, ours: &State, name: &str, theirs: &State) -> Result<Source> {
    same_store(ours, theirs)?;
    refuse_masked(ours, "merge into")?;
    refuse_masked(theirs, "merge from")?;
    let relation = relate(ours, theirs).await?;
    if relation.gained.is_empty() {
        return Err(Error::invalid(format!(
            "branch '{}' has all of '{name}' already; there is nothing to merge",
            branch.name()
        )));
    }
    let (bases, gained) = (relation.bases, relation.gained);
    Ok(Source::Merge { name: name.to_owned(), theirs: theirs.clone(), bases, gained })
}

fn same_store(ours: &State, theirs: &State) -> Result<()> {
    if std::sync::Arc::ptr_eq(ours.shared(), theirs.shared()) {
        Ok(())
    } else {
        Err(Error::invalid("the state belongs to another store; expected a state of this store"))
    }
}
