//! Merges, undo and cherry-picks. All three are plans: computed first, then reviewed, committed or saved.
//!
//! | file | content |
//! | --- | --- |
//! | `merge.rs`, `preview.rs`, `undo.rs`, `cherry_pick.rs` | operations that make a plan |
//! | `list.rs`, `show.rs`, `resolve.rs`, `decide.rs`, `apply.rs`, `abort.rs` | operations on saved plans |
//! | `rules.rs` | the rules of a request: a policy, and what precedes it |
//! | `review.rs`, `shown.rs`, `conflict.rs`, `checks.rs` | a plan and its result, as JSON has them |
//! | `accept.rs` | checks and hooks before a commit |
//! | `carry_out.rs`, `outcome.rs` | from a plan to a commit or a saved plan |

mod abort;
mod accept;
mod apply;
mod carry_out;
mod checks;
mod cherry_pick;
mod conflict;
mod decide;
mod list;
mod merge;
mod outcome;
mod preview;
mod resolve;
mod review;
mod rules;
mod show;
mod shown;
mod undo;

pub use self::abort::{AbortPlan, AbortedPlan, abort};
pub use self::apply::{ApplyPlan, apply};
pub use self::carry_out::PlanAction;
pub use self::checks::{BrokenRule, BrokenRules, UncheckedRule, UncheckedRules};
pub use self::cherry_pick::{CherryPick, cherry_pick};
pub use self::conflict::{ChoiceKind, ConflictCause, PlanItem, ShownConflict, ShownDecision};
pub use self::decide::{ConflictDecision, DecideConflicts, decide};
pub use self::list::{ListPlans, ListedPlan, list};
pub use self::merge::{MergeState, merge};
pub use self::outcome::{CommittedPlan, NothingToCommit, PlanOutcome, Refusal};
pub use self::preview::{PreviewMerge, preview};
pub use self::resolve::{ResolveConflicts, ResolvedPlan, resolve};
pub use self::review::PlanReview;
pub use self::rules::PlanRules;
pub use self::show::{ShowPlan, show};
pub use self::shown::{PlanCounts, PlanStatus, ShownPlan};
pub use self::undo::{UndoCommits, undo};
