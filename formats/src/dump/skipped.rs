//! What a dump holds beside the collections that are loaded.

use std::fmt;
use std::path::PathBuf;

use super::FormatError;

/// A file or directory that is no collection to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which one; in an archive, the archive and the namespace.
    pub path: PathBuf,
    /// Why.
    pub reason: SkipReason,
}

/// A file that should be of a collection, and can't be loaded.
#[derive(Debug)]
pub struct BadFile {
    /// The collection's name; as it stands in the file's name, if that can't be decoded.
    pub collection: String,
    /// What is wrong, and with which file.
    pub error: FormatError,
}

/// Why something in a dump is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// `system.*` or `$…`: the server's own, made again by the server.
    SystemCollection,
    /// The documents of a time series without its metadata, so that nobody knows what it is.
    TimeSeries,
    /// Metadata without documents, and neither a view nor a time series.
    NoDocuments,
    /// `._*`: what macOS keeps of a file on disks that are not its own.
    AppleDouble,
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
            Self::TimeSeries => "the documents of a time series that has no metadata file",
            Self::NoDocuments => "metadata without a .bson file",
            Self::AppleDouble => "a file of macOS, not part of the dump",
            Self::Oplog => "the operations during the dump",
            Self::Prelude => "facts about the server",
            Self::ServerDatabase => "a database of the server's own; name it to load it",
            Self::Unknown => "not part of a dump",
        })
    }
}
