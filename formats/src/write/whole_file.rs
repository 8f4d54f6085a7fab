//! A file that gets its final name only when it is complete and durable.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use argon_core::storage;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::FormatError;

const BUFFER_BYTES: usize = 256 * 1024;

/// Writes to a temporary name in the target's directory; if dropped, it removes the file.
pub(super) struct WholeFile {
    target: PathBuf,
    writer: Writer,
}

enum Writer {
    Plain(BufWriter<storage::WholeFile>),
    Gzip(GzEncoder<BufWriter<storage::WholeFile>>),
}

impl WholeFile {
    pub(super) fn create(target: &Path, gzip: bool) -> Result<Self, FormatError> {
        let file = storage::WholeFile::create(target).map_err(FormatError::io("create", target))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let writer = if gzip {
            Writer::Gzip(GzEncoder::new(file, Compression::default()))
        } else {
            Writer::Plain(file)
        };
        Ok(Self { target: target.to_owned(), writer })
    }

    /// Flushes, syncs, renames, and syncs the directory, so that the name survives power loss too.
    pub(super) fn finish(self) -> Result<PathBuf, FormatError> {
        let Self { target, writer } = self;
        let publish = || {
            let file = match writer {
                Writer::Plain(file) => file,
                Writer::Gzip(encoder) => encoder.finish()?,
            };
            file.into_inner().map_err(io::IntoInnerError::into_error)?.publish()
        };
        publish().map_err(FormatError::io("write", &target))?;
        Ok(target)
    }
}

impl Write for WholeFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Writer::Plain(file) => file.write(buffer),
            Writer::Gzip(encoder) => encoder.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Writer::Plain(file) => file.flush(),
            Writer::Gzip(encoder) => encoder.flush(),
        }
    }
}

impl fmt::Debug for WholeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholeFile").field("target", &self.target).finish_non_exhaustive()
    }
}
