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

/// Encodes a record.
pub(crate) fn encode<R: Serialize>(record: &R) -> Result<Vec<u8>> {
    let record: &dyn erased_serde::Serialize = record;
    bson::serialize_to_vec(&record)
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
    let Erased(record) = bson::deserialize_from_slice(&stored.value).map_err(|source| {
        Error::corrupt(format!("the record '{name}' can't be read")).with_source(source)
    })?;
    Ok(VersionedRecord { version: stored.version, record })
}

/// A value that is read by way of a deserializer behind a pointer.
///
/// `bson` has deserializers of its own for documents, dates, binary values and many more, and would
/// compile the reading of a record for each of them: together they were a third of the code of core.
struct Erased<R>(R);

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Erased<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut erased = <dyn ErasedDeserializer<'de>>::erase(deserializer);
        erased_serde::deserialize(&mut erased).map(Self).map_err(D::Error::custom)
    }
}
