//! Makes and reads snapshots: automatically by the backend's policy, from the chunks of the
//! previous snapshot, or from all documents of a state.
//!
//! | file | content |
//! | --- | --- |
//! | `write.rs`, `update.rs`, `cut.rs` | make a snapshot, from the previous one; cut chunks |
//! | `automatic.rs` | automatic snapshots |
//! | `read.rs`, `chunks.rs` | read a snapshot; the cache of chunks |
//! | `task.rs` | work on one chunk in the background |
//! | `without.rs`, `unstored.rs` | hide one snapshot; don't store a snapshot |

mod automatic;
mod chunks;
mod cut;
mod read;
mod task;
mod unstored;
mod update;
mod without;
mod write;

pub(crate) use automatic::{Automatic, SnapshotContext};
pub(crate) use chunks::{Chunk, Chunks, DOCUMENT_OVERHEAD};
pub use cut::CHUNK_BYTES;
pub(crate) use read::{SnapshotReader, latest};
pub(crate) use unstored::Unstored;
pub(crate) use without::Without;
pub(crate) use write::Maker;
pub use write::write;
