//! A document of a file, or the error in place of one.

use std::fmt;
use std::path::{Path, PathBuf};

use bson::RawDocumentBuf;

use super::super::extjson::NumberTypes;

/// A [validated](super::super::validate()) document, with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The document.
    pub document: RawDocumentBuf,
    /// Where it begins.
    pub position: Position,
    /// Whether the numbers have the types that somebody chose.
    pub number_types: NumberTypes,
}

/// A position in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// In a file of documents that stand one after the other.
    Byte {
        /// In bytes from the start of the uncompressed file.
        offset: u64,
        /// The line, from 1; none for BSON.
        line: Option<u64>,
    },
    /// In a file of columns.
    Row {
        /// The row of the file, from 1.
        row: u64,
        /// Its row group of a Parquet file, or its batch of an Arrow file, from 1.
        group: u64,
    },
}

impl Position {
    /// The position in a file of lines.
    pub(super) fn in_line(offset: u64, line: u64) -> Self {
        Self::Byte { offset, line: Some(line) }
    }

    /// The line, if the file has lines.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Byte { line, .. } => *line,
            Self::Row { .. } => None,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte { offset, line: None } => write!(f, "byte {offset}"),
            Self::Byte { offset, line: Some(line) } => write!(f, "byte {offset} (line {line})"),
            Self::Row { row, group } => write!(f, "row {row} (row group {group})"),
        }
    }
}

/// An invalid document in a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {position}: {reason}", path.display())]
pub struct BadRecord {
    /// The file.
    pub path: PathBuf,
    /// Where it begins, with the line of the problem.
    pub position: Position,
    /// The problem.
    pub reason: String,
    /// Whether the next call of `next` continues after it. If not, the iteration ends here.
    pub resumable: bool,
}

/// A [`BadRecord`] inside of a reader, which doesn't know the file's name.
#[derive(Debug)]
pub(super) struct Damage {
    pub(super) position: Position,
    pub(super) reason: String,
    pub(super) resumable: bool,
}

impl Damage {
    pub(super) fn in_file(self, path: &Path) -> BadRecord {
        let Self { position, reason, resumable } = self;
        BadRecord { path: path.to_owned(), position, reason, resumable }
    }
}
