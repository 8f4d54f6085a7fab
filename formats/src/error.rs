//! Errors of a file or directory as a whole; a single invalid document is a `BadRecord`.

use std::io;
use std::path::{Path, PathBuf};

use super::ColumnarFormat;
use super::extjson::ExtJsonError;

/// The reason why a file or a dump can't be opened, read as a whole, or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// An error of the operating system; the content is unknown.
    #[error("can't {action} {}", path.display())]
    Io {
        /// The attempted action, as a verb: "open", "write".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Neither the caller nor the file's name determines the format.
    #[error(
        "unknown format of {}: expected the extension .bson, .json, .jsonl, .ndjson, .csv, .parquet, \
         .arrow or .feather, each also with .gz",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The first line of a CSV file does not have valid field names.
    #[error("{}: invalid CSV header: {reason}", path.display())]
    CsvHeader {
        /// The file.
        path: PathBuf,
        /// The column, and the problem of its name.
        reason: String,
    },
    /// Documents can't be written as rows of a CSV file.
    #[error("{reason}")]
    CsvColumn {
        /// The field, and what to do.
        reason: String,
    },
    /// Documents have more fields than a table may have columns; the caller can select some.
    #[error("the documents have more than {most} fields")]
    TooManyColumns {
        /// The maximum number of columns.
        most: usize,
    },
    /// A file of columns can't be read, or documents can't be written as one.
    #[error("{}: {reason}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// The place in the file, and the problem.
        reason: String,
    },
    /// This build leaves out files of columns: it lacks the feature `columnar`.
    #[error("{}: this build has no {format} files", path.display())]
    NoColumnar {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: ColumnarFormat,
    },
    /// The format of a dump's `.metadata.json` is invalid.
    #[error("{}: invalid metadata of a collection: {reason}", path.display())]
    Metadata {
        /// The metadata file.
        path: PathBuf,
        /// The key, and what was expected.
        reason: String,
    },
    /// A dump's `.metadata.json` is not Extended JSON.
    #[error("{}: invalid metadata of a collection", path.display())]
    MetadataJson {
        /// The metadata file.
        path: PathBuf,
        /// The syntax error, with its location.
        source: ExtJsonError,
    },
    /// An archive of `mongodump` is damaged or truncated.
    #[error("{}: invalid or incomplete mongodump archive: byte {offset}: {reason}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The location of the problem, in bytes from the start of the uncompressed archive.
        offset: u64,
        /// The problem.
        reason: String,
    },
    /// The directory does not look like a dump.
    #[error("{} is not a dump of mongodump: expected *.bson or *.metadata.json files", path.display())]
    NotADump {
        /// The directory.
        path: PathBuf,
    },
    /// The dump has several databases and none was selected.
    #[error("{} has several databases; choose one of: {}", path.display(), found.join(", "))]
    SeveralDatabases {
        /// The directory.
        path: PathBuf,
        /// The databases, sorted.
        found: Vec<String>,
    },
    /// The dump doesn't have the selected database.
    #[error("unknown database {wanted} in {}; known databases: {}", path.display(), found.join(", "))]
    NoSuchDatabase {
        /// The directory.
        path: PathBuf,
        /// The selected database.
        wanted: String,
        /// The databases, sorted.
        found: Vec<String>,
    },
    /// A file's name is not an encoded collection name.
    #[error("{}: {reason}", path.display())]
    CollectionFile {
        /// The file.
        path: PathBuf,
        /// The problem.
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
