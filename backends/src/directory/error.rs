//! Errors of the operating system about a store's own files.

use std::io;
use std::path::Path;

use argon_core::{Error, ErrorKind};

use crate::engines::files;

/// `doing` completes "can't …".
pub(super) fn io_error(doing: &str, path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        let context = format!(
            "can't {doing} {}: the file system takes no writes, which every command needs; mount it \
             for writing, or copy the store elsewhere",
            path.display()
        );
        return Error::denied(context).with_source(error);
    }
    if files::kind_of(&error) == ErrorKind::Denied {
        let context = format!(
            "no permission to {doing} {}; check who owns it and its permissions",
            path.display()
        );
        return Error::denied(context).with_source(error);
    }
    files::io_error(doing, path, error)
}
