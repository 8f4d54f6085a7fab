//! What merges, undo and cherry-picks have in common: all three are plans.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `policy.rs` | policies, from a file and options |
//! | `shown.rs` | a plan and what it comes to, as text and as JSON |
//! | `conflicts.rs`, `rules.rs` | conflicts and the policy, likewise |
//! | `unchecked.rs` | rules that could not be checked |
//! | `accept.rs` | conflicts, checks and hooks before a commit |
//! | `carry_out.rs` | from a plan that is not stored to a commit, or a stored plan |

mod accept;
mod carry_out;
mod conflicts;
mod policy;
mod rules;
mod shown;
mod unchecked;

pub(crate) use self::accept::{accept, committed, conflicts_left, nothing, violated};
pub(crate) use self::carry_out::{CarryOut, Fate, must_be_checked, next, show};
pub(crate) use self::conflicts::place;
pub(crate) use self::policy::PolicyArgs;
pub(crate) use self::shown::{Shown, status_name};
pub(crate) use self::unchecked::{Strictness, note_unchecked, refused_unchecked, unchecked_json};
