//! What a dump's directory holds beside the collections that are loaded.

use std::fmt;
use std::path::PathBuf;

/// A file or directory that is no collection to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which one.
    pub path: PathBuf,
    /// Why.
    pub reason: SkipReason,
}

/// Why something in a dump is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// `system.*` or `$…`: the server's own, made again by the server.
    SystemCollection,
    /// A view: it has a definition, but no documents.
    View,
    /// A time-series collection, whose documents are buckets in the server's own format.
    TimeSeries,
    /// Metadata without documents, and neither a view nor a time series.
    NoDocuments,
    /// `oplog.bson`: the operations during the dump.
    Oplog,
    /// `prelude.json`: facts about the server.
    Prelude,
    /// A database of the server's own that wasn't asked for by name.
    ServerDatabase,
    /// Not a name that `mongodump` writes.
    Unknown,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SystemCollection => "a system collection",
            Self::View => "a view, which has no documents",
            Self::TimeSeries => "a time-series collection, kept in the server's own format",
            Self::NoDocuments => "metadata without a .bson file",
            Self::Oplog => "the operations during the dump",
            Self::Prelude => "facts about the server",
            Self::ServerDatabase => "a database of the server's own; name it to load it",
            Self::Unknown => "not part of a dump",
        })
    }
}
