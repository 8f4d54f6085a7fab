//! The log of a store: walks over it, what a view is in it, and the formats in which it is written.
//!
//! [`headers`], [`floor`], [`kept_from`], [`last_commit`] and [`commit_at`] are the log of a
//! [`State`](crate::State); they are above this layer and only named here.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `walk` | the commits of a view, as far back as the log has them |
//! | `steps` | [`LogWalk`]: the commits of a timeline in steps, for backends |
//! | `timelines` | from a point to the chain of timelines behind it |
//! | [`segment`] | the format of a run of commits |
//! | `chunk` | the format of a chunk of a snapshot |

pub(crate) mod chunk;
pub mod segment;
mod steps;
pub(crate) mod timelines;
pub(crate) mod walk;

pub use steps::LogWalk;

// The one import upwards that `.ci/layers` lets pass: the public name of these functions is here.
pub use crate::store::log::{commit_at, floor, headers, kept_from, last_commit};
