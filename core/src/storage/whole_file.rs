//! Files that have their names only once they are whole and durable.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What the names of files begin with that are being written. A process that is killed leaves such a file
/// behind, which may be removed.
pub const UNFINISHED: &str = ".unfinished-";

/// A file that is written under a name of its own beside its target, and dropped leaves nothing.
///
/// Not buffered. Several processes may write one target at once: each file is whole, and the last one
/// that is published stays.
#[derive(Debug)]
pub struct WholeFile {
    file: File,
    target: PathBuf,
    /// `None` once it is published.
    temporary: Option<PathBuf>,
}

impl WholeFile {
    /// Begins a file beside `target`, whose directory must be there.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn create(target: &Path) -> io::Result<Self> {
        Self::create_with(target, OpenOptions::new())
    }

    /// As [`create`](Self::create), for the owner of the process alone (mode 0600).
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn create_private(target: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self::create_with(target, options)
    }

    fn create_with(target: &Path, mut options: OpenOptions) -> io::Result<Self> {
        // Short, since the target's name may be as long as one can be.
        let process = std::process::id();
        for attempt in 0_u32.. {
            let path = directory_of(target).join(format!("{UNFINISHED}{process}-{attempt}"));
            match options.write(true).create_new(true).open(&path) {
                Ok(file) => {
                    return Ok(Self { file, target: target.to_owned(), temporary: Some(path) });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Makes the content durable, then gives it the target's name, durably; a file of that name is
    /// replaced in one step.
    ///
    /// # Errors
    /// Those of the operating system; the target is as it was, or replaced if only the last sync failed.
    pub fn publish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if let Some(path) = &self.temporary {
            fs::rename(path, &self.target)?;
            self.temporary = None;
        }
        sync_directory(directory_of(&self.target))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(path) = &self.temporary {
            // Nothing can be done about it here, and the name says that it may be removed.
            let _ = fs::remove_file(path);
        }
    }
}

fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// On file systems that can't sync a directory a rename is as durable as they make it.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_all() {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Only Unix can open a directory to sync it; elsewhere a rename is as durable as the system makes it.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_of_one_file_do_not_disturb_each_other_and_leave_nothing_behind() {
        let directory = std::env::temp_dir().join(format!("argon-whole-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let target = directory.join("file");
        let mut first = WholeFile::create(&target).unwrap();
        let mut second = WholeFile::create_private(&target).unwrap();
        let mut dropped = WholeFile::create(&target).unwrap();
        first.write_all(b"first").unwrap();
        second.write_all(b"second").unwrap();
        dropped.write_all(b"dropped").unwrap();
        assert!(!target.exists());
        first.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"first");
        second.publish().unwrap();
        drop(dropped);
        assert_eq!(fs::read(&target).unwrap(), b"second");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(&directory).unwrap();
    }
}
