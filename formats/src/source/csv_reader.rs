//! Comma-separated values: a header with the names of fields, then one document per row.

use std::path::Path;

use bson::{Document, RawDocumentBuf};

use super::super::FormatError;
use super::super::extjson::NumberTypes;
use super::super::validate::{InvalidDocument, validate};
use super::csv_header::Header;
use super::csv_rows::Rows;
use super::csv_types::CellTypes;
use super::record::{Damage, Record};
use super::{Input, SourceOptions};

/// Options for reading a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvOptions {
    /// The separator of cells: an ASCII character, neither a quote nor a line break.
    pub separator: u8,
    /// Omit the field of an empty cell, instead of an empty string.
    pub ignore_blanks: bool,
    /// The types of cells whose column has no type.
    pub types: CellTypes,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { separator: b',', ignore_blanks: false, types: CellTypes::default() }
    }
}

#[derive(Debug)]
pub(super) struct CsvReader {
    rows: Rows,
    header: Header,
    options: CsvOptions,
}

impl CsvReader {
    /// Reads the header.
    pub(super) fn new(
        path: &Path,
        mut input: Input,
        options: SourceOptions,
    ) -> Result<Self, FormatError> {
        let start = input.skip_byte_order_mark().map_err(FormatError::io("read", path))?;
        let options = options.csv;
        let mut rows = Rows::new(input, options.separator, start);
        let unusable = |reason| FormatError::CsvHeader { path: path.to_owned(), reason };
        rows.read().map_err(|Damage { position, reason, .. }| {
            let line = position.line().map(|line| format!("line {line}: ")).unwrap_or_default();
            unusable(line + &reason)
        })?;
        let header = Header::parse(rows.cells(), options.types).map_err(unusable)?;
        Ok(Self { rows, header, options })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, Damage>> {
        match self.rows.read() {
            Ok(false) => None,
            Ok(true) => {
                let position = self.rows.position();
                Some(match self.document() {
                    Ok(document) => {
                        let number_types = NumberTypes::Named;
                        Ok(Record { document, position, number_types })
                    }
                    Err(reason) => Err(Damage { position, reason, resumable: true }),
                })
            }
            Err(damage) => Some(Err(damage)),
        }
    }

    /// Builds the document of the current row.
    fn document(&self) -> Result<RawDocumentBuf, String> {
        let mut document = Document::new();
        for (index, cell) in self.rows.cells().enumerate() {
            if !(cell.text.is_empty() && self.options.ignore_blanks) {
                self.header.set(&mut document, index, cell, self.options.types)?;
            }
        }
        let document = RawDocumentBuf::try_from(&document)
            .map_err(InvalidDocument::from)
            .map_err(|error| error.to_string())?;
        validate(&document).map_err(|error| error.to_string())?;
        Ok(document)
    }
}
