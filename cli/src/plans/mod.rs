//! Text and options that merges, undo and cherry-picks share.
//!
//! | file | content |
//! | --- | --- |
//! | `options.rs` | the rules of a plan, from a policy file and options |
//! | `shown.rs` | a plan and its result |
//! | `conflicts.rs`, `rules.rs` | its conflicts and its rules |
//! | `edit.rs` | its conflicts as a text in which a person decides |
//! | `checks.rs` | rules that are broken or not checked |
//! | `outcome.rs` | the outcome of an operation that makes or applies a plan |

mod checks;
mod conflicts;
mod edit;
mod options;
mod outcome;
mod rules;
mod shown;

pub(crate) use self::checks::{note_indexes, note_rules, print_json};
pub(crate) use self::conflicts::next;
pub(crate) use self::edit::{conflict_list, decisions};
pub(crate) use self::options::{PolicyArgs, Strictness};
pub(crate) use self::outcome::{Report, changes_nothing};
pub(crate) use self::shown::{print_plan, show};
