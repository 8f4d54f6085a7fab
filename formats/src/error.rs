//! What can be wrong with a file or directory as a whole; a single bad document is a `BadRecord`.

use std::io;
use std::path::{Path, PathBuf};

use super::extjson::ExtJsonError;

/// Why a file or a dump can't be opened, read as a whole, or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The operating system refused; nothing is known of the content.
    #[error("can't {action} {}", path.display())]
    Io {
        /// What was tried, as a verb: "open", "write".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Neither the caller nor the file's name says what is inside.
    #[error(
        "can't tell the format of {} from its name: expected .bson, .json, .jsonl, .ndjson or \
         .csv, each also with .gz",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The first line of a CSV file can't name the fields of documents.
    #[error("{}: the CSV header can't be used: {reason}", path.display())]
    CsvHeader {
        /// The file.
        path: PathBuf,
        /// Which column, and what is wrong with its name.
        reason: String,
    },
    /// Documents can't be rows of a CSV file.
    #[error("{reason}")]
    CsvColumn {
        /// Which field, and what to do.
        reason: String,
    },
    /// Documents have more fields than a CSV file may have columns; the caller can name some.
    #[error("the documents have more than {most} fields")]
    TooManyColumns {
        /// The most columns of a file.
        most: usize,
    },
    /// A dump's `.metadata.json` is not what `mongodump` writes.
    #[error("{}: not the metadata of a collection: {reason}", path.display())]
    Metadata {
        /// The metadata file.
        path: PathBuf,
        /// Which key, and what was expected.
        reason: String,
    },
    /// A dump's `.metadata.json` is not Extended JSON.
    #[error("{}: not the metadata of a collection", path.display())]
    MetadataJson {
        /// The metadata file.
        path: PathBuf,
        /// Where and why parsing stopped.
        source: ExtJsonError,
    },
    /// An archive of `mongodump` is damaged or cut off.
    #[error("{}: not a whole mongodump archive: byte {offset}: {reason}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Where that was noticed, in bytes from the start of the uncompressed archive.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// Nothing in the directory looks like a dump.
    #[error("{} holds no mongodump: no *.bson and no *.metadata.json file", path.display())]
    NotADump {
        /// The directory.
        path: PathBuf,
    },
    /// The dump has several databases and none was chosen.
    #[error("{} holds several databases, choose one: {}", path.display(), found.join(", "))]
    SeveralDatabases {
        /// The directory.
        path: PathBuf,
        /// The databases in it, sorted.
        found: Vec<String>,
    },
    /// The dump doesn't have the database that was asked for.
    #[error("{} has no database {wanted}, only: {}", path.display(), found.join(", "))]
    NoSuchDatabase {
        /// The directory.
        path: PathBuf,
        /// The database asked for.
        wanted: String,
        /// The databases in it, sorted.
        found: Vec<String>,
    },
    /// A file's name is no collection's name as `mongodump` encodes it.
    #[error("{}: {reason}", path.display())]
    CollectionFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl FormatError {
    /// For `map_err`: an [`io::Error`] while doing `action` with `path`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
