//! fjall's journals, read without fjall (as of fjall 3.1, src/journal/entry.rs).
//!
//! A batch is `01`, count of items (u32), sequence number (u64); its items; `03`, XXH3 of the items'
//! bytes (u64), `FJL` `03`. An item is `02`, type, compression, keyspace (u64), length of the key
//! (u16), of the value (u32) and of the value as stored (u32), key, value; or `04` and a keyspace
//! (u64), which clears it. Numbers are little endian. The newest journal is the active one; zeros
//! follow the last batch if it was preallocated.
//!
//! A batch is synced before the next one is begun, so the active journal has one torn batch at most,
//! at its end, and the others have none.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use argon_core::storage::WholeFile;
use xxhash_rust::xxh3::Xxh3;

use crate::engines::files;
use crate::engines::recovery::{Bad, Examined, Extent, Log, Proof, used};
use crate::ordered::engine::Write;

/// The row that holds the number of the last batch. The layout's keys are all below it.
pub(super) const NUMBER_KEY: &[u8] = b"\xff\xffargon batch";

const TRAILER: &[u8] = b"FJL\x03";
const CHUNK: usize = 1024 * 1024;

/// The journals of a database.
pub(super) struct Journals;

impl Log for Journals {
    const ENGINE: &'static str = "fjall";

    fn examine(directory: &Path, _: u64) -> io::Result<Examined> {
        let mut last = None;
        let journals = list(directory)?;
        for (place, (_, path)) in journals.iter().enumerate() {
            let mut journal = Journal::open(path)?;
            journal.walk()?;
            last = journal.number.or(last);
            if let Some(mut bad) = journal.bad()? {
                // The next journal is begun after this one is synced as a whole.
                if place + 1 < journals.len() {
                    bad.proof = Some(Proof::Finished);
                }
                return Ok(Examined { last, bad: Some(bad), ..Examined::default() });
            }
        }
        Ok(Examined { last, ..Examined::default() })
    }

    /// Only the last journal can be cut: behind a damaged one that was sealed, fjall goes on with the
    /// next.
    fn cut(bad: &Bad) -> io::Result<()> {
        for extent in &bad.extents {
            let file = File::options().write(true).open(&extent.file)?;
            file.set_len(extent.offset)?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn unsynced(directory: &Path) -> io::Result<Vec<Extent>> {
        list(directory)?
            .into_iter()
            .map(|(_, file)| {
                let bytes = file.metadata()?.len();
                Ok(Extent { file, offset: 0, bytes, sparse: true })
            })
            .collect()
    }
}

/// The journals in `directory`, oldest first.
fn list(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut journals = Vec::new();
    let entries = match directory.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(journals),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let number =
            path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
        journals.extend(number.map(|number| (number, path)));
    }
    journals.sort_unstable();
    Ok(journals)
}

/// The bytes of the journals in `directory` that were written; what is only preallocated takes no room.
pub(super) fn used_bytes(directory: &Path) -> io::Result<u64> {
    list(directory)?.iter().try_fold(0, |sum, (_, path)| {
        let metadata = path.metadata()?;
        Ok(sum + metadata.len().min(files::blocks(&metadata)))
    })
}

/// About the bytes that a batch takes in a journal.
pub(super) fn batch_bytes(batch: &[Write]) -> u64 {
    const ITEM_BYTES: usize = 20;
    let bytes = batch.iter().map(|write| match write {
        Write::Put { key, value } => key.len() + value.len(),
        Write::Remove { key } => key.len(),
    });
    bytes.map(|bytes| (bytes + ITEM_BYTES) as u64).sum()
}

/// The journals of an open database, which are emptied when this is dropped if tables hold all of
/// them. The database must be closed before.
pub(super) struct OpenJournals {
    directory: PathBuf,
    /// The number of the last batch, if tables hold it and all before it.
    flushed: Option<u64>,
}

impl OpenJournals {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), flushed: None }
    }

    /// Notes that tables hold all batches up to this one, durably, that the last one in the journal
    /// repeats its number, and that nothing more will be written.
    pub(super) fn are_flushed(&mut self, last: u64) {
        self.flushed = Some(last);
    }

    /// Removes all journals but the active one, oldest first, and keeps the last batch of that, whose
    /// number shows whether a later one is missing. Whatever a crash leaves of the others, the next
    /// open passes over, as it is below the sequence number of the tables.
    fn empty(&self, number: u64) -> io::Result<()> {
        let mut journals = list(&self.directory)?;
        let Some((_, active)) = journals.pop() else { return Ok(()) };
        let mut journal = Journal::open(&active)?;
        journal.walk()?;
        if journal.number != Some(number) {
            return Err(io::Error::other("the journal does not end with the last batch"));
        }
        let last = journal.last_batch()?;
        for (_, sealed) in journals {
            fs::remove_file(sealed)?;
        }
        let mut emptied = WholeFile::create(&active)?;
        emptied.write_all(&last)?;
        emptied.publish()
    }
}

impl Drop for OpenJournals {
    fn drop(&mut self) {
        let Some(number) = self.flushed else { return };
        if let Err(error) = self.empty(number) {
            let place = self.directory.display();
            tracing::warn!(%error, "the journals of the fjall store {place} could not be emptied");
        }
    }
}

/// A walk over a journal, batch by batch.
struct Journal {
    path: PathBuf,
    file: File,
    /// Where `window` begins in the file.
    at: u64,
    /// What was read and not taken yet.
    window: Vec<u8>,
    at_end: bool,
    /// Of the last batch.
    sequence: u64,
    number: Option<u64>,
    bytes: u64,
}

