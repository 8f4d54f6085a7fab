//! The target of a writer: a file that is visible completely or not at all, or standard output, which the
//! caller provides.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::FormatError;
use super::whole_file::WholeFile;

/// The name of standard output in errors and results.
const STDOUT: &str = "standard output";

const BUFFER_BYTES: usize = 64 * 1024;

/// Opens standard output, or what stands before it.
pub type OpenOutput<'a> = &'a (dyn Fn() -> Box<dyn Write + Send> + Sync);

/// The target of a writer.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// A file, whose directory must exist.
    File(&'a Path),
    /// Standard output.
    Stdout(OpenOutput<'a>),
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().fmt(f)
    }
}

/// Takes bytes; see [`finish`](Self::finish).
pub(super) enum Sink {
    File(WholeFile),
    Stdout(BufWriter<Box<dyn Write + Send>>),
    CompressedStdout(Box<GzEncoder<BufWriter<Box<dyn Write + Send>>>>),
}

impl Target<'_> {
    /// The name in errors and results.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => (*path).to_owned(),
            Self::Stdout(_) => PathBuf::from(STDOUT),
        }
    }
}

impl Sink {
    pub(super) fn create(target: Target<'_>, gzip: bool) -> Result<Self, FormatError> {
        let buffered = |open: OpenOutput<'_>| BufWriter::with_capacity(BUFFER_BYTES, open());
        Ok(match target {
            Target::File(path) => Self::File(WholeFile::create(path, gzip)?),
            Target::Stdout(open) if gzip => {
                let encoder = GzEncoder::new(buffered(open), Compression::default());
                Self::CompressedStdout(Box::new(encoder))
            }
            Target::Stdout(open) => Self::Stdout(buffered(open)),
        })
    }

    /// Makes a file durable and renames it to its final name; flushes standard output.
    pub(super) fn finish(self) -> Result<PathBuf, FormatError> {
        let path = PathBuf::from(STDOUT);
        let flushed = match self {
            Self::File(file) => return file.finish(),
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::CompressedStdout(encoder) => {
                (*encoder).finish().and_then(|mut stdout| stdout.flush())
            }
        };
        flushed.map_err(FormatError::io("write", &path))?;
        Ok(path)
    }
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buffer),
            Self::Stdout(stdout) => stdout.write(buffer),
            Self::CompressedStdout(encoder) => encoder.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
            Self::CompressedStdout(encoder) => encoder.flush(),
        }
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "a file",
            _ => "standard output",
        })
    }
}
