//! The rows of a file, some at a time, in bounded memory.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Seek};

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use super::super::super::ColumnarFormat;

/// The rows of a Parquet file that become documents at once.
const BATCH_ROWS: usize = 1024;

/// The rows of a file in order. Nothing is asked of it after an error.
pub(super) enum Batches {
    Parquet(Parquet),
    Arrow(Arrow),
}

pub(super) struct Parquet {
    file: File,
    metadata: ArrowReaderMetadata,
    /// The number of row groups that were begun.
    groups: usize,
    /// The present row group.
    rows: Option<ParquetRecordBatchReader>,
}

pub(super) struct Arrow {
    batches: FileReader<BufReader<File>>,
    /// The number of batches that were begun.
    groups: usize,
}

impl Batches {
    /// Opens a file. An error says what is wrong with it.
    pub(super) fn open(file: &File, format: ColumnarFormat) -> Result<Self, String> {
        let open = || file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
        let file = open().map_err(|error| format!("failed to read: {error}"))?;
        let bad =
            |error: &dyn fmt::Display| format!("invalid or incomplete {format} file: {error}");
        match format {
            ColumnarFormat::Parquet => {
                let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
                    .map_err(|error| bad(&error))?;
                Ok(Self::Parquet(Parquet { file, metadata, groups: 0, rows: None }))
            }
            ColumnarFormat::Arrow => {
                let batches =
                    FileReader::try_new_buffered(file, None).map_err(|error| bad(&error))?;
                Ok(Self::Arrow(Arrow { batches, groups: 0 }))
            }
        }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        match self {
            Self::Parquet(parquet) => parquet.metadata.schema().clone(),
            Self::Arrow(arrow) => arrow.batches.schema(),
        }
    }

    /// The next rows; none at the end. An error says what is wrong with the row group.
    pub(super) fn next(&mut self) -> Option<Result<RecordBatch, String>> {
        match self {
            Self::Parquet(parquet) => parquet.next(),
            Self::Arrow(arrow) => arrow.next(),
        }
    }

    /// The row group, or the batch of an Arrow file, that the last rows were of, from 1.
    pub(super) fn group(&self) -> u64 {
        let groups = match self {
            Self::Parquet(parquet) => parquet.groups,
            Self::Arrow(arrow) => arrow.groups,
        };
        groups as u64
    }

    /// An error of the present row group.
    pub(super) fn in_group(&self, reason: &str) -> String {
        format!("row group {}: {reason}", self.group())
    }
}

impl Parquet {
    fn next(&mut self) -> Option<Result<RecordBatch, String>> {
        loop {
            if let Some(batch) = self.rows.as_mut().and_then(Iterator::next) {
                return Some(batch.map_err(|error| damaged(&error)));
            }
            if self.groups >= self.metadata.metadata().num_row_groups() {
                return None;
            }
            self.groups += 1;
            match self.open_group() {
                Ok(rows) => self.rows = Some(rows),
                Err(error) => return Some(Err(damaged(&error))),
            }
        }
    }

    fn open_group(&self) -> parquet::errors::Result<ParquetRecordBatchReader> {
        let file = self.file.try_clone()?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(vec![self.groups - 1])
            .with_batch_size(BATCH_ROWS)
            .build()
    }
}

impl Arrow {
    fn next(&mut self) -> Option<Result<RecordBatch, String>> {
        let next = self.batches.next()?;
        self.groups += 1;
        Some(next.map_err(|error| damaged(&error)))
    }
}

pub(super) fn damaged(error: &dyn fmt::Display) -> String {
    format!("can't read the data: {error}")
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("group", &self.group()).finish_non_exhaustive()
    }
}
