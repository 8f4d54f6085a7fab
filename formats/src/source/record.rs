//! A document of a file, or the error in place of one.

use std::path::{Path, PathBuf};

use bson::RawDocumentBuf;

use super::super::extjson::NumberTypes;

/// A [validated](super::super::validate()) document, with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The document.
    pub document: RawDocumentBuf,
    /// The offset of its beginning, in bytes from the start of the uncompressed file.
    pub offset: u64,
    /// The line of its beginning, from 1; none for BSON.
    pub line: Option<u64>,
    /// Whether the numbers have the types that somebody chose.
    pub number_types: NumberTypes,
}

/// An invalid document in a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: byte {offset}{}: {reason}", path.display(), in_line(*line))]
pub struct BadRecord {
    /// The file.
    pub path: PathBuf,
    /// The offset of its beginning, in bytes from the start of the uncompressed file.
    pub offset: u64,
    /// The line of the problem, from 1; none for BSON.
    pub line: Option<u64>,
    /// The problem.
    pub reason: String,
    /// Whether the next call of `next` continues after it. If not, the iteration ends here.
    pub resumable: bool,
}

fn in_line(line: Option<u64>) -> String {
    line.map(|line| format!(" (line {line})")).unwrap_or_default()
}

/// A [`BadRecord`] inside of a reader, which doesn't know the file's name.
#[derive(Debug)]
pub(super) struct Damage {
    pub(super) offset: u64,
    pub(super) line: Option<u64>,
    pub(super) reason: String,
    pub(super) resumable: bool,
}

impl Damage {
    pub(super) fn in_file(self, path: &Path) -> BadRecord {
        let Self { offset, line, reason, resumable } = self;
        BadRecord { path: path.to_owned(), offset, line, reason, resumable }
    }
}
