//! What the embedded engines and the store directory need of the file system.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use argon_core::{Error, ErrorKind};

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
fn blocks(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    // POSIX counts `st_blocks` in units of 512 bytes, whatever the file system's block size.
    metadata.blocks() * 512
}

#[cfg(not(unix))]
fn blocks(metadata: &Metadata) -> u64 {
    metadata.len()
}

/// Makes the names in `directory` durable: files created, renamed or removed there.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The kind of an error that the operating system gave us for a file of a store.
pub(crate) fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    }
}

/// An error of the operating system about `path`; `doing` completes "can't …".
pub(crate) fn io_error(doing: &str, path: &Path, error: io::Error) -> Error {
    let context = format!("can't {doing} {}", path.display());
    Error::new(kind_of(&error), context).with_source(error)
}
