//! `.argon/url`: a link from a directory to a store elsewhere.
//!
//! A `.argon` directory either *is* a store and contains `store.toml`, or *links* to a store and contains
//! a file `url` with the store's URL on its first line, without the password. The current project and
//! branch are in `config.toml` beside it, so two directories can work on two branches of one store.

use std::io;
use std::path::Path;

use argon_core::storage::StoreUrl;
use argon_core::{Error, Result};

use crate::{config, small_file};

/// The name of the file with the link.
pub const FILE: &str = "url";

/// Reads the URL of the linked store; `None` if the directory has no link.
///
/// # Errors
/// `Invalid` if the directory is a store too, or the file does not begin with a store URL; the message
/// does not repeat the text, which may contain a password.
pub fn read(directory: &Path) -> Result<Option<StoreUrl>> {
    let path = directory.join(FILE);
    let text = match small_file::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(config::failed("read", &path, error)),
    };
    if directory.join("store.toml").exists() {
        return Err(Error::invalid(format!(
            "{0} is a store, and {1} links to another; remove {1} to use the store in {0}",
            directory.display(),
            path.display()
        )));
    }
    let url = text.lines().next().unwrap_or_default().trim();
    url.parse().map(Some).map_err(|error: Error| {
        Error::invalid(format!("invalid store URL on the first line of {}", path.display()))
            .with_source(error)
    })
}

/// Links the directory to a store. The caller must have removed secrets from the URL.
pub fn write(directory: &Path, url: &StoreUrl) -> Result<()> {
    config::write_whole(&directory.join(FILE), &format!("{}:{}\n", url.scheme(), url.rest()))
}

/// Removes the link.
pub fn remove(directory: &Path) -> Result<()> {
    let path = directory.join(FILE);
    std::fs::remove_file(&path).map_err(|error| config::failed("remove", &path, error))
}

/// Excludes a `.argon` directory from the surrounding git repository, because its files belong to one
/// working copy. An existing `.gitignore` is not changed.
pub fn write_gitignore(directory: &Path) -> Result<()> {
    let path = directory.join(".gitignore");
    if path.exists() {
        return Ok(());
    }
    config::write_whole(&path, "*\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join(".argon");
        assert_eq!(read(&place).unwrap(), None);
        let url: StoreUrl = "mongodb://ada@db/shop?tls=true".parse().unwrap();
        write(&place, &url).unwrap();
        assert_eq!(read(&place).unwrap(), Some(url));
    }

    #[test]
    fn a_store_with_a_link_to_another_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &"s3://bucket/x".parse().unwrap()).unwrap();
        fs::write(directory.path().join("store.toml"), "").unwrap();
        let error = read(directory.path()).unwrap_err();
        assert!(error.to_string().contains("remove"), "{error}");
    }

    #[test]
    fn an_invalid_url_is_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "ADA:s3cret@db").unwrap();
        let error = read(directory.path()).unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}
