//! What looks at a store counted, in a file of this machine: looking at a store shall not write to it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use argon_core::metrics::Summary;
use argon_core::{Backoff, Environment, Store};

use crate::config;

/// The attempts to lock a file that another process holds: 63 ms of pauses at most.
const ATTEMPTS: u32 = 8;

/// The file of one store. Whoever is cut off while writing it loses its counts; a file that can't be
/// read counts for nothing.
pub(super) struct Spool {
    path: PathBuf,
    environment: Environment,
}

impl Spool {
    /// That of a store; `None` for a user without a home.
    pub(super) fn of(store: &Store) -> Option<Self> {
        let id = store.info().id;
        let directory = config::user_state()?;
        let is_name = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = directory.join("metrics").join(format!("{id}.bson"));
        is_name.then(|| Self { path, environment: store.environment().clone() })
    }

    /// Adds counts to those that are there.
    pub(super) fn add(&self, counted: &Summary) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            config::make_private_directory(directory)?;
        }
        let mut options = OpenOptions::new();
        let mut file = self.lock(options.read(true).write(true).create(true).open(&self.path)?)?;
        let mut all = contents(&mut file)?;
        all.add(counted);
        let bytes = bson::serialize_to_vec(&all).map_err(io::Error::other)?;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&bytes)
    }

    /// What is there.
    pub(super) fn read(&self) -> io::Result<Summary> {
        contents(&mut self.lock(File::open(&self.path)?)?)
    }

    /// What is there, and is gone from then on.
    pub(super) fn take(&self) -> io::Result<Summary> {
        let mut file = self.lock(OpenOptions::new().read(true).write(true).open(&self.path)?)?;
        let all = contents(&mut file)?;
        file.set_len(0)?;
        Ok(all)
    }

    /// Locks the file for this process until it is dropped.
    fn lock(&self, file: File) -> io::Result<File> {
        let mut backoff = Backoff::new(&self.environment).at_most(ATTEMPTS);
        while let Some(pause) = backoff.next_pause() {
            std::thread::sleep(pause);
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }
}

fn contents(file: &mut File) -> io::Result<Summary> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bson::deserialize_from_slice(&bytes).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use argon_core::metrics::{Metric, Metrics};

    use super::*;

    fn counted(times: u64) -> Summary {
        let metrics = Metrics::default();
        metrics.count(Metric::Read, times);
        metrics.take(1)
    }

    fn spool(path: PathBuf) -> Spool {
        Spool { path, environment: argon_backends::environment() }
    }

    fn reads(summary: &Summary) -> u64 {
        summary.get(Metric::Read).map_or(0, |series| series.count)
    }

    #[test]
    fn counts_add_up_until_they_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path().join("made/on/the/way.bson"));
        spool.add(&counted(2)).unwrap();
        spool.add(&counted(3)).unwrap();
        assert_eq!(reads(&spool.read().unwrap()), 5);
        assert_eq!(reads(&spool.take().unwrap()), 5);
        assert_eq!(reads(&spool.take().unwrap()), 0);
    }

    #[test]
    fn a_file_that_is_damaged_counts_for_nothing_and_is_written_anew() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path().join("x.bson"));
        std::fs::write(&spool.path, b"\xff\xff\xff\xffno document").unwrap();
        assert_eq!(reads(&spool.read().unwrap()), 0);
        spool.add(&counted(1)).unwrap();
        assert_eq!(reads(&spool.read().unwrap()), 1);
    }

    #[test]
    fn whoever_holds_the_file_keeps_nobody_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path().join("x.bson"));
        spool.add(&counted(1)).unwrap();
        let held = spool.lock(File::open(&spool.path).unwrap()).unwrap();
        assert_eq!(spool.add(&counted(1)).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        drop(held);
        assert_eq!(reads(&spool.take().unwrap()), 1);
    }
}
