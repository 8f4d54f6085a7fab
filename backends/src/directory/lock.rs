//! `lock`: who has the store open.
//!
//! The lock is the operating system's, so it is gone when its holder is, however that ends. The
//! text in the file tells others who has it, and the next holder whether this one closed the store.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use argon_core::{Error, Result};
use bson::DateTime;
use serde::{Deserialize, Serialize};

use super::error::io_error;

/// The most bytes that are read of the text, which has some hundred.
const MAX_BYTES: u64 = 64 * 1024;

pub(super) const FILE: &str = "lock";

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
    previous: Option<Holder>,
}

impl Lock {
    /// Takes the lock, or `None` when it is taken.
    pub(super) fn try_acquire(directory: &Path, now: DateTime) -> Result<Option<Self>> {
        let path = directory.join(FILE);
        let failed = |error| io_error("lock", &path, error);
        let file = open(&path).map_err(failed)?;
        if !lock_within(&file, Duration::ZERO).map_err(failed)? {
            return Ok(None);
        }
        Self::hold(file, now).map(Some).map_err(failed)
    }

    /// Waits for the lock for up to `timeout`, by sleeping in this thread.
    pub(super) fn acquire(directory: &Path, timeout: Duration, now: DateTime) -> Result<Self> {
        let path = directory.join(FILE);
        let failed = |error| io_error("lock", &path, error);
        let mut file = open(&path).map_err(failed)?;
        if !lock_within(&file, timeout).map_err(failed)? {
            return Err(in_use(directory, read(&mut file).as_ref(), timeout));
        }
        Self::hold(file, now).map_err(failed)
    }

    /// Signs the locked file, so that others learn who has it.
    fn hold(mut file: File, now: DateTime) -> io::Result<Self> {
        let previous = read(&mut file);
        write(&mut file, &this_process(now))?;
        Ok(Self { file, previous })
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
        let _ = self.file.set_len(0);
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
        Ok(()) => true,
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

fn lock_within(file: &File, timeout: Duration) -> io::Result<bool> {
    // Sleeps are counted in place of reading a clock.
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if waited >= timeout => return Ok(false),
            Err(TryLockError::WouldBlock) => {}
        }
        let pause = POLL.min(timeout.saturating_sub(waited));
        std::thread::sleep(pause);
        waited += pause;
    }
}

fn in_use(directory: &Path, holder: Option<&Holder>, waited: Duration) -> Error {
    let holder = holder.map_or_else(|| "another process".to_owned(), Holder::to_string);
    Error::unavailable(format!(
        "the store {} is held by {holder}; waited {} s; close it or raise --lock-timeout",
        directory.display(),
        waited.as_secs_f64()
    ))
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

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    let text = toml::to_string(holder).map_err(io::Error::other)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}
