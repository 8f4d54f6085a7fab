//! Snapshots: every document of a state in sorted, compressed, content-addressed chunks.
//!
//! A manifest lists a snapshot's chunks with the first and last key of each, so that a point read
//! fetches one chunk. Chunks are cut where their content says (see `write.rs`), so
//! that two snapshots of nearly the same state share most of their chunks.

mod chunk;
mod list;
mod manifest;
mod read;
mod without;
mod write;

pub use chunk::{CHUNK_VERSION, decode_chunk, encode_chunk};
pub use list::list;
pub use manifest::{ChunkEntry, CollectionChunks, Manifest};
pub(crate) use read::SnapshotReader;
pub(crate) use without::Without;
pub use write::{CHUNK_BYTES, create, write};
