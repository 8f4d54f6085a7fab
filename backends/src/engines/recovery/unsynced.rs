//! `unsynced`: the mark of a write that failed, and what the next open does about it.
//!
//! After a sync that failed the kernel takes the pages for written: later reads see them and later
//! syncs succeed, but the disk does not have them. So who opens the store next writes the end of the
//! log once more, byte for byte, and syncs that, before it builds on it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Extent;
use crate::disk::is_full;
use crate::engines::files;

const FILE: &str = "unsynced";
const TEXT: &str =
    "A write to this store failed. The next open writes the end of the log again and syncs it.\n";
const CHUNK: usize = 64 * 1024;

/// Whether a write failed since the log was known to be on disk.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
    is_set: AtomicBool,
}

impl Mark {
    pub(super) fn read(directory: &Path) -> Self {
        let path = directory.join(FILE);
        let is_set = AtomicBool::new(path.exists());
        Self { path, is_set }
    }

    pub(super) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    /// Sets the mark, durably if the disk takes it. That it is in the kernel is what counts: after a
    /// power cut, reads see what the disk has.
    pub(super) fn set(&self) {
        if self.is_set.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.write() {
            tracing::warn!(%error, "can't write {}", self.path.display());
        }
    }

    fn write(&self) -> io::Result<()> {
        let mut file = File::create(&self.path)?;
        file.write_all(TEXT.as_bytes())?;
        file.sync_all()?;
        self.path.parent().map_or(Ok(()), files::sync_directory)
    }

    /// Takes the mark away: what was in doubt is on disk.
    pub(super) fn clear(&self) -> io::Result<()> {
        if !self.is_set() {
            return Ok(());
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.path.parent().map_or(Ok(()), files::sync_directory)?;
        self.is_set.store(false, Ordering::Relaxed);
        Ok(())
    }
}

/// Writes what the files hold over itself, and syncs it. Power may go at any point of it.
pub(super) fn rewrite(extents: &[Extent]) -> io::Result<()> {
    for extent in extents {
        let mut file = File::options().read(true).write(true).open(&extent.file)?;
        let end = extent.offset.saturating_add(extent.bytes);
        let mut at = extent.offset;
        let mut chunk = vec![0; CHUNK];
        while at < end {
            let wanted = usize::try_from(end - at).map_or(CHUNK, |left| left.min(CHUNK));
            file.seek(SeekFrom::Start(at))?;
            let read = file.read(&mut chunk[..wanted])?;
            if read == 0 {
                break;
            }
            // A hole stays one.
            let is_zero = chunk[..read].iter().all(|byte| *byte == 0);
            if !is_zero || !extent.sparse {
                file.seek(SeekFrom::Start(at))?;
                match file.write_all(&chunk[..read]) {
                    // What was written has its room: so it is a hole.
                    Err(error) if is_zero && is_full(error.kind()) => {}
                    written => written?,
                }
            }
            at += read as u64;
        }
        file.sync_all()?;
    }
    Ok(())
}
