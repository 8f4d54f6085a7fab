//! Reads the documents of a file, one at a time.

mod bson_reader;
#[cfg(feature = "columnar")]
mod columnar;
#[cfg(not(feature = "columnar"))]
#[path = "without_columnar.rs"]
mod columnar;
mod csv_dates;
mod csv_header;
mod csv_reader;
mod csv_rows;
mod csv_types;
mod input;
mod json_extent;
mod json_reader;
mod record;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use self::bson_reader::BsonReader;
use self::columnar::ColumnarReader;
pub use self::csv_reader::CsvOptions;
use self::csv_reader::CsvReader;
pub use self::csv_types::CellTypes;
pub(super) use self::input::Input;
use self::json_reader::JsonReader;
use self::record::Damage;
pub use self::record::{BadRecord, Position, Record};
use super::extjson::DoubledNames;
use super::{ArchivePart, FormatError};

/// The format of a file, compressed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Concatenated BSON documents, as in `mongodump`.
    Bson,
    /// Extended JSON: one document per line, concatenated in any layout, or one array.
    Json,
    /// Extended JSON, strictly one document per line, so that a truncated line can't be taken for
    /// the beginning of a document of several lines.
    JsonLines,
    /// Comma-separated values, with the names of the fields in the first line.
    Csv,
    /// A table, column by column.
    Columnar(ColumnarFormat),
}

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnarFormat {
    /// Parquet.
    Parquet,
    /// Arrow's own, which is called Feather too.
    Arrow,
}

impl ColumnarFormat {
    /// Checks that this build has the format.
    ///
    /// # Errors
    /// `NoColumnar`, which names the file.
    pub fn check(self, path: &Path) -> Result<(), FormatError> {
        if cfg!(feature = "columnar") {
            return Ok(());
        }
        Err(FormatError::NoColumnar { path: path.to_owned(), format: self })
    }
}

impl fmt::Display for ColumnarFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow",
        })
    }
}

impl Format {
    /// Returns the format of a file name: `.bson`, `.json`, `.jsonl`, `.ndjson`, `.csv`, `.parquet`,
    /// `.arrow`, `.feather`, each also with `.gz`, in any case.
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let (_, extension) = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?;
        match extension {
            "bson" => Some(Self::Bson),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Columnar(ColumnarFormat::Parquet)),
            "arrow" | "feather" => Some(Self::Columnar(ColumnarFormat::Arrow)),
            _ => None,
        }
    }
}

/// Options for reading a file, besides its format.
#[derive(Debug, Clone, Copy, Default)]
pub struct SourceOptions {
    /// Of CSV.
    pub csv: CsvOptions,
    /// Only for JSON: the treatment of a field that occurs twice.
    pub doubled_names: DoubledNames,
}

/// The documents of a file, in order, in bounded memory.
///
/// After a `resumable` [`BadRecord`], iteration continues with the next document; otherwise it
/// ends.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    progress: input::Progress,
    reader: Reader,
    ended: bool,
}

#[derive(Debug)]
enum Reader {
    Bson(BsonReader),
    Json(JsonReader),
    Csv(Box<CsvReader>),
    Columnar(Box<ColumnarReader>),
}

impl Source {
    /// Opens a file; without a `format`, its name determines it. A gzip file is decompressed in
    /// either case.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Self, FormatError> {
        Self::open_with(path, format, SourceOptions::default())
    }

    /// [`Source::open`] with options.
    pub fn open_with(
        path: &Path,
        format: Option<Format>,
        options: SourceOptions,
    ) -> Result<Self, FormatError> {
        let unknown = || FormatError::UnknownFormat { path: path.to_owned() };
        let format = format.or_else(|| Format::of_path(path)).ok_or_else(unknown)?;
        Self::new(path, Input::open(path)?, format, options)
    }

    /// Reads standard input. A document is returned as soon as it is complete, before the next one
    /// arrives; those of a table, when the input has ended.
    pub fn stdin(format: Format, options: SourceOptions) -> Result<Self, FormatError> {
        Self::new(Path::new("standard input"), Input::stdin()?, format, options)
    }

    /// Reads standard input to its end first, in bounded memory: what is more continues in a temporary
    /// file. So whoever writes it is done before the first document is used.
    pub fn spooled_stdin(format: Format, options: SourceOptions) -> Result<Self, FormatError> {
        Self::new(Path::new("standard input"), Input::spooled_stdin()?, format, options)
    }

    /// Reads the documents of one collection of an archive.
    pub fn of_part(part: &ArchivePart) -> Result<Self, FormatError> {
        let input = Input::of_reader(part.reader(), part.bytes());
        Self::new(part.name(), input, Format::Bson, SourceOptions::default())
    }

    /// A source without documents, such as a view described by this file.
    pub fn empty(path: &Path) -> Result<Self, FormatError> {
        let input = Input::of_reader(std::io::empty(), 0);
        Self::new(path, input, Format::Bson, SourceOptions::default())
    }

    fn new(
        path: &Path,
        input: Input,
        format: Format,
        options: SourceOptions,
    ) -> Result<Self, FormatError> {
        let progress = input.progress();
        let reader = match format {
            Format::Bson => Reader::Bson(BsonReader::new(input)),
            Format::Json | Format::JsonLines => {
                let reader =
                    JsonReader::new(input, format == Format::JsonLines, options.doubled_names);
                Reader::Json(reader.map_err(FormatError::io("read", path))?)
            }
            Format::Csv => Reader::Csv(Box::new(CsvReader::new(path, input, options)?)),
            Format::Columnar(format) => {
                Reader::Columnar(Box::new(ColumnarReader::new(path, format, input)?))
            }
        };
        Ok(Self { path: path.to_owned(), progress, reader, ended: false })
    }

    /// What the documents so far lost of the file's values, a sentence each, for people.
    pub fn notes(&self) -> Vec<String> {
        match &self.reader {
            Reader::Columnar(reader) => reader.notes().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The file, as named in a [`BadRecord`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of bytes of the file on disk read so far, which is a buffer ahead of the
    /// documents.
    pub fn bytes_read(&self) -> u64 {
        self.progress.read()
    }

    /// The size of the file on disk when it was opened; 0 for a pipe.
    pub fn bytes_total(&self) -> u64 {
        self.progress.total()
    }
}

/// A digest of the decompressed content of a file, independent of its name and time. `None` if it
/// can't be read twice, such as a pipe.
pub fn digest_of_file(path: &Path) -> Result<Option<[u8; 32]>, FormatError> {
    if !path.is_file() {
        return Ok(None);
    }
    digest(path, Input::open(path)?).map(Some)
}

/// [`digest_of_file`] of the documents of one collection of an archive.
pub fn digest_of_part(part: &ArchivePart) -> Result<[u8; 32], FormatError> {
    digest(part.name(), part.reader())
}

fn digest(path: &Path, reader: impl std::io::Read) -> Result<[u8; 32], FormatError> {
    let mut hasher = blake3::Hasher::new_derive_key("argon 1 import content");
    hasher.update_reader(reader).map_err(FormatError::io("read", path))?;
    Ok(*hasher.finalize().as_bytes())
}

impl Iterator for Source {
    type Item = Result<Record, BadRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match &mut self.reader {
            Reader::Bson(reader) => reader.next(),
            Reader::Json(reader) => reader.next(),
            Reader::Csv(reader) => reader.next(),
            Reader::Columnar(reader) => reader.next(),
        };
        self.ended = matches!(&next, None | Some(Err(Damage { resumable: false, .. })));
        next.map(|result| result.map_err(|damage| damage.in_file(&self.path)))
    }
}
