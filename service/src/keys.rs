//! Files of keys.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use argon_core::{Error, PublicKey, Result, SigningKey};

use crate::config::failed;
use crate::small_file;

/// Reads a private key.
pub fn read_private(path: &Path) -> Result<SigningKey> {
    let text = small_file::read(path).map_err(|error| failed("read", path, error))?;
    SigningKey::from_pem(&text).map_err(|error| of_file(path, error))
}

/// A public key as a person gives it: its digits, or the file that has it.
pub fn public_key(text: &str) -> Result<PublicKey> {
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let path = Path::new(text);
    let content = small_file::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::invalid(format!(
            "'{text}' is neither a public key of 64 hexadecimal digits nor a file that has one"
        )),
        _ => failed("read", path, error),
    })?;
    PublicKey::parse(&content).map_err(|error| of_file(path, error))
}

fn of_file(path: &Path, error: Error) -> Error {
    error.about(path.display())
}

/// Writes a file that is not there yet, durably; a secret one for its owner alone.
pub fn write_new(path: &Path, text: &str, secret: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = secret;
    let write = || {
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::already_exists(format!("{} is there already", path.display()))
        }
        _ => failed("write", path, error),
    })
}
