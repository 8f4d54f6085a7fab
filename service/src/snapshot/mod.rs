//! Snapshots: compressed copies of whole states.

mod create;
mod list;

use argon_core::snapshot::Manifest;
use schemars::JsonSchema;
use serde::Serialize;

pub use self::create::{CreateSnapshot, create};
pub use self::list::{ListSnapshots, list};
use crate::json::Time;

/// A snapshot.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownSnapshot {
    /// The position of its state.
    pub lsn: u64,
    /// The timeline of its state.
    pub timeline: String,
    /// When it was made.
    pub created: Time,
    /// How many documents it has.
    pub documents: u64,
    /// In how many chunks they are.
    pub chunks: u64,
    /// How many bytes these have, compressed.
    pub bytes: u64,
}

impl From<Manifest> for ShownSnapshot {
    fn from(manifest: Manifest) -> Self {
        let chunks = || manifest.collections.iter().flat_map(|collection| &collection.chunks);
        Self {
            lsn: manifest.point.lsn.get(),
            timeline: manifest.point.timeline.to_string(),
            created: Time(manifest.created),
            documents: manifest.documents(),
            chunks: chunks().count() as u64,
            bytes: chunks().map(|chunk| chunk.bytes).sum(),
        }
    }
}
