//! What errors of the operating system mean for a store on this machine.

use std::io;

use argon_core::{Error, ErrorKind};

/// The kind of an error that the operating system gave us for a file of a store.
pub(crate) fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    }
}

/// The error of the system below this one that says that the disk is full, if there is one.
pub(crate) fn full_disk(error: &Error) -> Option<io::Error> {
    error.causes().find_map(|cause| {
        let io = cause.downcast_ref::<io::Error>().filter(|io| is_full(io.kind()))?;
        Some(io.raw_os_error().map_or_else(
            || io::Error::new(io.kind(), io.to_string()),
            io::Error::from_raw_os_error,
        ))
    })
}

/// Whether an error of the system says that there is no room.
pub(crate) fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
