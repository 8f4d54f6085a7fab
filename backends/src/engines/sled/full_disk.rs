//! Reading a sled store on a disk without room.
//!
//! Sled writes when it opens: zeros over the rest of the last segment, and a snapshot of its page
//! table. So the last segment is given all its blocks while there is room, and when a snapshot can't be
//! written, sled opens a directory elsewhere, which has the snapshots and a link to the data file. What
//! is opened in this way is only read: its new snapshot is gone with that directory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives the last segment of the data file all its blocks, beyond its end too.
#[derive(Default)]
pub(super) struct Reserved(AtomicU64);

impl Reserved {
    /// Does so if the file has grown into another segment. It is a help only: the file's content and
    /// length stay, and where it can't be done, a store on a full disk may not open.
    pub(super) fn extend(&self, data: &File, segment_bytes: u64) {
        let Ok(metadata) = data.metadata() else { return };
        if metadata.len() > self.0.load(Ordering::Relaxed) {
            let whole = metadata.len().next_multiple_of(segment_bytes);
            allocate(data, whole - segment_bytes, segment_bytes);
            self.0.store(whole, Ordering::Relaxed);
        }
    }
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, from: u64, bytes: u64) {
    use rustix::fs::{FallocateFlags, fallocate};
    let _ = fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes);
}

#[cfg(not(target_os = "linux"))]
fn allocate(_: &File, _: u64, _: u64) {}

/// A directory that stands for a store's own while it is opened; it is removed when this is dropped.
pub(super) struct StandIn(PathBuf);

impl StandIn {
    /// Makes one in the first place that has room for it.
    #[cfg(unix)]
    pub(super) fn make(directory: &Path) -> io::Result<Self> {
        let mut last = None;
        for place in [std::env::temp_dir(), PathBuf::from("/dev/shm")] {
            match Self::make_in(&place, directory) {
                Ok(made) => return Ok(made),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::StorageFull.into()))
    }

    #[cfg(not(unix))]
    pub(super) fn make(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::StorageFull.into())
    }

    #[cfg(unix)]
    fn make_in(place: &Path, directory: &Path) -> io::Result<Self> {
        use std::os::unix::fs::{DirBuilderExt, symlink};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = place.join(format!("argon-{}-{number}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let made = Self(path);
        for entry in fs::read_dir(directory)? {
            let (from, to) = {
                let entry = entry?;
                (entry.path(), made.0.join(entry.file_name()))
            };
            if from.is_file() && !from.ends_with("db") {
                fs::copy(&from, &to)?;
            }
        }
        symlink(std::path::absolute(directory.join("db"))?, made.0.join("db"))?;
        Ok(made)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // What stays is in a directory for what is temporary.
        let _ = fs::remove_dir_all(&self.0);
    }
}
