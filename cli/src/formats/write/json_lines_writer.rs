//! Documents as JSON, one a line.

use std::io::Write;
use std::path::{Path, PathBuf};

use bson::RawDocument;

use super::super::FormatError;
use super::super::extjson::{Layout, Mode, print_document};
use super::Written;
use super::whole_file::WholeFile;

/// Writes documents to a file as Extended JSON, one a line. Dropped without
/// [`finish`](Self::finish), it leaves nothing behind.
#[derive(Debug)]
pub struct JsonLinesWriter {
    path: PathBuf,
    file: WholeFile,
    mode: Mode,
    documents: u64,
}

impl JsonLinesWriter {
    /// Begins the file under a temporary name beside `path`, whose directory must be there.
    pub fn create(path: &Path, mode: Mode, gzip: bool) -> Result<Self, FormatError> {
        let file = WholeFile::create(path, gzip)?;
        Ok(Self { path: path.to_owned(), file, mode, documents: 0 })
    }

    /// Appends a document. One that isn't valid BSON is an error, and leaves no part of a line.
    pub fn write(&mut self, document: &RawDocument) -> Result<(), FormatError> {
        let mut line = print_document(document, self.mode, Layout::Compact).map_err(|error| {
            let invalid = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
            FormatError::io("write", &self.path)(invalid)
        })?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(FormatError::io("write", &self.path))?;
        self.documents += 1;
        Ok(())
    }

    /// Makes the file durable, and gives it its name, in place of any file that had it.
    pub fn finish(self) -> Result<Written, FormatError> {
        let path = self.file.finish()?;
        Ok(Written { path, documents: self.documents })
    }
}
