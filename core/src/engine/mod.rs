//! Turns requests into durable commits and answers reads, on the traits of
//! [`storage`](crate::storage); it knows no projects, branches and masks.
//!
//! | module | content |
//! | --- | --- |
//! | [`write`] | turns a request into a durable commit: preconditions, group commit, conflicts |
//! | `capped` | capped collections: the order of insertion, and what new documents displace |
//! | `index` | entries of indexes, unique values, builds |
//! | `replay` | reads from log and snapshots alone |
//! | `rules` | what the definitions of a collection demand of its documents |
//! | `snapshot` | makes and reads snapshots |
//! | `catalog` | the collections of a state |
//! | `active_states` | the states that are open in this process |
//! | `lru` | a map of bounded weight |

pub(crate) mod active_states;
pub(crate) mod capped;
pub(crate) mod catalog;
pub(crate) mod index;
pub(crate) mod lru;
pub(crate) mod replay;
pub(crate) mod rules;
pub(crate) mod snapshot;
pub mod write;
