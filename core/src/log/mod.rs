//! The log of a store: walks over it, the resolution of views, and its formats.
//!
//! [`headers`], [`floor`], [`kept_from`], [`last_commit`] and [`commit_at`] read the log of a
//! [`State`](crate::State); they are defined above this layer and only named here.
//!
//! | module | content |
//! | --- | --- |
//! | `walk` | the commits of a view, as far back as the log has them |
//! | `steps` | [`LogWalk`]: the commits of a timeline in steps, for backends |
//! | `timelines` | resolves a point to its chain of timelines |
//! | [`segment`] | the format of a run of commits |
//! | `chunk` | the format of a chunk of a snapshot |

pub(crate) mod chunk;
pub mod segment;
mod steps;
pub(crate) mod timelines;
pub(crate) mod walk;

pub use steps::LogWalk;

// The one upward import that `.ci/layers` allows: the public path of these functions.
pub use crate::store::log::{commit_at, floor, headers, kept_from, last_commit};
