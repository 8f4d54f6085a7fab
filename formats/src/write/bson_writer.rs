//! Writes a collection's documents like `mongodump`.

use std::io::Write;
use std::path::{Path, PathBuf};

use bson::RawDocument;

use super::super::FormatError;
use super::sink::{Sink, Target};
use super::{Written, collection_path};

/// Writes the documents of one collection to `NAME.bson` (`.gz`). If dropped without
/// [`finish`](Self::finish), it leaves no file.
#[derive(Debug)]
pub struct BsonWriter {
    path: PathBuf,
    sink: Sink,
    documents: u64,
}

impl BsonWriter {
    /// Creates the file in `directory`, which must exist, under a temporary name.
    pub fn create(directory: &Path, collection: &str, gzip: bool) -> Result<Self, FormatError> {
        let path = collection_path(directory, collection, "bson", gzip);
        Self::to(Target::File(&path), gzip)
    }

    /// Creates a file of any name, or writes to standard output.
    pub fn to(target: Target<'_>, gzip: bool) -> Result<Self, FormatError> {
        let (path, sink) = (target.path(), Sink::create(target, gzip)?);
        Ok(Self { path, sink, documents: 0 })
    }

    /// Appends a document, byte for byte.
    pub fn write(&mut self, document: &RawDocument) -> Result<(), FormatError> {
        self.sink.write_all(document.as_bytes()).map_err(FormatError::io("write", &self.path))?;
        self.documents += 1;
        Ok(())
    }

    /// Makes the file durable, and renames it to its final name, replacing any existing file.
    pub fn finish(self) -> Result<Written, FormatError> {
        let path = self.sink.finish()?;
        Ok(Written { path, documents: self.documents })
    }
}
