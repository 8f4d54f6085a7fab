//! A file that has its name only once it is whole and durable.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::FormatError;

const BUFFER_BYTES: usize = 256 * 1024;

/// Writes to a temporary name in the target's directory; dropped, it removes what it wrote.
pub(super) struct WholeFile {
    target: PathBuf,
    temporary: Temporary,
    writer: Writer,
}

enum Writer {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl WholeFile {
    pub(super) fn create(target: &Path, gzip: bool) -> Result<Self, FormatError> {
        let (temporary, file) =
            Temporary::create_beside(target).map_err(FormatError::io("create", target))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let writer = if gzip {
            Writer::Gzip(GzEncoder::new(file, Compression::default()))
        } else {
            Writer::Plain(file)
        };
        Ok(Self { target: target.to_owned(), temporary, writer })
    }

    /// Flushes, syncs, renames, and syncs the directory, so that the name survives power loss too.
    pub(super) fn finish(self) -> Result<PathBuf, FormatError> {
        let Self { target, mut temporary, writer } = self;
        let publish = || {
            let file = match writer {
                Writer::Plain(file) => file,
                Writer::Gzip(encoder) => encoder.finish()?,
            };
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            temporary.rename(&target)?;
            sync_directory(parent(&target))
        };
        publish().map_err(FormatError::io("write", &target))?;
        Ok(target)
    }
}

impl Write for WholeFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Writer::Plain(file) => file.write(buffer),
            Writer::Gzip(encoder) => encoder.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Writer::Plain(file) => file.flush(),
            Writer::Gzip(encoder) => encoder.flush(),
        }
    }
}

impl fmt::Debug for WholeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholeFile").field("target", &self.target).finish_non_exhaustive()
    }
}

/// The temporary name, which is removed when this is dropped unless the file was renamed.
struct Temporary {
    path: Option<PathBuf>,
}

impl Temporary {
    /// Takes the first name that is free. It is short: the target's may be as long as a name can be.
    fn create_beside(target: &Path) -> io::Result<(Self, File)> {
        let process = std::process::id();
        let mut attempt = 0_u32;
        loop {
            let path = parent(target).join(format!(".argon-{process}-{attempt}.tmp"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Self { path: Some(path) }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn rename(&mut self, target: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, target)?;
            self.path = None;
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nothing can be done about it here, and the name says that it may be removed.
            let _ = fs::remove_file(path);
        }
    }
}

fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Only Unix can open a directory to sync it; elsewhere a rename is as durable as the system makes it.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
