//! The terms of Argon as types: positions ([`Lsn`], [`Point`], [`View`]), names, commits and their
//! digests, documents. Also the basics of every layer above: time, randomness, counters and the
//! building blocks of binary formats.
//!
//! | file | content |
//! | --- | --- |
//! | `lsn.rs`, `view.rs`, `ids.rs`, `names.rs` | positions and states; identifiers; names |
//! | `commit.rs`, `document.rs` | commits and changes, checked documents |
//! | `origin.rs`, `trailers.rs` | what brought a commit about; what programs noted about it |
//! | `collection_pattern.rs` | a pattern of names of collections |
//! | `moment.rs` | [`Moment`](crate::Moment): times as people write them |
//! | `environment.rs` | [`Environment`](crate::Environment): what is handed in instead of asking the machine |
//! | `backoff.rs` | [`Backoff`](crate::Backoff): retries of optimistic updates |
//! | `metrics/` | what a process counts |
//! | `codec.rs` | [`codec`]: numbers and lengths in binary formats |

pub(crate) mod backoff;
pub mod codec;
mod collection_pattern;
mod commit;
mod document;
pub(crate) mod environment;
mod ids;
mod lsn;
pub(crate) mod metrics;
pub(crate) mod moment;
mod names;
mod origin;
mod trailers;
mod view;

pub use collection_pattern::CollectionPattern;
pub(crate) use collection_pattern::name_matches;
pub use commit::{
    Actor, Change, Commit, CommitMeta, Image, MAX_ACTOR_BYTES, MAX_COMMIT_BYTES, MAX_MESSAGE_BYTES,
    Message, Touched,
};
pub use document::{Document, MAX_DOCUMENT_BYTES};
pub use ids::{CollectionId, Nonce, ProjectId, TimelineId};
pub use lsn::Lsn;
pub use names::{BranchName, CollectionName, PinName, ProjectName};
pub use origin::{Merged, Origin, Picked};
pub use trailers::{
    MAX_TRAILER_KEY_BYTES, MAX_TRAILER_VALUE_BYTES, MAX_TRAILERS, Trailer, Trailers,
};
pub use view::{Head, Point, Segment, Timeline, View};

pub use crate::Digest;
pub use crate::document::value::MAX_DEPTH;
