//! What the embedded engines and the store directory need of the file system.

use std::fs::{self, File, Metadata};
use std::hash::{Hash, Hasher};
use std::io;
#[cfg(feature = "fjall")]
use std::io::Write as _;
use std::path::Path;

use argon_core::Error;

pub(crate) use crate::disk::kind_of;

/// Bytes that the files under `directory` take on disk: blocks, not lengths, since fjall
/// preallocates its journals as sparse files.
pub(crate) fn allocated_bytes(directory: &Path) -> io::Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // An engine removes files while we count; one that is gone takes nothing.
        total += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => allocated_bytes(&entry.path())?,
            Ok(metadata) => blocks(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(total)
}

#[cfg(unix)]
pub(crate) fn blocks(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    // POSIX counts `st_blocks` in units of 512 bytes, whatever the file system's block size.
    metadata.blocks() * 512
}

#[cfg(not(unix))]
pub(crate) fn blocks(metadata: &Metadata) -> u64 {
    metadata.len()
}

/// A number that changes when a file under `directory` does, as far as names, lengths and times show.
/// What can't be read counts as unchanged.
pub(crate) fn change_of(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            if metadata.is_dir() {
                return Some(change_of(&entry.path()));
            }
            let mut hasher = std::hash::DefaultHasher::new();
            (entry.file_name(), metadata.len(), metadata.modified().ok()).hash(&mut hasher);
            Some(hasher.finish())
        })
        .fold(0, u64::wrapping_add)
}

/// Why nothing can be written to `directory`, for an engine that does not say it: what writing a small
/// file there comes to.
#[cfg(feature = "fjall")]
pub(crate) fn why_unwritable(directory: &Path) -> Option<io::Error> {
    let path = directory.join("probe.tmp");
    let write = || {
        let mut file = File::create(&path)?;
        file.write_all(&[1; 4096])?;
        file.sync_all()
    };
    let written = write();
    // It may not have been made; if it stays it is written over the next time.
    let _ = fs::remove_file(&path);
    written.err()
}

/// Makes the names in `directory` durable: files created, renamed or removed there.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// An error of the operating system about `path`; `doing` completes "can't …".
pub(crate) fn io_error(doing: &str, path: &Path, error: io::Error) -> Error {
    let context = format!("can't {doing} {}", path.display());
    Error::new(kind_of(&error), context).with_source(error)
}
