//! The boundary between Argon and the stores of its bytes: four small traits, and the description
//! of a backend.
//!
//! A backend implements [`Wal`], [`Refs`] and [`Snapshots`]. It may implement [`Materialize`] with
//! an index; otherwise [`LogMaterializer`](crate::LogMaterializer) implements it over the first and
//! the third. `conformance-tests` checks the numbered contracts in these docs for every backend.
//!
//! | file | content |
//! | --- | --- |
//! | `wal.rs`, `refs.rs`, `snapshots.rs`, `materialize.rs` | the four traits |
//! | `backend.rs` | [`Backend`]: the traits of one store, with [`Maintenance`] |
//! | `indexes.rs` | [`Indexes`], which a backend implements if it keeps the entries of indexes |
//! | `network.rs`, `deferred.rs` | [`Network`] and [`DeferredWork`], which a backend implements if it has them |
//! | `diagnosis.rs`, `objects.rs` | the requirements of a store, checked one by one; whole objects by name |
//! | `registry.rs`, `url/`, `options.rs` | the backend of a URL; options for opening it |
//! | `description.rs` | [`Description`]: the URLs of a backend |
//! | `manifest.rs`, `retained.rs` | [`Manifest`]: the chunks of a snapshot; [`RetainedStates`]: the states of a timeline that stay readable |
//! | `record.rs`, `timed.rs` | the encoding of records in refs; decorators that time the traits |
//! | `sharing.rs` | [`Sharing`], of a store that other processes use through this one |
//! | `whole_file.rs` | [`WholeFile`]: a file that appears complete and durable, or not at all |

mod backend;
mod deferred;
mod description;
mod diagnosis;
mod indexes;
mod manifest;
mod materialize;
mod network;
mod objects;
mod options;
mod record;
mod refs;
mod registry;
mod retained;
mod sharing;
mod snapshots;
pub(crate) mod timed;
mod url;
mod wal;
mod whole_file;

pub use backend::{Backend, Capabilities, Finding, Maintenance, SnapshotPolicy, StoreInfo};
pub use deferred::{Backlog, Compression, DeferredWork};
pub use description::{Description, Locality, UrlOption};
pub use diagnosis::{Diagnosis, Health, Remedy};
pub use indexes::{
    BuildId, BuildStatus, Entry, EntryChange, EntryRange, EntryStream, IndexBuild, IndexChanges,
    Indexes, StoredEntries, after_append, inherited, maintained, serving,
};
pub use manifest::{ChunkEntry, CollectionChunks, Manifest};
pub use materialize::{KeyRange, Materialize, Predicate, Version, VersionStamp, VersionStream};
pub use network::{Certificate, Network, ServerFacts, Traffic};
pub use objects::{ObjectInfo, Objects};
pub use options::{CacheOptions, OpenOptions, Secret};
pub(crate) use record::{VersionedRecord, decode, encode};
pub use record::{record_from_bytes, record_to_bytes};
pub use refs::{CasResult, RefChange, RefName, RefVersion, Refs, Together, VersionedRef};
pub use registry::{Factory, Registry};
pub use retained::{Reclaimed, RetainedStates, Usage};
pub use sharing::{HeldState, Sharing};
pub use snapshots::Snapshots;
pub use url::StoreUrl;
pub use wal::{Append, CommitStream, Direction, HeaderStream, TimelineState, Wal};
pub use whole_file::{UNFINISHED, WholeFile};
