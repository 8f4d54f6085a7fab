//! `.argon/url`: the store on a network that a directory works with.
//!
//! A `.argon` directory either *is* a store, and has a `store.toml`, or *points* to one, and has a
//! file `url` with the store's URL on its first line. The password is never in it. What is current
//! stands beside it, in `config.toml`, so that two directories can work on two branches of a store.

use std::io;
use std::path::Path;

use argon_core::storage::StoreUrl;
use argon_core::{Error, Result};

use crate::{config, small_file};

/// The file's name.
pub const FILE: &str = "url";

/// The URL that the directory points to; `None` if it does not point.
///
/// # Errors
/// `Invalid` when it is a store as well, or when what stands there is no URL.
pub fn read(directory: &Path) -> Result<Option<StoreUrl>> {
    let path = directory.join(FILE);
    let text = match small_file::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(config::failed("read", &path, error)),
    };
    if directory.join("store.toml").exists() {
        return Err(Error::invalid(format!(
            "{0} is a store, and {1} points to another; remove {1} to use the one in {0}",
            directory.display(),
            path.display()
        )));
    }
    let url = text.lines().next().unwrap_or_default().trim();
    url.parse().map(Some).map_err(|error: Error| {
        Error::invalid(format!("the first line of {} is no store URL", path.display()))
            .with_source(error)
    })
}

/// Makes the directory point to a store. The URL must have no secrets.
pub fn write(directory: &Path, url: &StoreUrl) -> Result<()> {
    config::write_whole(&directory.join(FILE), &format!("{}:{}\n", url.scheme(), url.rest()))
}

/// Lets the directory point to nothing.
pub fn remove(directory: &Path) -> Result<()> {
    let path = directory.join(FILE);
    std::fs::remove_file(&path).map_err(|error| config::failed("remove", &path, error))
}

/// Keeps a `.argon` directory out of the git repository around it. It holds the store's files, or what
/// is current in one working copy. One that is there already stays as it is.
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
    fn a_directory_points_where_it_was_told_to() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join(".argon");
        assert_eq!(read(&place).unwrap(), None);
        let url: StoreUrl = "mongodb://ada@db/shop?tls=true".parse().unwrap();
        write(&place, &url).unwrap();
        assert_eq!(read(&place).unwrap(), Some(url));
    }

    #[test]
    fn a_directory_can_t_be_a_store_and_point_to_one() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &"s3://bucket/x".parse().unwrap()).unwrap();
        fs::write(directory.path().join("store.toml"), "").unwrap();
        let error = read(directory.path()).unwrap_err();
        assert!(error.to_string().contains("remove"), "{error}");
    }

    #[test]
    fn what_is_no_url_is_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "ADA:s3cret@db").unwrap();
        let error = read(directory.path()).unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}