impl Journal {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: File::open(path)?,
            at: 0,
            window: Vec::new(),
            at_end: false,
            sequence: 0,
            number: None,
            bytes: 0,
        })
    }

    /// Takes all batches that are whole.
    fn walk(&mut self) -> io::Result<()> {
        let mut taken = 0;
        loop {
            match parse(&self.window[taken..]) {
                Parsed::Batch(batch) => {
                    taken += batch.bytes;
                    self.bytes = batch.bytes as u64;
                    self.at += self.bytes;
                    self.sequence = batch.sequence;
                    self.number = batch.number.or(self.number);
                }
                Parsed::Partial if !self.at_end => {
                    self.window.drain(..taken);
                    taken = 0;
                    self.fill()?;
                }
                Parsed::Partial | Parsed::Bad => break,
            }
        }
        self.window.drain(..taken);
        Ok(())
    }

    /// The bytes of the last batch that was taken.
    fn last_batch(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.at - self.bytes))?;
        Read::by_ref(&mut self.file).take(self.bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads on, by more each time, since what is parsed is parsed from its beginning.
    fn fill(&mut self) -> io::Result<()> {
        let more = CHUNK.max(self.window.len()) as u64;
        self.file.seek(SeekFrom::Start(self.at + self.window.len() as u64))?;
        let read = Read::by_ref(&mut self.file).take(more).read_to_end(&mut self.window)?;
        self.at_end = (read as u64) < more;
        Ok(())
    }

    /// What is behind the last whole batch, unless there is nothing but zeros.
    fn bad(&mut self) -> io::Result<Option<Bad>> {
        let mut tail = std::mem::take(&mut self.window);
        let mut kept = used(&tail);
        while !self.at_end {
            // Zeros of a preallocated journal are not kept in memory.
            tail.truncate(kept);
            let mut chunk = Vec::new();
            let read = Read::by_ref(&mut self.file).take(CHUNK as u64).read_to_end(&mut chunk)?;
            self.at_end = read < CHUNK;
            let used = used(&chunk);
            if used > 0 {
                let here = self.file.stream_position()? - read as u64;
                tail.resize(usize::try_from(here - self.at).map_err(io::Error::other)?, 0);
                tail.extend_from_slice(&chunk[..used]);
                kept = tail.len();
            }
        }
        tail.truncate(kept);
        if tail.is_empty() {
            return Ok(None);
        }
        let extent = Extent {
            file: self.path.clone(),
            offset: self.at,
            bytes: tail.len() as u64,
            sparse: true,
        };
        let later = self.later(&tail);
        Ok(Some(Bad {
            extents: vec![extent],
            proof: later.is_some().then_some(Proof::Later),
            written: true,
            later: later.and_then(|batch| batch.number),
        }))
    }

    /// The first whole batch in `tail`, behind its beginning.
    fn later(&self, tail: &[u8]) -> Option<Batch> {
        (1..tail.len()).filter(|at| tail[*at] == START).find_map(|at| match parse(&tail[at..]) {
            Parsed::Batch(batch) if batch.sequence > self.sequence => Some(batch),
            _ => None,
        })
    }
}

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;

/// A batch that is whole.
struct Batch {
    bytes: usize,
    sequence: u64,
    number: Option<u64>,
}

enum Parsed {
    Batch(Batch),
    /// It may go on behind what was read.
    Partial,
    Bad,
}

/// The batch at the beginning of `bytes`.
fn parse(bytes: &[u8]) -> Parsed {
    let mut rest = Bytes(bytes);
    match rest.batch(bytes) {
        Some(parsed) => parsed,
        None => Parsed::Partial,
    }
}

/// Bytes that are taken from the front; `None` when there are too few.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number<const N: usize>(&mut self) -> Option<u64> {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(self.take(N)?);
        Some(u64::from_le_bytes(bytes))
    }

    fn length<const N: usize>(&mut self) -> Option<usize> {
        usize::try_from(self.number::<N>()?).ok()
    }

    fn batch(&mut self, bytes: &'a [u8]) -> Option<Parsed> {
        if self.number::<1>()? != u64::from(START) {
            return Some(Parsed::Bad);
        }
        let (items, sequence) = (self.number::<4>()?, self.number::<8>()?);
        let mut hash = Xxh3::new();
        let mut number = None;
        for _ in 0..items {
            let before = self.0;
            match u8::try_from(self.number::<1>()?).ok()? {
                ITEM => self.item(&mut number)?,
                CLEAR => _ = self.take(8)?,
                _ => return Some(Parsed::Bad),
            }
            hash.update(&before[..before.len() - self.0.len()]);
        }
        if self.number::<1>()? != u64::from(END) {
            return Some(Parsed::Bad);
        }
        let checksum = self.number::<8>()?;
        if self.take(TRAILER.len())? != TRAILER || checksum != hash.digest() || items == 0 {
            return Some(Parsed::Bad);
        }
        let bytes = bytes.len() - self.0.len();
        Some(Parsed::Batch(Batch { bytes, sequence, number }))
    }

    /// Passes over an item behind its tag, and takes the number of its batch from it, if it is that.
    fn item(&mut self, number: &mut Option<u64>) -> Option<()> {
        self.take(1 + 1 + 8)?;
        let key = self.length::<2>()?;
        self.take(4)?;
        let value = self.length::<4>()?;
        let (key, value) = (self.take(key)?, self.take(value)?);
        if key == NUMBER_KEY {
            *number = value.try_into().map(u64::from_le_bytes).ok();
        }
        Some(())
    }
}
