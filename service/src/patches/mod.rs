//! Patches as text: JSON lines of canonical Extended JSON, in which every value comes back exactly.
//!
//! docs/FORMAT.md has the lines. What Extended JSON can't express stands as BSON in base64 beside it.

mod apply;
mod conflict;
mod read;
mod write;

pub use apply::{AppliedPatch, ApplyPatch, PatchOutcome, PatchPreview, apply};
pub use conflict::PatchConflict;
pub use read::{NamedState, ReadPatch, read_patch};
pub use write::{PatchHeader, Side, write_patch};

/// The version of the format that is written, and the only one that is read.
const VERSION: i32 = 1;
