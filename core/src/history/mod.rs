//! Operations over states: diff, merge, undo, restore, and queries on the history.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`mod@diff`], [`patch`], [`mod@blame`], [`bisect`] | what changed, by which commit, and since when |
//! | [`merge`], [`plan`], `ancestry` | three-way merge of a document; merges, undo and cherry-picks; common ancestors |
//! | [`checks`] | what must hold of a result before it is published |
//! | [`restore`], [`reflog`], `revision` | going back, how branches moved, and the names of past states |
//! | [`sandbox`] | branches that end by themselves |
//! | [`mod@verify`] | the hash chain and the signatures of pins |

pub(crate) mod ancestry;
pub mod bisect;
pub mod blame;
pub mod checks;
pub mod diff;
pub mod merge;
pub mod patch;
pub mod plan;
pub mod reflog;
pub mod restore;
pub(crate) mod revision;
pub mod sandbox;
pub mod verify;
