//! Operations over states: diff, merge, undo, restore, and queries on the history.
//!
//! | module | content |
//! | --- | --- |
//! | [`mod@diff`], [`patch`], [`mod@blame`], [`bisect`] | differences, the commits that made them, and their search |
//! | [`merge`], [`plan`], `ancestry` | three-way merge of a document; merges, undo and cherry-picks; common ancestors |
//! | [`checks`] | rules that a result must satisfy before it is published |
//! | [`restore`], [`reflog`], `revision` | resets and restores of a part, the movements of branches, and the names of past states |
//! | [`sandbox`] | branches with a lease |
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
