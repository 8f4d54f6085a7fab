//! Room on the disk: what sled needs of it is reserved before it writes.
//!
//! A write of sled's that meets a full disk ends its session, and leaves a batch that is not whole. So
//! a batch is begun only when there is room for it, and is refused otherwise, which changes nothing.
//!
//! Sled writes when it opens, too: zeros over the rest of the last segment, and a snapshot of its page
//! table. So the last segment has all its blocks, always; and when a snapshot can't be written, sled
//! opens a directory elsewhere, which has the snapshots and a link to the data file. What is opened in
//! this way is only read: its new snapshot is gone with that directory.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Batch, SEGMENT_BYTES, Write, files, is_full};

const SEGMENT: u64 = SEGMENT_BYTES as u64;

/// Where so much is free besides a batch's own, nothing is reserved.
const PLENTY: u64 = 64 << 20;

/// Sled rewrites a page of up to 20 entries for every ten that it gets, splits full ones in two, and
/// moves pages out of segments that are nearly empty.
const BYTES_PER_BYTE: u64 = 4;

/// What a write takes besides its key and value.
const BYTES_PER_WRITE: u64 = 64;

/// What is asked of the disk.
pub(super) trait Disk: Send + Sync {
    /// How much is free for this user, and for any.
    fn free(&self, data: &File) -> io::Result<(u64, u64)>;

    /// How many bytes the blocks of a file take.
    fn blocks(&self, metadata: &Metadata) -> u64;

    /// Gives a part of the file its blocks, beyond its end too; its content and length stay.
    fn allocate(&self, data: &File, from: u64, bytes: u64) -> io::Result<()>;
}

/// The room of a data file.
pub(super) struct Room {
    disk: Box<dyn Disk>,
    /// The end of the segment that was filled last; it is tried once.
    filled: AtomicU64,
}

impl Default for Room {
    fn default() -> Self {
        Self::on(Box::new(SystemDisk))
    }
}

impl Room {
    pub(super) fn on(disk: Box<dyn Disk>) -> Self {
        Self { disk, filled: AtomicU64::new(0) }
    }

    /// Makes sure that there is room for a batch, unless the disk does not tell.
    ///
    /// # Errors
    /// Only that there is none.
    pub(super) fn reserve(&self, data: &File, batch: &Batch) -> io::Result<()> {
        let Ok((free, free_for_any)) = self.disk.free(data) else { return Ok(()) };
        let wanted = wanted(batch);
        if free >= wanted.saturating_add(PLENTY) {
            return Ok(());
        }
        let Ok(metadata) = data.metadata() else { return Ok(()) };
        let last = last_segment(&metadata);
        let end = last.saturating_add(SEGMENT).saturating_add(wanted);
        // Sled's file has no holes, so what its blocks are more than its length lies beyond its end.
        if free_for_any < end.saturating_sub(self.disk.blocks(&metadata).max(last)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match self.disk.allocate(data, last, end - last) {
            Err(error) if is_full(error.kind()) => Err(error),
            // There are file systems that can't.
            _ => Ok(()),
        }
    }

    /// Gives the last segment of the file all its blocks. It is a help only: where it can't be done, a
    /// store on a full disk may not open.
    pub(super) fn fill_segment(&self, data: &File) {
        let Ok(metadata) = data.metadata() else { return };
        let last = last_segment(&metadata);
        let end = last + SEGMENT;
        let is_new = self.filled.swap(end, Ordering::Relaxed) != end;
        if is_new && self.disk.blocks(&metadata) < end {
            let _ = self.disk.allocate(data, last, SEGMENT);
        }
    }
}

/// Where the last segment of a file begins.
fn last_segment(metadata: &Metadata) -> u64 {
    metadata.len().next_multiple_of(SEGMENT).saturating_sub(SEGMENT)
}

/// What a batch may add to the file at most, mostly, and the segment in which it begins.
fn wanted(batch: &Batch) -> u64 {
    let bytes = |write: &Write| match write {
        Write::Put { key, value } => key.len() + value.len(),
        Write::Remove { key } => key.len(),
    };
    let bytes: u64 = batch.iter().map(|write| bytes(write) as u64 + BYTES_PER_WRITE).sum();
    bytes.saturating_mul(BYTES_PER_BYTE).saturating_add(2 * SEGMENT)
}

/// The disk of the file.
struct SystemDisk;

impl Disk for SystemDisk {
    #[cfg(unix)]
    fn free(&self, data: &File) -> io::Result<(u64, u64)> {
        let found = rustix::fs::fstatvfs(data)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok((bytes(found.f_bavail), bytes(found.f_bfree)))
    }

    #[cfg(not(unix))]
    fn free(&self, _: &File) -> io::Result<(u64, u64)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn blocks(&self, metadata: &Metadata) -> u64 {
        files::blocks(metadata)
    }

    #[cfg(target_os = "linux")]
    fn allocate(&self, data: &File, from: u64, bytes: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        Ok(fallocate(data, FallocateFlags::KEEP_SIZE, from, bytes)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn allocate(&self, _: &File, _: u64, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

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
        let mut snapshots = 0;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_snapshot = name.to_string_lossy().starts_with("snap.");
            if is_snapshot || name == "conf" {
                snapshots += fs::copy(entry.path(), made.0.join(name))?;
            }
        }
        // A new snapshot is about as large as the one before.
        let probe = made.0.join("probe");
        fs::write(&probe, vec![1; usize::try_from(snapshots).unwrap_or(0) + (1 << 16)])?;
        fs::remove_file(probe)?;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A disk with so many bytes, and up to where a file has its blocks.
    struct Small {
        bytes: u64,
        blocks: Arc<AtomicU64>,
    }

    impl Disk for Small {
        fn free(&self, _: &File) -> io::Result<(u64, u64)> {
            let free = self.bytes - self.blocks.load(Ordering::Relaxed);
            Ok((free, free))
        }

        fn blocks(&self, _: &Metadata) -> u64 {
            self.blocks.load(Ordering::Relaxed)
        }

        fn allocate(&self, _: &File, from: u64, bytes: u64) -> io::Result<()> {
            if from + bytes > self.bytes {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.blocks.fetch_max(from + bytes, Ordering::Relaxed);
            Ok(())
        }
    }

    #[test]
    fn room_is_reserved_once_and_again_after_the_file_was_cut() {
        let data = tempfile::tempfile().unwrap();
        data.set_len(SEGMENT + 5).unwrap();
        let batch = vec![Write::Remove { key: vec![0; 10] }];
        let blocks = Arc::new(AtomicU64::new(SEGMENT));
        let room = Room::on(Box::new(Small { bytes: 5 * SEGMENT, blocks: blocks.clone() }));
        let reserved = || blocks.load(Ordering::Relaxed);
        room.fill_segment(&data);
        assert_eq!(reserved(), 2 * SEGMENT, "the last segment");
        room.reserve(&data, &batch).unwrap();
        let once = reserved();
        assert!((4 * SEGMENT..5 * SEGMENT).contains(&once), "{once}");
        room.reserve(&data, &batch).unwrap();
        room.fill_segment(&data);
        assert_eq!(reserved(), once);
        // Sled cuts the file, and what was beyond its end is gone.
        blocks.store(SEGMENT, Ordering::Relaxed);
        data.set_len(SEGMENT).unwrap();
        room.reserve(&data, &batch).unwrap();
        assert_eq!(reserved(), once - SEGMENT);
        data.set_len(3 * SEGMENT).unwrap();
        let error = room.reserve(&data, &batch).unwrap_err();
        assert!(is_full(error.kind()), "{error}");
    }
}
