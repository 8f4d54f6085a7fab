//! Writes documents as JSON, one per line.

use std::io::Write;
use std::path::PathBuf;

use bson::RawDocument;

use super::super::FormatError;
use super::super::extjson::{Layout, Mode, print_document};
use super::Written;
use super::sink::{Sink, Target};

/// Writes documents to a file as Extended JSON, one per line. If dropped without
/// [`finish`](Self::finish), it leaves no file.
#[derive(Debug)]
pub struct JsonLinesWriter {
    path: PathBuf,
    sink: Sink,
    mode: Mode,
    documents: u64,
}

impl JsonLinesWriter {
    /// Creates a file under a temporary name beside its final one, or writes to standard output.
    pub fn create(target: Target<'_>, mode: Mode, gzip: bool) -> Result<Self, FormatError> {
        let (path, sink) = (target.path(), Sink::create(target, gzip)?);
        Ok(Self { path, sink, mode, documents: 0 })
    }

    /// Appends a document. An invalid one is an error, and writes no part of a line.
    pub fn write(&mut self, document: &RawDocument) -> Result<(), FormatError> {
        let mut line = print_document(document, self.mode, Layout::Compact).map_err(|error| {
            let invalid = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
            FormatError::io("write", &self.path)(invalid)
        })?;
        line.push('\n');
        self.sink.write_all(line.as_bytes()).map_err(FormatError::io("write", &self.path))?;
        self.documents += 1;
        Ok(())
    }

    /// Makes the file durable, and renames it to its final name, replacing any existing file.
    pub fn finish(self) -> Result<Written, FormatError> {
        let path = self.sink.finish()?;
        Ok(Written { path, documents: self.documents })
    }
}
