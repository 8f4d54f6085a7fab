//! Objects as files below a directory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use argon_core::storage::{ObjectInfo, Objects, UNFINISHED, WholeFile};
use argon_core::{Error, ErrorKind, Result};
use async_trait::async_trait;
use bson::DateTime;

/// [`Objects`] in a directory.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

#[async_trait]
impl Objects for Directory {
    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let path = self.0.join(name);
        blocking("write", path, move |path| write(path, &bytes)).await
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        blocking("read", self.0.join(name), |path| found(fs::read(path))).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        // A prefix names whole directories up to its last slash, then the beginning of a name.
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let prefix = prefix.to_owned();
        blocking("list", self.0.clone(), move |root| {
            let mut objects = Vec::new();
            list(root, &folder, &mut objects)?;
            objects.retain(|object| object.name.starts_with(&prefix));
            objects.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(objects)
        })
        .await
    }

    async fn delete(&self, name: &str) -> Result<()> {
        blocking("delete", self.0.join(name), |path| {
            found(fs::remove_file(path))?;
            Ok(())
        })
        .await
    }

    fn location(&self) -> String {
        self.0.display().to_string()
    }
}

/// Writes a file under a temporary name, and renames it when it is complete and durable.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = WholeFile::create_private(path)?;
    file.write_all(bytes)?;
    file.publish()
}

/// Returns a builder of directories that only their owner can enter.
fn private_directory() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Creates a folder and its missing parents durably, for their owner only.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new("."));
    make_folder(above)?;
    match private_directory().create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
    File::open(above)?.sync_all()
}

fn list(root: &Path, folder: &str, objects: &mut Vec<ObjectInfo>) -> io::Result<()> {
    let Some(entries) = found(fs::read_dir(root.join(folder)))? else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let Ok(file) = entry.file_name().into_string() else { continue };
        let name = if folder.is_empty() { file.clone() } else { format!("{folder}/{file}") };
        // Another process may remove it meanwhile.
        let Some(facts) = found(entry.metadata())? else { continue };
        if facts.is_dir() {
            list(root, &name, objects)?;
        } else if !file.starts_with(UNFINISHED) {
            let modified = facts.modified().map_or(DateTime::from_millis(0), Into::into);
            objects.push(ObjectInfo { name, bytes: facts.len(), modified });
        }
    }
    Ok(())
}

/// Maps a missing file to `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(
    verb: &'static str,
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let task = tokio::task::spawn_blocking(move || {
        work(&path).map_err(|error| {
            let kind = match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    ErrorKind::Denied
                }
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, format!("can't {verb} {}", path.display())).with_source(error)
        })
    });
    task.await.unwrap_or_else(|source| {
        Err(Error::internal("a thread that works on files crashed").with_source(source))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn objects_are_read_back_listed_by_prefix_and_deleted() {
        let place = tempfile::tempdir().unwrap();
        let objects = Directory::new(place.path().to_owned());
        for name in ["a/b/one", "a/b/two", "a/bc", "d"] {
            objects.put(name, name.as_bytes().to_vec()).await.unwrap();
        }
        objects.put("d", b"again".to_vec()).await.unwrap();
        assert_eq!(objects.get("d").await.unwrap().unwrap(), b"again");
        assert_eq!(objects.get("nothing/here").await.unwrap(), None);
        let names = async |prefix: &str| {
            let listed = objects.list(prefix).await.unwrap();
            listed.into_iter().map(|object| object.name).collect::<Vec<_>>()
        };
        assert_eq!(names("a/b").await, ["a/b/one", "a/b/two", "a/bc"]);
        assert_eq!(names("a/b/").await, ["a/b/one", "a/b/two"]);
        assert_eq!(names("").await.len(), 4);
        assert_eq!(names("x/y").await, Vec::<String>::new());
        objects.delete("a/bc").await.unwrap();
        objects.delete("a/bc").await.unwrap();
        assert_eq!(names("a/b").await.len(), 2);
    }
}
