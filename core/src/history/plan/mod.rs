//! Plans: merges, undo and cherry-picks, computed before they are committed.
//!
//! All three are one operation: the changes from one state (the base) to another (theirs) are also
//! applied to the head of a branch (ours), field by field. The base of a merge are the best common
//! ancestors; undo takes the state after the reverted commits as the base and the state before them
//! as theirs; a cherry-pick takes the states before and after the commit.
//!
//! A [`Plan`] has the states to compare, the rules and the decisions. [`Plan::compute`] returns the
//! result, a pure function of the log; [`Plan::commit`] commits it. A plan may be
//! [saved](SavedPlan), so that others can review, resolve and apply it, like a pull request: the
//! record holds its inputs, never its result.
//!
//! | file | content |
//! | --- | --- |
//! | `source.rs` | the operation of a plan |
//! | `step.rs`, `base.rs` | the comparisons that it requires; the merge base |
//! | `work.rs`, `collections.rs` | merges documents, and the metadata of collections |
//! | `names.rs` | resolves conflicts of collection names |
//! | `undone.rs` | undoes the creation of a collection |
//! | `result.rs`, `commit.rs` | the result; its commit |
//! | `rules.rs`, `decisions.rs` | strategies and checks; decisions on conflicts |
//! | `record.rs`, `saved.rs`, `rebase.rs` | saved plans, and their rebase |

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

/// An operation on a branch, with its rules and decisions.
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
    /// Creates a plan to merge a state into a branch; `name` is the name of the state. The two may
    /// be related in any way.
    ///
    /// O(commits since the fork).
    ///
    /// # Errors
    /// `Invalid` if the branch already has all commits of the state, or the state belongs to
    /// another project; the errors of [`Rules::check`].
    pub async fn merge(branch: &Branch, name: &str, theirs: &State, rules: Rules) -> Result<Self> {
        let ours = branch.head().await?;
        let source = merge_source(branch, &ours, name, theirs).await?;
        Self::new(branch, ours, source, rules)
    }

    /// Creates a plan to revert the branch's own commits after `above` up to `upto`.
    ///
    /// # Errors
    /// `Invalid` if there is no commit between them, `NotFound` if the branch has no such commits;
    /// the errors of [`Rules::check`].
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
                "LSN {upto} does not exist on branch '{}'; its last LSN is {}",
                branch.name(),
                ours.lsn()
            )));
        }
        if above >= upto {
            return Err(Error::invalid(format!(
                "there is no commit after LSN {above} up to {upto}; name the earlier state first"
            )));
        }
        Self::new(branch, ours, Source::Undo { above, upto, selection }, rules)
    }

    /// Creates a plan to apply the changes of the last commits of these states to a branch, in this
    /// order.
    ///
    /// # Errors
    /// `Invalid` for the empty state, and for an empty list; the errors of [`Rules::check`].
    pub async fn cherry_pick(branch: &Branch, commits: Vec<State>, rules: Rules) -> Result<Self> {
        let ours = branch.head().await?;
        refuse_masked(&ours, "pick commits onto")?;
        for state in &commits {
            same_store(&ours, state)?;
            refuse_masked(state, "pick commits of")?;
            step::before(state).await?;
        }
        if commits.is_empty() {
            return Err(Error::invalid("no commit was given; name at least one"));
        }
        Self::new(branch, ours, Source::CherryPick { commits }, rules)
    }

    fn new(branch: &Branch, ours: State, source: Source, rules: Rules) -> Result<Self> {
        rules.check()?;
        Ok(Self { branch: branch.clone(), ours, source, rules, decisions: Decisions::default() })
    }

    /// The target branch.
    pub fn branch(&self) -> &Branch {
        &self.branch
    }

    /// The state of the branch for which the plan was created.
    pub fn ours(&self) -> &State {
        &self.ours
    }

    /// The operation.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The strategies for conflicts, and the checks.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The decisions.
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// The compared states.
    pub(crate) fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = self.views().iter().filter_map(View::point).collect();
        points.sort_unstable();
        points.dedup();
        points
    }

    fn views(&self) -> Vec<View> {
        self.source.views(&self.ours)
    }

    /// Computes the result. O(changes), in time and memory.
    ///
    /// # Errors
    /// `Invalid` if a result can't be stored or is too large for one commit; `NotFound` if a
    /// compared state was collected.
    #[tracing::instrument(level = "info", skip_all, name = "work_out_plan")]
    pub async fn compute(&self) -> Result<MergeResult> {
        let steps = step::steps(&self.source, &self.ours).await?;
        work::work(&self.ours, &steps, &self.rules.policy(), &self.decisions).await
    }

    /// A short description of the operation.
    ///
    /// # Errors
    /// `Internal` for a merge of the empty state, which [`Plan::merge`] refuses.
    pub fn what(&self) -> Result<String> {
        Ok(record::SourceRecord::of(&self.source)?.describe())
    }

    /// Whether the branch is still at the state for which the plan was created.
    pub async fn is_current(&self) -> Result<bool> {
        let head = self.branch.head().await?;
        Ok(head.last().await?.digest == self.ours.last().await?.digest)
    }

    /// Returns the paths at which a document, or a collection itself if `key` is `None`, is in
    /// conflict, regardless of decisions: the argument of [`Resolutions::check`]. O(changes).
    ///
    /// # Errors
    /// The errors of [`compute`](Self::compute).
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

    /// Checks the result by the rules; returns at most `most` violations.
    pub async fn check(&self, result: &MergeResult, most: usize) -> Result<Checked> {
        checks::run(&self.rules.checks, result.proposed(), most).await
    }

    /// Returns the rules that [`check`](Self::check) can't check, as far as the changes alone
    /// determine that. O(changes).
    ///
    /// # Errors
    /// The errors of [`checks::run`].
    pub fn unchecked(&self, result: &MergeResult) -> Result<Vec<Unchecked>> {
        checks::unchecked(&self.rules.checks, result.proposed())
    }

    /// Decides a conflict of a document, or of a collection itself if `key` is `None`. A decision
    /// for a path applies to all conflicts below it.
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

    /// Commits the result in one commit on the state for which the plan was created. Signed by the
    /// store's actor unless another is given; the default message describes the operation.
    ///
    /// # Errors
    /// `Conflict` if unresolved conflicts remain, or the branch has moved: create the plan again
    /// then. The errors of [`Branch::commit`].
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
            "branch '{}' has moved since LSN {}, for which the plan was computed",
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
            "branch '{}' already has all commits of '{name}'; nothing to merge",
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
