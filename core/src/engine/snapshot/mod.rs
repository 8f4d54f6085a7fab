//! Makes and reads snapshots: automatically by the backend's policy, from the chunks of the
//! previous snapshot, or from all documents of a state.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `write.rs`, `update.rs`, `cut.rs` | making one, on the one before; where chunks end |
//! | `automatic.rs` | when one is made by itself |
//! | `read.rs`, `chunks.rs` | reading one; chunks in memory |
//! | `without.rs`, `unstored.rs` | snapshots without one of them; one that is not to be stored |

mod automatic;
mod chunks;
mod cut;
mod read;
mod unstored;
mod update;
mod without;
mod write;

pub(crate) use automatic::{Automatic, Making};
pub(crate) use chunks::{Chunk, Chunks, DOCUMENT_OVERHEAD};
pub use cut::CHUNK_BYTES;
pub(crate) use read::{SnapshotReader, latest};
pub(crate) use unstored::Unstored;
pub(crate) use without::Without;
pub(crate) use write::Maker;
pub use write::write;
