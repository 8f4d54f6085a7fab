//! The parts of a dump that are not loaded.

use std::fmt;
use std::path::PathBuf;

use super::FormatError;

/// A file or directory that is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file; in an archive, the archive and the namespace.
    pub path: PathBuf,
    /// The reason.
    pub reason: SkipReason,
}

/// A file of a collection that can't be loaded.
#[derive(Debug)]
pub struct BadFile {
    /// The collection's name; encoded as in the file's name, if that can't be decoded.
    pub collection: String,
    /// The error, with the file.
    pub error: FormatError,
}

/// The reason why a part of a dump is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// `system.*` or `$…`: the server's own, which it creates itself.
    SystemCollection,
    /// The documents of a time series without its metadata, which are meaningless alone.
    TimeSeries,
    /// Metadata without documents, of neither a view nor a time series.
    NoDocuments,
    /// `._*`: metadata of macOS on foreign file systems.
    AppleDouble,
    /// `oplog.bson`: the operations during the dump.
    Oplog,
    /// `prelude.json`: facts about the server.
    Prelude,
    /// A database of the server's own that wasn't selected by name.
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
