//! Scans an archive: finds and verifies the documents of each namespace.
//!
//! An archive is a magic number, a header, a document with the metadata of each collection, and a
//! terminator; then blocks of documents. A block is a header that names the namespace, documents,
//! and a terminator. Blocks of several namespaces are interleaved; the last block of each is
//! marked, and has the checksum of all its documents.

use std::collections::BTreeMap;
use std::io::{self, BufRead, ErrorKind, Read};

use bson::RawDocumentBuf;

use super::crc64::Crc64;
use super::{Extent, MAGIC};

/// Replaces the length of a document at the end of the prelude and of each block.
const TERMINATOR: u32 = 0xffff_ffff;
/// A length and the final NUL.
const MIN_BYTES: u32 = 5;
/// Documents of the server's own collections may be 16 KiB larger than a user's.
const MAX_BYTES: u32 = 16 * 1024 * 1024 + 16 * 1024;

/// The reason why an archive is refused.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: u64,
    pub(super) reason: String,
}

/// A database and a collection.
pub(super) type Namespace = (String, String);

/// A collection in the prelude.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) namespace: Namespace,
    pub(super) metadata: String,
}

/// The content of an archive.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    pub(super) documents: BTreeMap<Namespace, Vec<Extent>>,
    /// The uncompressed size.
    pub(super) bytes: u64,
}

/// The documents of one namespace so far.
#[derive(Default)]
struct Progress {
    extents: Vec<Extent>,
    checksum: Crc64,
    ended: bool,
}

pub(super) fn scan(input: impl BufRead) -> Result<Contents, Fault> {
    let mut scan = Scan { input, offset: 0 };
    let mut contents = Contents::default();
    if scan.number()? != Some(MAGIC) {
        return Err(scan.fault("it does not begin like an archive"));
    }
    scan.document()?.ok_or_else(|| scan.fault("it has no header"))?;
    while let Some(document) = scan.document()? {
        contents.entries.push(scan.entry(&document)?);
    }
    contents.documents = scan.blocks()?;
    contents.bytes = scan.offset;
    Ok(contents)
}

struct Scan<R> {
    input: R,
    offset: u64,
}

impl<R: BufRead> Scan<R> {
    fn blocks(&mut self) -> Result<BTreeMap<Namespace, Vec<Extent>>, Fault> {
        let mut found: BTreeMap<Namespace, Progress> = BTreeMap::new();
        while !self.is_at_end()? {
            let header = self.document()?.ok_or_else(|| self.fault("a block has no header"))?;
            let progress = found.entry(self.namespace(&header)?).or_default();
            if progress.ended {
                return Err(self.fault("a block of a collection comes after its last block"));
            }
            let start = self.offset;
            self.documents(&mut progress.checksum)?;
            // Without the terminator.
            let length = self.offset - start - 4;
            if length > 0 {
                progress.extents.push(Extent { start, length });
            }
            if header.get_bool("EOF").unwrap_or(false) {
                progress.ended = true;
                self.check(&header, progress.checksum)?;
            }
        }
        if let Some(((database, collection), _)) = found.iter().find(|(_, found)| !found.ended) {
            return Err(
                self.fault(format!("it is truncated before the end of {database}.{collection}"))
            );
        }
        Ok(found.into_iter().map(|(namespace, found)| (namespace, found.extents)).collect())
    }

    /// Reads the documents of a block and its terminator.
    fn documents(&mut self, checksum: &mut Crc64) -> Result<(), Fault> {
        while let Some(length) = self.length()? {
            checksum.update(&length.to_le_bytes());
            let mut left = u64::from(length) - 4;
            while left > 0 {
                let chunk = match self.input.fill_buf() {
                    Ok(chunk) => chunk,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => return Err(self.unreadable(&error)),
                };
                if chunk.is_empty() {
                    return Err(self.fault("it is truncated within a document"));
                }
                let taken = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                checksum.update(&chunk[..taken]);
                self.input.consume(taken);
                self.offset += taken as u64;
                left -= taken as u64;
            }
        }
        Ok(())
    }

    /// Verifies the checksum in the last block of a namespace. Programs that compute none write
    /// zero; a real checksum is zero once in 2^64.
    fn check(&self, header: &RawDocumentBuf, checksum: Crc64) -> Result<(), Fault> {
        let stated = header.get_i64("CRC").unwrap_or(0).cast_unsigned();
        if stated == 0 || stated == checksum.get() {
            return Ok(());
        }
        let (database, collection) = self.namespace(header)?;
        Err(self
            .fault(format!("the documents of {database}.{collection} do not match their checksum")))
    }

    fn entry(&self, document: &RawDocumentBuf) -> Result<Entry, Fault> {
        let namespace = self.namespace(document)?;
        let metadata = document.get_str("metadata").unwrap_or_default().to_owned();
        Ok(Entry { namespace, metadata })
    }

    fn namespace(&self, document: &RawDocumentBuf) -> Result<Namespace, Fault> {
        match (document.get_str("db"), document.get_str("collection")) {
            (Ok(database), Ok(collection)) => Ok((database.to_owned(), collection.to_owned())),
            _ => Err(self.fault("a header does not name its collection")),
        }
    }

    /// Reads the next document; none at a terminator.
    fn document(&mut self) -> Result<Option<RawDocumentBuf>, Fault> {
        let Some(length) = self.length()? else { return Ok(None) };
        let mut bytes = length.to_le_bytes().to_vec();
        let rest = u64::from(length) - 4;
        let read = self.input.by_ref().take(rest).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.unreadable(&error))? as u64;
        self.offset += read;
        if read < rest {
            return Err(self.fault("it is truncated within a document"));
        }
        let document = RawDocumentBuf::from_bytes(bytes);
        document.map(Some).map_err(|error| self.fault(format!("not valid BSON: {error}")))
    }

    /// Reads the length of the next document; none at a terminator.
    fn length(&mut self) -> Result<Option<u32>, Fault> {
        match self.number()? {
            Some(TERMINATOR) => Ok(None),
            Some(length @ MIN_BYTES..=MAX_BYTES) => Ok(Some(length)),
            Some(length) => {
                Err(self
                    .fault(format!("invalid length of a document: {} bytes", length.cast_signed())))
            }
            None => Err(self.fault("it is truncated")),
        }
    }

    /// Reads the next four bytes; none at the end of the file.
    fn number(&mut self) -> Result<Option<u32>, Fault> {
        let mut bytes = [0; 4];
        match self.input.read_exact(&mut bytes) {
            Ok(()) => {
                self.offset += 4;
                Ok(Some(u32::from_le_bytes(bytes)))
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn is_at_end(&mut self) -> Result<bool, Fault> {
        loop {
            match self.input.fill_buf() {
                Ok(chunk) => return Ok(chunk.is_empty()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
    }

    fn unreadable(&self, error: &io::Error) -> Fault {
        self.fault(format!("failed to read further: {error}"))
    }

    fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault { offset: self.offset, reason: reason.into() }
    }
}
