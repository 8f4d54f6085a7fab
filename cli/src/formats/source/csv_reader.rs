//! Comma-separated values: a header with the names of fields, then a document a row.

use std::io::{self, Read};
use std::path::Path;

use bson::{Bson, Document, RawDocumentBuf};
use csv::{ByteRecord, ReaderBuilder};

use super::super::FormatError;
use super::super::validate::{InvalidDocument, MAX_DOCUMENT_BYTES, validate};
use super::csv_header::Header;
use super::record::{Damage, Record};
use super::{Input, SourceOptions};

/// The longest row that is read: a quote that is never closed must not take the rest of the file
/// into memory.
const MAX_ROW_BYTES: usize = 4 * MAX_DOCUMENT_BYTES;

#[derive(Debug)]
pub(super) struct CsvReader {
    rows: csv::Reader<RowLimit>,
    row: ByteRecord,
    header: Header,
    /// Of the header in the file: the length of a byte order mark.
    start: u64,
    ignore_blanks: bool,
}

impl CsvReader {
    /// Reads the header.
    pub(super) fn new(
        path: &Path,
        mut input: Input,
        options: SourceOptions,
    ) -> Result<Self, FormatError> {
        let start = input.skip_byte_order_mark().map_err(FormatError::io("read", path))?;
        let mut rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(RowLimit { input, left: MAX_ROW_BYTES });
        let mut row = ByteRecord::new();
        let unusable = |reason| FormatError::CsvHeader { path: path.to_owned(), reason };
        rows.read_byte_record(&mut row).map_err(|error| unusable(error.to_string()))?;
        let header = Header::parse(&row).map_err(unusable)?;
        Ok(Self { rows, row, header, start, ignore_blanks: options.ignore_blanks })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, Damage>> {
        self.rows.get_mut().left = MAX_ROW_BYTES;
        let read = self.rows.read_byte_record(&mut self.row);
        let place = self.row.position().unwrap_or_else(|| self.rows.position());
        let (offset, line) = (self.start + place.byte(), Some(place.line()));
        let damage = |reason, resumable| Damage { offset, line, reason, resumable };
        match read {
            Ok(false) => None,
            Ok(true) => Some(match self.document() {
                Ok(document) => Ok(Record { document, offset, line }),
                Err(reason) => Err(damage(reason, true)),
            }),
            Err(error) => {
                let reason = match error.into_kind() {
                    csv::ErrorKind::Io(error) => self.rows.get_ref().input.explain(&error),
                    other => format!("{other:?}"),
                };
                Some(Err(damage(reason, false)))
            }
        }
    }

    /// The document of the current row.
    fn document(&self) -> Result<RawDocumentBuf, String> {
        let mut document = Document::new();
        for (index, cell) in self.row.iter().enumerate() {
            let cell = std::str::from_utf8(cell)
                .map_err(|_| format!("the cell in column {} is not UTF-8", index + 1))?;
            if !(cell.is_empty() && self.ignore_blanks) {
                self.header.set(&mut document, index, guess_type(cell))?;
            }
        }
        let document = RawDocumentBuf::try_from(&document)
            .map_err(InvalidDocument::from)
            .map_err(|error| error.to_string())?;
        validate(&document).map_err(|error| error.to_string())?;
        Ok(document)
    }
}

/// What `mongoimport` takes a cell for when it isn't told types: the first of `Int32`, `Int64`,
/// `Double` that it parses as, else a string. White space before a number is no part of it.
///
/// So `007` is the number 7, and `NaN` and `Infinity` are numbers, as they are to `mongoimport`.
fn guess_type(cell: &str) -> Bson {
    let number = cell.trim_start();
    if let Ok(integer) = number.parse::<i64>() {
        return i32::try_from(integer).map_or(Bson::Int64(integer), Bson::Int32);
    }
    match number.parse::<f64>() {
        // Digits that are out of range are text to mongoimport, not infinity.
        Ok(double) if double.is_infinite() && number.contains(|c: char| c.is_ascii_digit()) => {
            Bson::String(cell.to_owned())
        }
        Ok(double) => Bson::Double(double),
        Err(_) => Bson::String(cell.to_owned()),
    }
}

/// Fails when a row takes more bytes than are `left` to it.
#[derive(Debug)]
struct RowLimit {
    input: Input,
    left: usize,
}

impl Read for RowLimit {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let reason = "the row is too long; is a quote left open?";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let count = self.input.read(buffer)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}
