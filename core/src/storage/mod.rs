//! The boundary between Argon and what stores its bytes: four small traits, and what a backend
//! says about itself.
//!
//! A backend owes [`Wal`], [`Refs`] and [`Snapshots`]. It may answer [`Materialize`] itself from an
//! index; otherwise [`LogMaterializer`](crate::LogMaterializer) answers over the first and the
//! third. `conformance-tests` holds every backend to the numbered contracts in these docs.

mod backend;
mod diagnosis;
mod keep;
mod manifest;
mod materialize;
mod objects;
mod options;
mod record;
mod refs;
mod registry;
mod snapshots;
pub(crate) mod timed;
mod url;
mod wal;

pub use backend::{
    Backend, Backlog, Capabilities, Certificate, Compression, Finding, Maintenance, ServerFacts,
    SnapshotPolicy, StoreInfo, Traffic,
};
pub use diagnosis::{Diagnosis, Health};
pub use keep::{Freed, Keep, Weights};
pub use manifest::{ChunkEntry, CollectionChunks, Manifest};
pub use materialize::{KeyRange, Materialize, Stamp, Version, VersionStream};
pub use objects::{ObjectInfo, Objects};
pub use options::{CacheOptions, OpenOptions, Secret};
pub(crate) use record::{Stored, decode, encode};
pub use refs::{RefChange, RefName, RefVersion, Refs, Swap, Together, VersionedRef};
pub use registry::{Factory, Registry};
pub use snapshots::Snapshots;
pub use url::StoreUrl;
pub use wal::{Append, CommitStream, Direction, HeaderStream, TimelineState, Wal};
