//! `acknowledged`: the number of the last batch that was acknowledged, kept outside the engine's log.
//!
//! It is written after a batch is durable, and never synced: it costs a few microseconds, and what a
//! killed process wrote is in the kernel all the same. After a power cut it may be an older one. So
//! it is a lower bound, always, for what the log must hold, and exact until the machine is started
//! again, which the boot's identity tells.
//!
//! Two slots of 512 bytes, each in a sector of its own, take turns: `argonack`, the number (u64, little
//! endian), the boot (16 bytes), the first 16 bytes of the BLAKE3 digest of all before. A slot that
//! can't be read counts for nothing, since the other says the same but for one batch.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const FILE: &str = "acknowledged";
const MAGIC: &[u8; 8] = b"argonack";
const SLOT_BYTES: u64 = 512;
const SLOT_LEN: usize = 48;

/// The witness of an engine's batches.
#[derive(Debug)]
pub(super) struct Acknowledged {
    path: PathBuf,
    number: u64,
    boot: Boot,
    /// Whether it was written since the machine was started.
    exact: bool,
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
        let (number, written) =
            slots.into_iter().flatten().filter_map(decode).max().unwrap_or_default();
        let boot = this_boot();
        let exact = boot != UNKNOWN && boot == written;
        Ok(Self { path, number, boot, exact, file: Mutex::default() })
    }

    /// Whether no more was acknowledged than it says.
    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    /// What it was when the store was opened; 0 if there is none.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Notes that a batch is durable. If that fails the file is removed, as it would not be exact.
    pub(super) fn set(&self, number: u64) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &mut *file {
            Some(file) => write(file, number, self.boot),
            none => open(&self.path).and_then(|file| write(none.insert(file), number, self.boot)),
        };
        if written.is_err() {
            *file = None;
            let _ = fs::remove_file(&self.path);
        }
        written
    }

    /// Forgets what was acknowledged after `number`, durably.
    pub(super) fn reset(&mut self, number: u64) -> io::Result<()> {
        let mut file = open(&self.path)?;
        for number in [number.saturating_sub(1), number] {
            write(&mut file, number, self.boot)?;
        }
        file.sync_all()?;
        self.number = number;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().write(true).create(true).truncate(false).open(path)
}

/// Which start of the machine it is; zeros where that can't be told.
type Boot = [u8; 16];

const UNKNOWN: Boot = [0; 16];

/// Linux tells.
fn this_boot() -> Boot {
    let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digest = blake3::hash(&id);
    let boot = digest.as_bytes().first_chunk().copied();
    boot.filter(|_| !id.is_empty()).unwrap_or(UNKNOWN)
}

fn write(file: &mut File, number: u64, boot: Boot) -> io::Result<()> {
    file.seek(SeekFrom::Start(number % 2 * SLOT_BYTES))?;
    file.write_all(&encode(number, boot))
}

fn encode(number: u64, boot: Boot) -> [u8; SLOT_LEN] {
    let mut slot = [0; SLOT_LEN];
    slot[..8].copy_from_slice(MAGIC);
    slot[8..16].copy_from_slice(&number.to_le_bytes());
    slot[16..32].copy_from_slice(&boot);
    let digest = blake3::hash(&slot[..32]);
    slot[32..].copy_from_slice(&digest.as_bytes()[..16]);
    slot
}

fn decode(slot: &[u8]) -> Option<(u64, Boot)> {
    let number = u64::from_le_bytes(slot.get(8..16)?.try_into().ok()?);
    let boot = slot.get(16..32)?.try_into().ok()?;
    (slot == encode(number, boot)).then_some((number, boot))
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
        assert_eq!(read().is_exact(), cfg!(target_os = "linux"));
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
        let slot = encode(258, [7; 16]);
        let hex: String = slot.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&hex[..32], "6172676f6e61636b0201000000000000");
        assert_eq!(&hex[32..64], "07".repeat(16));
        assert_eq!(decode(&slot), Some((258, [7; 16])));
    }
}
