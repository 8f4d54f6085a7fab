//! A collection's documents as `mongodump` writes them.

use std::io::Write;
use std::path::{Path, PathBuf};

use bson::RawDocument;

use super::super::FormatError;
use super::whole_file::WholeFile;
use super::{Written, collection_path};

/// Writes the documents of one collection to `NAME.bson` (`.gz`). Dropped without
/// [`finish`](Self::finish), it leaves nothing behind.
#[derive(Debug)]
pub struct BsonWriter {
    path: PathBuf,
    file: WholeFile,
    documents: u64,
}

impl BsonWriter {
    /// Begins the file in `directory`, which must be there, under a temporary name.
    pub fn create(directory: &Path, collection: &str, gzip: bool) -> Result<Self, FormatError> {
        Self::create_file(&collection_path(directory, collection, "bson", gzip), gzip)
    }

    /// Begins a file of any name, whose directory must be there.
    pub fn create_file(path: &Path, gzip: bool) -> Result<Self, FormatError> {
        let file = WholeFile::create(path, gzip)?;
        Ok(Self { path: path.to_owned(), file, documents: 0 })
    }

    /// Appends a document, byte for byte.
    pub fn write(&mut self, document: &RawDocument) -> Result<(), FormatError> {
        self.file.write_all(document.as_bytes()).map_err(FormatError::io("write", &self.path))?;
        self.documents += 1;
        Ok(())
    }

    /// Makes the file durable, and gives it its name, in place of any file that had it.
    pub fn finish(self) -> Result<Written, FormatError> {
        let path = self.file.finish()?;
        Ok(Written { path, documents: self.documents })
    }
}
