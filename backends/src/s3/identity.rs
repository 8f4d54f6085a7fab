//! `argon.json`: the identity of a store. It is written once.

use argon_core::{Error, Hint, Result};
use bson::DateTime;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::s3::bucket::{Bucket, Object, Wanted};
use crate::s3::condition::PutCondition;
use crate::s3::names::IDENTITY;
use crate::s3::put::{Put, Write};

/// The format that this version of Argon writes, and the only one that it reads.
pub(super) const FORMAT: u32 = 1;

/// The identity of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// 32 hexadecimal digits.
    pub(super) id: String,
    pub(super) created: DateTime,
}

/// The part of an `argon.json` that every version has.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredIdentity {
    format: u32,
    id: String,
    created: String,
}

impl Identity {
    fn encode(&self) -> Result<Vec<u8>> {
        let internal = |source: String| {
            Error::internal("the identity of a store can't be encoded").with_source(source)
        };
        let created = self.created.try_to_rfc3339_string();
        let created = created.map_err(|error| internal(error.to_string()))?;
        let stored = StoredIdentity { format: FORMAT, id: self.id.clone(), created };
        serde_json::to_vec(&stored).map_err(|error| internal(error.to_string()))
    }

    /// Reads an `argon.json`.
    ///
    /// # Errors
    /// `Unsupported` for another format, `Invalid` for other content.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let Versioned { format } = serde_json::from_slice(bytes).map_err(other)?;
        if format != FORMAT {
            return Err(Error::unsupported(format!(
                "the store has format {format}, and this version of Argon reads format {FORMAT}; \
                 use the version of Argon that created it, or a newer one"
            )));
        }
        let stored: StoredIdentity = serde_json::from_slice(bytes).map_err(other)?;
        let created = DateTime::parse_rfc3339_str(&stored.created).map_err(other)?;
        if stored.id.len() != 32 || !stored.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(other("its id is not 32 hexadecimal digits"));
        }
        Ok(Self { id: stored.id, created })
    }
}

fn other(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::invalid(format!("{IDENTITY} is not the identity of an Argon store")).with_source(source)
}

/// The store's identity as it is stored.
///
/// # Errors
/// `NotFound` if the bucket has none under the prefix.
pub(super) async fn read(bucket: &Bucket) -> Result<Object> {
    let found = bucket.get(IDENTITY, Wanted::Whole(0)).await?;
    found.ok_or_else(|| {
        Error::not_found(format!("no Argon store exists at {}", bucket.settings))
            .with_hint(Hint::CreateStore { url: None })
    })
}

/// Writes the identity of a new store under a prefix without objects, and returns its bytes.
///
/// # Errors
/// `AlreadyExists` if there is a store, `Invalid` if there are other objects.
pub(super) async fn create(bucket: &Bucket, identity: &Identity) -> Result<Bytes> {
    let there = || Error::already_exists(format!("a store exists at {}", bucket.settings));
    let (found, listed) =
        futures::join!(bucket.get(IDENTITY, Wanted::Whole(0)), bucket.list("", None, 1));
    if found?.is_some() {
        return Err(there());
    }
    if let Some(object) = listed?.objects.first() {
        return Err(Error::invalid(format!(
            "other objects exist at {}, such as '{}'; choose another prefix",
            bucket.settings, object.name
        )));
    }
    let bytes = Bytes::from(identity.encode()?);
    match Write::new(IDENTITY, &bytes, PutCondition::Absent).put(bucket).await? {
        Put::Done(_) => Ok(bytes),
        Put::Lost => Err(there()),
    }
}

#[cfg(test)]
mod tests {
    use argon_core::ErrorKind;

    use super::*;

    #[test]
    fn an_identity_comes_back_and_its_bytes_do_not_change_between_versions() {
        let identity =
            Identity { id: "0123456789abcdef".repeat(2), created: DateTime::from_millis(0) };
        let bytes = identity.encode().unwrap();
        let golden = r#"{"format":1,"id":"0123456789abcdef0123456789abcdef","created":"1970-01-01T00:00:00Z"}"#;
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), golden);
        assert_eq!(Identity::decode(&bytes).unwrap(), identity);
    }

    #[test]
    fn what_is_no_identity_is_refused() {
        for (text, kind) in [
            ("", ErrorKind::Invalid),
            ("{}", ErrorKind::Invalid),
            (r#"{"format":1}"#, ErrorKind::Invalid),
            (r#"{"format":1,"id":"x","created":"1970-01-01T00:00:00Z"}"#, ErrorKind::Invalid),
            (r#"{"format":2}"#, ErrorKind::Unsupported),
        ] {
            assert_eq!(Identity::decode(text.as_bytes()).unwrap_err().kind(), kind, "{text}");
        }
    }
}
