//! Files that get their names when they are complete and durable.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The prefix of the names of unfinished files. A process that crashes leaves such a file, which
/// may be removed.
pub const UNFINISHED: &str = ".unfinished-";

/// A file that is written under a temporary name beside its target. Dropping it removes it.
///
/// Writes are not buffered. Several processes may write one target at once: each file is complete,
/// and the last published one stays.
#[derive(Debug)]
pub struct WholeFile {
    file: File,
    target: PathBuf,
    /// `None` once it is published.
    temporary: Option<PathBuf>,
}

impl WholeFile {
    /// Creates a file beside `target`, whose directory must exist.
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
        // The name is short, because the target's name may have the maximal length.
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

    /// Makes the content durable, then renames the file to its target durably; it replaces an
    /// existing file in one step.
    ///
    /// # Errors
    /// Those of the operating system; the target is unchanged, or replaced if only the last sync
    /// failed.
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
            // An error has no handler here, and the name marks a file that may be removed.
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

/// A file system that can't sync directories determines the durability of a rename by itself.
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

/// Only Unix can open a directory to sync it; another system determines the durability of a rename
/// by itself.
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
