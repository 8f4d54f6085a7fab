//! The records in refs, as BSON documents.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storage::{RefVersion, VersionedRef};
use crate::{Error, Result};

/// A record and its version when it was read, for the compare-and-set that replaces it.
#[derive(Debug, Clone)]
pub(crate) struct VersionedRecord<R> {
    pub(crate) version: RefVersion,
    pub(crate) record: R,
}

/// Encodes a record.
pub(crate) fn encode<R: Serialize>(record: &R) -> Result<Vec<u8>> {
    bson::serialize_to_vec(record)
        .map_err(|source| Error::internal("a record could not be encoded").with_source(source))
}

/// Decodes the record of the ref `name`.
///
/// # Errors
/// `Corrupt` if the bytes are not a record of this kind.
pub(crate) fn decode<R: DeserializeOwned>(
    name: &str,
    stored: VersionedRef,
) -> Result<VersionedRecord<R>> {
    let record = bson::deserialize_from_slice(&stored.value).map_err(|source| {
        Error::corrupt(format!("the record '{name}' can't be read")).with_source(source)
    })?;
    Ok(VersionedRecord { version: stored.version, record })
}
