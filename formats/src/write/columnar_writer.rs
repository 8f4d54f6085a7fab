//! Writes documents as a table: a Parquet or an Arrow file.

use std::fmt;
use std::path::PathBuf;

use argon_core::Error;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, SchemaRef};
use bson::RawDocument;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::super::FormatError;
use super::super::columns::{Column, Fields, arrow};
use super::Written;
use super::sink::{Sink, Target};
use crate::ColumnarFormat;

/// The maximum number of columns, because each has buffers of its own.
const MOST_COLUMNS: usize = 10_000;
/// Rows that become columns at once.
const BATCH_ROWS: usize = 8192;
/// The size of the documents that become columns at once, unless a single one is larger.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// The limits of a row group of a Parquet file, which is in memory, compressed, until it is complete.
const GROUP_ROWS: usize = 1024 * 1024;
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Writes documents as the rows of a table. If dropped without [`finish`](Self::finish), it leaves no file.
///
/// Memory: some 16 MiB and, of a Parquet file, a row group.
pub struct ColumnarWriter {
    path: PathBuf,
    fields: Fields,
    schema: SchemaRef,
    rows: Column,
    /// The size of the documents in `rows`.
    bytes: usize,
    inner: Inner,
    documents: u64,
}

enum Inner {
    Parquet(Box<ArrowWriter<Sink>>),
    Arrow(Box<FileWriter<Sink>>),
}

impl ColumnarWriter {
    /// Begins a file with a column for each of these fields, which are those of all documents.
    ///
    /// # Errors
    /// `TooManyColumns`; those of creating the file.
    pub fn create(
        target: Target<'_>,
        format: ColumnarFormat,
        fields: Fields,
        gzip: bool,
    ) -> Result<Self, FormatError> {
        if fields.columns() > MOST_COLUMNS {
            return Err(FormatError::TooManyColumns { most: MOST_COLUMNS });
        }
        let path = target.path();
        let schema = arrow::schema(&fields);
        let sink = Sink::create(target, gzip)?;
        let inner = match format {
            ColumnarFormat::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_max_row_group_bytes(Some(GROUP_BYTES))
                    .set_created_by(concat!("argon ", env!("CARGO_PKG_VERSION")).to_owned())
                    .build();
                ArrowWriter::try_new(sink, schema.clone(), Some(properties))
                    .map(|writer| Inner::Parquet(Box::new(writer)))
                    .map_err(|error| unwritten(&path, error.into()))?
            }
            ColumnarFormat::Arrow => FileWriter::try_new(sink, &schema)
                .map(|writer| Inner::Arrow(Box::new(writer)))
                .map_err(|error| unwritten(&path, error.into()))?,
        };
        let rows = Column::of_fields(&fields);
        Ok(Self { path, fields, schema, rows, bytes: 0, inner, documents: 0 })
    }

    /// Appends a document.
    ///
    /// # Errors
    /// `Columns` for a document that can't be read; those of writing.
    pub fn write(&mut self, document: &RawDocument) -> Result<(), FormatError> {
        self.rows.push_document(document).map_err(|error| self.unreadable(&error))?;
        self.bytes += document.as_bytes().len();
        self.documents += 1;
        if self.rows.length >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.write_rows()?;
        }
        Ok(())
    }

    /// Makes the file durable, and renames it to its final name, replacing any existing file.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self) -> Result<Written, FormatError> {
        if self.rows.length > 0 {
            self.write_rows()?;
        }
        let Self { path, inner, documents, .. } = self;
        let sink = match inner {
            Inner::Parquet(writer) => writer.into_inner().map_err(Unwritten::from),
            Inner::Arrow(writer) => finished(*writer).map_err(Unwritten::from),
        };
        let path = sink.map_err(|error| unwritten(&path, error))?.finish()?;
        Ok(Written { path, documents })
    }

    fn write_rows(&mut self) -> Result<(), FormatError> {
        let rows = std::mem::replace(&mut self.rows, Column::of_fields(&self.fields));
        self.bytes = 0;
        let batch = arrow::batch(rows, self.schema.clone()).map_err(Unwritten::from);
        let written = batch.and_then(|batch| match &mut self.inner {
            Inner::Parquet(writer) => writer.write(&batch).map_err(Unwritten::from),
            Inner::Arrow(writer) => writer.write(&batch).map_err(Unwritten::from),
        });
        written.map_err(|error| unwritten(&self.path, error))
    }

    fn unreadable(&self, error: &Error) -> FormatError {
        FormatError::Columns { path: self.path.clone(), reason: error.to_string() }
    }
}

impl fmt::Debug for ColumnarWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnarWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

fn finished(mut writer: FileWriter<Sink>) -> Result<Sink, ArrowError> {
    writer.finish()?;
    writer.into_inner()
}

/// Why a table is not written.
enum Unwritten {
    Io(std::io::Error),
    Other(String),
}

impl From<ArrowError> for Unwritten {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => Self::Io(error),
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<ParquetError> for Unwritten {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(error) => match error.downcast() {
                Ok(error) => Self::Io(*error),
                Err(error) => Self::Other(error.to_string()),
            },
            error => Self::Other(error.to_string()),
        }
    }
}

fn unwritten(path: &std::path::Path, error: Unwritten) -> FormatError {
    match error {
        Unwritten::Io(error) => FormatError::io("write", path)(error),
        Unwritten::Other(reason) => FormatError::Columns { path: path.to_owned(), reason },
    }
}
