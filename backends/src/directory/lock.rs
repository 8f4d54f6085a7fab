//! `lock`: who has the store open.
//!
//! The lock is the operating system's, so it is gone when its holder is, however that ends. The
//! text in the file tells others who has it, and the next holder whether this one closed the store.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use argon_core::{Error, Hint, Result};
use bson::DateTime;
use serde::{Deserialize, Serialize};

use super::error::io_error;
use crate::disk::is_full;

/// The most bytes that are read of the text, which has some hundred.
const MAX_BYTES: u64 = 64 * 1024;

pub(super) const FILE: &str = "lock";

/// More bytes than a holder's text has.
const MOST_TEXT: u64 = 4096;

/// How often a lock that is taken is tried again.
const POLL: Duration = Duration::from_millis(20);

/// A process that has, or had, a store open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// Its process id.
    pub(crate) pid: u32,
    /// When it opened the store, as of RFC 3339.
    pub(crate) since: String,
    /// The name of its program, without arguments, as these may hold credentials.
    pub(crate) program: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} ({}) since {}", self.pid, self.program, self.since)
    }
}

/// The lock of a store's directory, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// The directory, locked too: the file may be removed under its holder.
    _directory: Option<File>,
    previous: Option<Holder>,
}

impl Lock {
    /// Takes the lock, or `None` when it is taken.
    pub(super) fn try_acquire(directory: &Path, now: DateTime) -> Result<Option<Self>> {
        let path = directory.join(FILE);
        let failed = |error| io_error("lock", &path, error);
        match take(directory, Duration::ZERO, || false).map_err(failed)? {
            Taken::Both(file, directory) => {
                Self::hold(file, directory, now).map(Some).map_err(failed)
            }
            Taken::ByOther(_) | Taken::NotNeeded => Ok(None),
        }
    }

    /// Waits for the lock for up to `timeout`, by sleeping in this thread, unless `instead` says that it
    /// is not needed any more: `None` then.
    pub(super) fn acquire(
        directory: &Path,
        timeout: Duration,
        now: DateTime,
        instead: impl FnMut() -> bool,
    ) -> Result<Option<Self>> {
        let path = directory.join(FILE);
        let failed = |error| io_error("lock", &path, error);
        match take(directory, timeout, instead).map_err(failed)? {
            Taken::Both(file, directory) => {
                Self::hold(file, directory, now).map(Some).map_err(failed)
            }
            Taken::ByOther(mut file) => Err(in_use(directory, read(&mut file).as_ref(), timeout)),
            Taken::NotNeeded => Ok(None),
        }
    }

    /// Signs the locked file, so that others learn who has it.
    fn hold(mut file: File, directory: Option<File>, now: DateTime) -> io::Result<Self> {
        let previous = read(&mut file);
        match write(&mut file, &this_process(now)) {
            // The text is for people; a store on a full disk can be read without it.
            Err(error) if !is_full(error.kind()) => Err(error),
            _ => Ok(Self { file, _directory: directory, previous }),
        }
    }

    /// The holder before, if it did not release the lock itself.
    pub(super) fn previous(&self) -> Option<&Holder> {
        self.previous.as_ref()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock itself goes with the file. If the text stays, the next holder only looks
        // harder at a store that is in order.
        let _ = wipe(&mut self.file);
    }
}

/// The state of a lock, as far as it can be seen without taking it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LockState {
    /// Nobody has the store open, and the last who had closed it.
    Free,
    /// Nobody has the store open, and this one did not close it.
    Left(Holder),
    /// It is open; by whom, if that can be told.
    Held(Option<Holder>),
}

/// Looks at a lock, and leaves the file as it is. While it looks, one who takes the lock has to try
/// again.
pub(crate) fn look(directory: &Path) -> io::Result<LockState> {
    let mut file = match File::open(directory.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LockState::Free),
        Err(error) => return Err(error),
    };
    let is_free = match file.try_lock_shared() {
        Ok(()) => lock_directory(directory).is_ok(),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(error)) => return Err(error),
    };
    Ok(match read(&mut file) {
        holder if !is_free => LockState::Held(holder),
        Some(holder) => LockState::Left(holder),
        None => LockState::Free,
    })
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// What came of taking the lock.
enum Taken {
    /// The file and, where the file system can lock it, the directory.
    Both(File, Option<File>),
    /// Another has it; the file names the other.
    ByOther(File),
    /// Another has it, and the caller found another way.
    NotNeeded,
}

/// Tries to take the lock until `timeout` is over, or `instead` is true after a try.
fn take(
    directory: &Path,
    timeout: Duration,
    mut instead: impl FnMut() -> bool,
) -> io::Result<Taken> {
    let path = directory.join(FILE);
    // Sleeps are counted in place of reading a clock.
    let mut waited = Duration::ZERO;
    loop {
        let file = open(&path)?;
        if try_lock(&file)? && is_still(&file, &path) {
            match lock_directory(directory) {
                Ok(directory) => return Ok(Taken::Both(file, directory)),
                Err(TakenByOther) => file.unlock()?,
            }
        }
        if instead() {
            return Ok(Taken::NotNeeded);
        }
        if waited >= timeout {
            return Ok(Taken::ByOther(file));
        }
        let pause = POLL.min(timeout.saturating_sub(waited));
        std::thread::sleep(pause);
        waited += pause;
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether an open file is the one of this name now.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: io::Result<Metadata>| metadata.ok().map(|m| (m.dev(), m.ino()));
    identity(file.metadata()) == identity(std::fs::metadata(path))
}

/// A file that is open can't be removed there.
#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> bool {
    true
}

struct TakenByOther;

/// Locks the directory itself; `None` where that can't be done, as on NFS.
fn lock_directory(directory: &Path) -> Result<Option<File>, TakenByOther> {
    let Ok(opened) = File::open(directory) else { return Ok(None) };
    match opened.try_lock() {
        Ok(()) => Ok(Some(opened)),
        Err(TryLockError::WouldBlock) => Err(TakenByOther),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn in_use(directory: &Path, holder: Option<&Holder>, waited: Duration) -> Error {
    let holder = holder.map_or_else(|| "another process".to_owned(), Holder::to_string);
    Error::unavailable(format!(
        "the store {} is held by {holder}; waited {} s",
        directory.display(),
        waited.as_secs_f64()
    ))
    .with_hint(Hint::WaitForStore)
}

fn this_process(now: DateTime) -> Holder {
    let program = std::env::args_os().next().and_then(|first| {
        Path::new(&first).file_name().map(|name| name.to_string_lossy().into_owned())
    });
    Holder {
        pid: std::process::id(),
        since: now.try_to_rfc3339_string().unwrap_or_default(),
        program: program.unwrap_or_default(),
    }
}

/// The holder that the file names; `None` when it is empty, or was written in part.
fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    toml::from_str(&text).ok()
}

/// The file gets no shorter, so that there is room for the next text on a full disk.
fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    let text = toml::to_string(holder).map_err(io::Error::other)?;
    wipe(file)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

/// Blanks the text, which is that of nobody then.
fn wipe(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len().min(MOST_TEXT);
    file.rewind()?;
    file.write_all(&vec![b'\n'; usize::try_from(length).unwrap_or(0)])?;
    file.set_len(length)
}
