//! Records: what refs hold, as BSON documents.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storage::{RefVersion, VersionedRef};
use crate::{Error, Result};

/// A record as it was read, with the version to compare on writing it back.
#[derive(Debug, Clone)]
pub(crate) struct VersionedRecord<R> {
    pub(crate) version: RefVersion,
    pub(crate) record: R,
}

/// The bytes of a record.
pub(crate) fn encode<R: Serialize>(record: &R) -> Result<Vec<u8>> {
    bson::serialize_to_vec(record)
        .map_err(|source| Error::internal("a record could not be encoded").with_source(source))
}

/// Reads the record that is under `name`.
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
