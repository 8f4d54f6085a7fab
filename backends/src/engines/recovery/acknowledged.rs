//! `acknowledged`: the number of the last batch that was acknowledged, kept outside the engine's log.
//!
//! It is written after a batch is durable, and never synced: it costs a few microseconds, and what a
//! killed process wrote is in the kernel all the same. After a power cut it may be an older one. So
//! it is a lower bound, always, for what the log must hold.
//!
//! Two slots of 512 bytes, each in a sector of its own, take turns: `argonack`, the number (u64, little
//! endian), the first 16 bytes of the BLAKE3 digest of both. A slot that can't be read counts for
//! nothing, since the other says the same but for one batch.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const FILE: &str = "acknowledged";
const MAGIC: &[u8; 8] = b"argonack";
const SLOT_BYTES: u64 = 512;
const SLOT_LEN: usize = 32;

/// The witness of an engine's batches.
#[derive(Debug)]
pub(super) struct Acknowledged {
    path: PathBuf,
    number: u64,
    /// Opened by the first write, so that looking at a store leaves no trace.
    file: Mutex<Option<File>>,
}

impl Acknowledged {
    pub(super) fn read(directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let slots = [bytes.get(..SLOT_LEN), bytes.get(512..512 + SLOT_LEN)];
        let number = slots.into_iter().flatten().filter_map(decode).max().unwrap_or(0);
        Ok(Self { path, number, file: Mutex::default() })
    }

    /// What it was when the store was opened; 0 if there is none.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Notes that a batch is durable.
    pub(super) fn set(&self, number: u64) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        write(file, number)
    }

    /// Forgets what was acknowledged after `number`, durably.
    pub(super) fn reset(&mut self, number: u64) -> io::Result<()> {
        let mut file = open(&self.path)?;
        for number in [number.saturating_sub(1), number] {
            write(&mut file, number)?;
        }
        file.sync_all()?;
        self.number = number;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().write(true).create(true).truncate(false).open(path)
}

fn write(file: &mut File, number: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(number % 2 * SLOT_BYTES))?;
    file.write_all(&encode(number))
}

fn encode(number: u64) -> [u8; SLOT_LEN] {
    let mut slot = [0; SLOT_LEN];
    slot[..8].copy_from_slice(MAGIC);
    slot[8..16].copy_from_slice(&number.to_le_bytes());
    let digest = blake3::hash(&slot[..16]);
    slot[16..].copy_from_slice(&digest.as_bytes()[..16]);
    slot
}

fn decode(slot: &[u8]) -> Option<u64> {
    let number = u64::from_le_bytes(slot.get(8..16)?.try_into().ok()?);
    (slot == encode(number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_comes_back_and_a_damaged_slot_leaves_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let read = || Acknowledged::read(directory.path()).unwrap();
        assert_eq!(read().number(), 0);
        assert!(!directory.path().join(FILE).exists(), "looking leaves no trace");
        let witness = read();
        for number in 1..=7 {
            witness.set(number).unwrap();
            assert_eq!(read().number(), number);
        }
        let path = directory.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).filter(|at| at % 512 < SLOT_LEN) {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            fs::write(&path, &bytes).unwrap();
            assert!([6, 7].contains(&read().number()), "byte {at}");
        }
        fs::write(&path, &whole).unwrap();
        let mut witness = read();
        witness.reset(3).unwrap();
        assert_eq!(read().number(), 3);
    }

    #[test]
    fn the_bytes_of_a_slot_are_these() {
        let hex: String = encode(258).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&hex[..32], "6172676f6e61636b0201000000000000");
        assert_eq!(decode(&encode(258)), Some(258));
    }
}
