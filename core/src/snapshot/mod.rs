//! Snapshots: every document of a state in sorted, compressed, content-addressed chunks.
//!
//! A manifest lists a snapshot's chunks with the first and last key of each, so that a point read
//! fetches one chunk. Chunks are cut where their content says (see `cut.rs`), so
//! that two snapshots of nearly the same state share most of their chunks.

mod automatic;
mod chunk;
mod chunks;
mod cut;
mod read;
mod state;
mod unstored;
mod update;
mod without;
mod write;

pub(crate) use automatic::{Automatic, Making};
pub use chunk::{CHUNK_VERSION, decode_chunk, encode_chunk};
pub(crate) use chunks::{Chunk, Chunks, DOCUMENT_OVERHEAD};
pub use cut::CHUNK_BYTES;
pub(crate) use read::{SnapshotReader, latest};
pub use state::{create, list};
pub(crate) use unstored::Unstored;
pub(crate) use without::Without;
pub(crate) use write::Maker;
pub use write::write;

pub use crate::storage::{ChunkEntry, CollectionChunks, Manifest};
