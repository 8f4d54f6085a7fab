//! Writes collections to files that are visible completely or not at all.

mod bson_writer;
#[cfg(feature = "columnar")]
mod columnar_writer;
mod csv_columns;
mod csv_writer;
mod json_lines_writer;
mod sink;
mod whole_file;

#[cfg(not(feature = "columnar"))]
#[path = "without_columnar.rs"]
mod columnar_writer;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};

pub use self::bson_writer::BsonWriter;
pub use self::columnar_writer::ColumnarWriter;
pub use self::csv_columns::CsvColumns;
pub use self::csv_writer::CsvWriter;
pub use self::json_lines_writer::JsonLinesWriter;
pub use self::sink::{OpenOutput, Target};
use self::whole_file::WholeFile;
use super::dump::{BUCKETS, encode};
use super::{FormatError, Metadata};

/// A file that is durable under its final name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// The number of documents.
    pub documents: u64,
}

/// Writes `NAME.metadata.json` (`.gz`) for `mongorestore` to `directory`, and returns its path. It
/// is complete and durable when this returns.
pub fn write_metadata(
    directory: &Path,
    collection: &str,
    metadata: &Metadata,
    gzip: bool,
) -> Result<PathBuf, FormatError> {
    let text = metadata.to_json(collection)?;
    let path = collection_path(directory, collection, "metadata.json", gzip);
    let mut file = WholeFile::create(&path, gzip)?;
    file.write_all(text.as_bytes()).map_err(FormatError::io("write", &path))?;
    file.finish()
}

/// The name of the collection with the documents of a time series, which also names their file.
pub fn buckets_name(collection: &str) -> String {
    format!("{BUCKETS}{collection}")
}

/// Removes files of a collection from an earlier export, except those in `written`: two files of
/// one collection make a dump ambiguous.
pub fn remove_others(
    directory: &Path,
    collection: &str,
    written: &[PathBuf],
) -> Result<(), FormatError> {
    for extension in ["bson", "metadata.json"] {
        for gzip in [false, true] {
            let path = collection_path(directory, collection, extension, gzip);
            if !written.contains(&path) && path.is_file() {
                std::fs::remove_file(&path).map_err(FormatError::io("remove", &path))?;
            }
        }
    }
    Ok(())
}

fn collection_path(directory: &Path, collection: &str, extension: &str, gzip: bool) -> PathBuf {
    let end = if gzip { ".gz" } else { "" };
    directory.join(format!("{}.{extension}{end}", encode(collection)))
}
