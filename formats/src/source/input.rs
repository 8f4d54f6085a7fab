//! The decompressed bytes of a file, with the number of bytes read from disk.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use tempfile::SpooledTempFile;

use super::super::FormatError;
use super::super::validate::MAX_DOCUMENT_BYTES;

const BUFFER_BYTES: usize = 256 * 1024;
/// The maximum number of bytes of standard input in memory.
const SPOOL_BYTES: usize = 8 * 1024 * 1024;
/// The first bytes of a gzip file: its magic number, and the only compression method.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The uncompressed content of a file.
pub(in super::super) struct Input {
    reader: Box<dyn BufRead + Send>,
    progress: Progress,
    compressed: bool,
}

/// The progress of reading a file, shared by clones.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    read: Arc<AtomicU64>,
    total: u64,
}

impl Progress {
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Notes that this part of all rows was read.
    #[cfg(feature = "columnar")]
    pub(super) fn reach(&self, rows: u64, of: u64) {
        let read = u128::from(self.total) * u128::from(rows) / u128::from(of.max(1));
        self.read.store(u64::try_from(read).unwrap_or(self.total), Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

impl Input {
    /// Opens a file, and decompresses it if its name ends in `.gz` or if it is unambiguously a gzip
    /// file.
    pub(in super::super) fn open(path: &Path) -> Result<Self, FormatError> {
        let mut file = File::open(path).map_err(FormatError::io("open", path))?;
        let metadata = file.metadata().map_err(FormatError::io("open", path))?;
        if metadata.is_dir() {
            return Err(FormatError::io("read", path)(io::ErrorKind::IsADirectory.into()));
        }
        let head = head_of(&mut file).map_err(FormatError::io("read", path))?;
        let named = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        let size = metadata.is_file().then_some(metadata.len());
        let compressed = named || is_gzip(&head, size);
        Ok(Self::new(Cursor::new(head).chain(file), metadata.len(), compressed))
    }

    /// Standard input, decompressed if it begins like a gzip file. Available bytes can be read
    /// before more arrive.
    pub(in super::super) fn stdin() -> Result<Self, FormatError> {
        Self::of_stdin(io::stdin())
    }

    /// [`stdin`](Self::stdin), read to its end.
    pub(super) fn spooled_stdin() -> Result<Self, FormatError> {
        let mut spool = SpooledTempFile::new(SPOOL_BYTES);
        let spooled = io::copy(&mut io::stdin().lock(), &mut spool).and_then(|_| spool.rewind());
        spooled.map_err(FormatError::io("read", Path::new("standard input")))?;
        Self::of_stdin(spool)
    }

    fn of_stdin(mut stdin: impl Read + Send + 'static) -> Result<Self, FormatError> {
        let head =
            head_of(&mut stdin).map_err(FormatError::io("read", Path::new("standard input")))?;
        let compressed = is_gzip(&head, None);
        Ok(Self::new(Cursor::new(head).chain(stdin), 0, compressed))
    }

    /// The bytes of a reader, of the size `total`, unchanged.
    pub(super) fn of_reader(reader: impl Read + Send + 'static, total: u64) -> Self {
        Self::new(reader, total, false)
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

    /// Whether the input was compressed.
    pub(in super::super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Skips a UTF-8 byte order mark at the beginning, and returns its length. Fails for UTF-16, in
    /// which Windows writes text.
    pub(super) fn skip_byte_order_mark(&mut self) -> io::Result<u64> {
        let mut head = Vec::new();
        self.reader.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut head)?;
        if is_utf16(&head) {
            let reason =
                "the file is UTF-16; convert it to UTF-8, such as by: iconv -f utf-16 -t utf-8";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        if head == BYTE_ORDER_MARK {
            return Ok(head.len() as u64);
        }
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(head).chain(rest));
        Ok(0)
    }

    /// Explains a read error to a person.
    pub(super) fn explain(&self, error: &io::Error) -> String {
        if self.compressed {
            format!("the gzip file is truncated or damaged: {error}")
        } else {
            format!("failed to read further: {error}")
        }
    }
}

/// Reads as many bytes as required to recognize a gzip file: one, if it isn't.
fn head_of(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(5);
    while head.len() < 5 && head.iter().zip(GZIP).all(|(byte, expected)| *byte == expected) {
        if file.by_ref().take(1).read_to_end(&mut head)? == 0 {
            break;
        }
    }
    Ok(head)
}

/// Returns whether a file with this beginning is compressed. Text never begins so, but BSON may:
/// the four bytes are a length then, which must fit the file, and the fifth is the type of a field.
fn is_gzip(head: &[u8], size: Option<u64>) -> bool {
    let Some((&length, rest)) = head.split_first_chunk::<4>() else { return false };
    if !length.starts_with(&GZIP) {
        return false;
    }
    let length = u64::from(u32::from_le_bytes(length));
    let fits = length <= MAX_DOCUMENT_BYTES as u64 && size.is_none_or(|size| length <= size);
    !(fits && rest.first().is_some_and(|kind| *kind != 0))
}

/// Returns whether a text begins with a byte order mark of UTF-16, or with ASCII characters in
/// UTF-16.
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
