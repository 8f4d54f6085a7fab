use std::path::PathBuf;

use argon_core::{Environment, SigningKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Result, keys};

/// Generate a key that signs pins.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct GenerateKey {
    /// The file of the secret key; its name with `.pub` is the file of the public key. Neither may exist.
    pub file: PathBuf,
}

/// A generated key.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GeneratedKey {
    /// The public key: 64 hexadecimal digits.
    pub key: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The file of the public key.
    #[serde(skip)]
    pub public_file: PathBuf,
}

/// Generates a key, and writes its secret and its public part into files.
///
/// # Errors
/// `AlreadyExists` if one of the files exists; those of writing.
pub fn keygen(environment: &Environment, request: &GenerateKey) -> Result<GeneratedKey> {
    let key = SigningKey::generate(environment);
    let public = key.public();
    let mut public_file = request.file.clone().into_os_string();
    public_file.push(".pub");
    let public_file = PathBuf::from(public_file);
    keys::write_new(&public_file, &public.to_pem()?, false)?;
    if let Err(error) = keys::write_new(&request.file, &key.to_pem()?, true) {
        // A public key without its secret key is useless.
        let _ = std::fs::remove_file(&public_file);
        return Err(error.into());
    }
    Ok(GeneratedKey { key: public.to_string(), fingerprint: public.fingerprint(), public_file })
}
