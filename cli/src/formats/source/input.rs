//! The bytes of a file, decompressed, with a count of those read from disk.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::super::FormatError;

const BUFFER_BYTES: usize = 256 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The uncompressed content of a file.
pub(in super::super) struct Input {
    reader: Box<dyn BufRead + Send>,
    progress: Progress,
    compressed: bool,
}

/// How far a file has been read; a clone goes on counting.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    read: Arc<AtomicU64>,
    total: u64,
}

impl Progress {
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

impl Input {
    /// Opens a file, and decompresses it if its name ends in `.gz`. The first bytes don't decide:
    /// a BSON file may begin like a gzip file.
    pub(in super::super) fn open(path: &Path) -> Result<Self, FormatError> {
        let file = File::open(path).map_err(FormatError::io("open", path))?;
        let metadata = file.metadata().map_err(FormatError::io("open", path))?;
        if metadata.is_dir() {
            return Err(FormatError::io("read", path)(io::ErrorKind::IsADirectory.into()));
        }
        let compressed = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        Ok(Self::new(file, metadata.len(), compressed))
    }

    /// Standard input, uncompressed. What is there can be read before the rest has come.
    pub(super) fn stdin() -> Self {
        Self::new(io::stdin(), 0, false)
    }

    fn new(file: impl Read + Send + 'static, total: u64, compressed: bool) -> Self {
        let progress = Progress { read: Arc::default(), total };
        let counted = Counted { file, read: Arc::clone(&progress.read) };
        let buffered = BufReader::with_capacity(BUFFER_BYTES, counted);
        let reader: Box<dyn BufRead + Send> = if compressed {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(buffered)))
        } else {
            Box::new(buffered)
        };
        Self { reader, progress, compressed }
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Drops a UTF-8 byte order mark, if the content begins with one, and returns its length. Fails
    /// for UTF-16, in which Windows writes text.
    pub(super) fn skip_byte_order_mark(&mut self) -> io::Result<u64> {
        let mut head = Vec::new();
        self.reader.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut head)?;
        if is_utf16(&head) {
            let reason = "it is UTF-16; write it as UTF-8, such as by: iconv -f utf-16 -t utf-8";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        if head == BYTE_ORDER_MARK {
            return Ok(head.len() as u64);
        }
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(head).chain(rest));
        Ok(0)
    }

    /// What an error while reading means for a person.
    pub(super) fn explain(&self, error: &io::Error) -> String {
        if self.compressed {
            format!("the gzip file is cut off or damaged: {error}")
        } else {
            format!("can't read on: {error}")
        }
    }
}

/// Whether a text begins with a byte order mark of UTF-16, or with ASCII characters in it.
fn is_utf16(head: &[u8]) -> bool {
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [0, second, 0] => *second != 0,
        [first, 0, third] => *first != 0 && *third != 0,
        _ => false,
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("progress", &self.progress).finish_non_exhaustive()
    }
}

struct Counted<R> {
    file: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
