//! Writes documents as comma-separated values, with the names of the columns in the first line.

use std::io::Write;
use std::path::PathBuf;

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument};

use super::super::FormatError;
use super::super::extjson::{Layout, Mode, print_raw_value};
use super::Written;
use super::sink::{Sink, Target};

/// Writes documents as rows. A missing field and null are an empty cell; text that could be read as
/// another type is quoted; a value without a CSV form, such as an array, is relaxed Extended JSON.
/// If dropped without [`finish`](Self::finish), it leaves no file.
#[derive(Debug)]
pub struct CsvWriter {
    path: PathBuf,
    sink: Sink,
    columns: Vec<Vec<String>>,
    documents: u64,
}

impl CsvWriter {
    /// Writes the header; a column is the list of names down to its field.
    pub fn create(
        target: Target<'_>,
        columns: Vec<Vec<String>>,
        gzip: bool,
    ) -> Result<Self, FormatError> {
        let (path, sink) = (target.path(), Sink::create(target, gzip)?);
        let mut writer = Self { path, sink, columns, documents: 0 };
        let names: Vec<String> =
            writer.columns.iter().map(|path| quoted(&path.join("."))).collect();
        writer.row(&names)?;
        Ok(writer)
    }

    /// Appends a document.
    pub fn write(&mut self, document: &RawDocument) -> Result<(), FormatError> {
        let cells = self.columns.iter().map(|path| match value(document, path) {
            Some(value) => cell(value),
            None => Ok(String::new()),
        });
        let cells = cells.collect::<Result<Vec<_>, _>>().map_err(|error| {
            FormatError::io("write", &self.path)(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                error,
            ))
        })?;
        self.row(&cells)?;
        self.documents += 1;
        Ok(())
    }

    /// Makes the file durable, and renames it to its final name, replacing any existing file.
    pub fn finish(self) -> Result<Written, FormatError> {
        let path = self.sink.finish()?;
        Ok(Written { path, documents: self.documents })
    }

    fn row(&mut self, cells: &[String]) -> Result<(), FormatError> {
        // An empty line is not a row, so a single empty cell is quoted.
        let line = match cells {
            [only] if only.is_empty() => "\"\"".to_owned(),
            cells => cells.join(","),
        };
        writeln!(self.sink, "{line}").map_err(FormatError::io("write", &self.path))
    }
}

fn value<'a>(document: &'a RawDocument, path: &[String]) -> Option<RawBsonRef<'a>> {
    let (name, rest) = path.split_first()?;
    let value = document.get(name).ok()??;
    match (rest, value) {
        ([], value) => Some(value),
        (rest, RawBsonRef::Document(inner)) => self::value(inner, rest),
        _ => None,
    }
}

fn cell(value: RawBsonRef<'_>) -> Result<String, super::super::InvalidDocument> {
    Ok(match value {
        RawBsonRef::String(text) | RawBsonRef::Symbol(text) => quoted_text(text),
        RawBsonRef::Null | RawBsonRef::Undefined => String::new(),
        RawBsonRef::Boolean(value) => value.to_string(),
        RawBsonRef::ObjectId(id) => ObjectId::to_hex(id),
        RawBsonRef::Int32(number) => number.to_string(),
        RawBsonRef::Int64(number) => number.to_string(),
        // With a point or an exponent, so that it is parsed as a double.
        RawBsonRef::Double(number) => format!("{number:?}"),
        RawBsonRef::Decimal128(number) => number.to_string(),
        RawBsonRef::DateTime(time) => match time.try_to_rfc3339_string() {
            Ok(text) => text,
            Err(_) => quoted(&print_raw_value(value, Mode::Relaxed, Layout::Compact)?),
        },
        value => quoted(&print_raw_value(value, Mode::Relaxed, Layout::Compact)?),
    })
}

/// Formats text, in quotes if it would otherwise be read as a number or lose its blanks.
fn quoted_text(text: &str) -> String {
    if text.is_empty() || text.trim() != text || text.parse::<f64>().is_ok() {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    quoted(text)
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
