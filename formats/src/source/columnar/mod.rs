//! The rows of a Parquet or an Arrow file as documents.
//!
//! | file | content |
//! | --- | --- |
//! | `batches.rs` | the rows of a file, some at a time |
//! | `column.rs` | which columns can be read, and how |
//! | `value.rs` | a value of a column as BSON |

mod batches;
mod column;
mod value;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;
use std::thread;

use arrow_array::{Array, RecordBatch};
use bson::RawDocumentBuf;

use self::batches::Batches;
use self::column::Column;
use super::super::extjson::NumberTypes;
use super::super::validate::validate;
use super::super::{ColumnarFormat, FormatError};
use super::Input;
use super::input::Progress;
use super::record::{Damage, Position, Record};

#[derive(Debug)]
pub(super) struct ColumnarReader {
    batches: Batches,
    columns: Vec<Column>,
    batch: Option<RecordBatch>,
    /// The next row of the batch.
    next: usize,
    /// The rows before that one, in the whole file.
    rows: u64,
    total: u64,
    progress: Progress,
    /// What values lose, for people.
    notes: BTreeSet<String>,
}

impl ColumnarReader {
    /// Opens a file, and reads all of it once, so that no document of a damaged file is returned.
    pub(super) fn new(
        path: &Path,
        format: ColumnarFormat,
        input: Input,
    ) -> Result<Self, FormatError> {
        let progress = input.progress();
        let file = seekable(path, input).map_err(FormatError::io("read", path))?;
        let bad = |reason| FormatError::Columns { path: path.to_owned(), reason };
        let (columns, total) = apart(|| check(&file, format)).map_err(bad)?;
        let batches = Batches::open(&file, format).map_err(bad)?;
        let notes = BTreeSet::new();
        Ok(Self { batches, columns, batch: None, next: 0, rows: 0, total, progress, notes })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, Damage>> {
        while self.batch.as_ref().is_none_or(|batch| self.next >= batch.num_rows()) {
            match self.batches.next()? {
                Ok(batch) => {
                    self.batch = Some(batch);
                    self.next = 0;
                }
                Err(reason) => {
                    let position = self.position();
                    return Some(Err(Damage { position, reason, resumable: false }));
                }
            }
        }
        let document = self.document();
        self.next += 1;
        self.rows += 1;
        self.progress.reach(self.rows, self.total);
        let position = self.position();
        let number_types = NumberTypes::Named;
        Some(match document {
            Ok(document) => Ok(Record { document, position, number_types }),
            Err(reason) => Err(Damage { position, reason, resumable: true }),
        })
    }

    /// What the rows so far lost.
    pub(super) fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    fn position(&self) -> Position {
        Position::Row { row: self.rows, group: self.batches.group() }
    }

    /// The document of the next row.
    fn document(&mut self) -> Result<RawDocumentBuf, String> {
        let Some(batch) = &self.batch else { return Err("no row".to_owned()) };
        let columns = self.columns.iter().zip(batch.columns());
        let columns = columns.map(|(column, array)| (column, array.as_ref() as &dyn Array));
        let document = value::document(columns, self.next, &mut self.notes)?;
        validate(&document).map_err(|error| error.to_string())?;
        Ok(document)
    }
}

/// Reads a whole file. Returns how its columns are read, and the number of its rows.
fn check(file: &File, format: ColumnarFormat) -> Result<(Vec<Column>, u64), String> {
    let mut batches = Batches::open(file, format)?;
    let columns = column::of_schema(&batches.schema())?;
    let mut rows = 0;
    while let Some(batch) = batches.next() {
        rows += batch.map_err(|reason| batches.in_group(&reason))?.num_rows() as u64;
    }
    Ok((columns, rows))
}

/// Runs a function on a thread of its own, because the libraries panic on some damaged files.
fn apart<T: Send>(run: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("table-check".to_owned());
        let thread = thread.spawn_scoped(scope, run);
        let thread = thread.map_err(|error| format!("no thread could be started: {error}"))?;
        thread.join().unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(batches::damaged(&words.unwrap_or("they can't be read")))
        })
    })
}

/// The content of a file that can be read at any offset.
fn seekable(path: &Path, mut input: Input) -> io::Result<File> {
    if !input.is_compressed() && path.is_file() {
        return File::open(path);
    }
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    file.rewind()?;
    Ok(file)
}
