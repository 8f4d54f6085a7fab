//! One document of a file, or what is wrong where one should be.

use std::path::{Path, PathBuf};

use bson::RawDocumentBuf;

/// A document, [validated](super::super::validate()), and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The document.
    pub document: RawDocumentBuf,
    /// Where it begins, in bytes from the start of the uncompressed file.
    pub offset: u64,
    /// The line on which it begins, from 1; none for BSON.
    pub line: Option<u64>,
}

/// A place in a file where a document should be and isn't.
#[derive(Debug, thiserror::Error)]
#[error("{}: byte {offset}{}: {reason}", path.display(), in_line(*line))]
pub struct BadRecord {
    /// The file.
    pub path: PathBuf,
    /// Where the bad record begins, in bytes from the start of the uncompressed file.
    pub offset: u64,
    /// The line on which the fault was noticed, from 1; none for BSON.
    pub line: Option<u64>,
    /// What is wrong.
    pub reason: String,
    /// Whether the next call of `next` goes on after it. If not, the iteration ends here.
    pub resumable: bool,
}

fn in_line(line: Option<u64>) -> String {
    line.map(|line| format!(" (line {line})")).unwrap_or_default()
}

/// A [`BadRecord`] as a reader sees it, which doesn't know the file's name.
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
