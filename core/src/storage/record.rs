//! The records in refs, as BSON documents.

use erased_serde::Deserializer as ErasedDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::storage::{RefVersion, VersionedRef};
use crate::{Error, Result};

/// A record and its version when it was read, for the compare-and-set that replaces it.
#[derive(Debug, Clone)]
pub(crate) struct VersionedRecord<R> {
    pub(crate) version: RefVersion,
    pub(crate) record: R,
}

/// A record as BSON, compiled once for each type; see [`record_from_bytes`].
///
/// # Errors
/// Those of the encoding.
pub fn record_to_bytes<R: Serialize>(record: &R) -> bson::error::Result<Vec<u8>> {
    let record: &dyn erased_serde::Serialize = record;
    bson::serialize_to_vec(&record)
}

/// The record in these bytes.
///
/// `bson` has deserializers of its own for documents, dates, binary values and many more, and would
/// compile the reading of a record for each of them: together they were a third of the code of core.
///
/// # Errors
/// Those of the decoding.
pub fn record_from_bytes<R: DeserializeOwned>(bytes: &[u8]) -> bson::error::Result<R> {
    bson::deserialize_from_slice(bytes).map(|Erased(record)| record)
}

/// Encodes a record.
pub(crate) fn encode<R: Serialize>(record: &R) -> Result<Vec<u8>> {
    record_to_bytes(record)
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
    let record = record_from_bytes(&stored.value).map_err(|source| {
        Error::corrupt(format!("the record '{name}' can't be read")).with_source(source)
    })?;
    Ok(VersionedRecord { version: stored.version, record })
}

/// A value that is read by way of a deserializer behind a pointer.
struct Erased<R>(R);

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Erased<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut erased = <dyn ErasedDeserializer<'de>>::erase(deserializer);
        erased_serde::deserialize(&mut erased).map(Self).map_err(D::Error::custom)
    }
}
