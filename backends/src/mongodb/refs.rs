//! Refs: one document each, with a version that is random for each write.

use std::sync::Arc;

use argon_core::storage::{CasResult, RefName, RefVersion, Refs, VersionedRef};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;
use bson::{Bson, Document, RawDocument, doc, rawdoc};
use data_encoding::HEXLOWER;
use mongodb::options::ReadConcern;

use super::checksum::{self, Sum};
use super::connection::{Connection, READ_TIME};
use super::failure::Failure;
use super::format::StoreFormat;
use super::record::{binary, bytes_field, text_field};
use super::schema;

const WHAT: &str = "move a ref";
const REF: &str = "ref";

/// [`Refs`] over the collection `refs`.
pub(super) struct MongoRefs {
    pub(super) server: Arc<Connection>,
    pub(super) environment: Environment,
    pub(super) format: Arc<StoreFormat>,
}

#[async_trait]
impl Refs for MongoRefs {
    /// A linearizable read, since another process may have moved the ref through another primary.
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        let server = &self.server;
        let refs = server.collection(schema::REFS);
        let find = refs
            .find_one(named(name))
            .read_concern(ReadConcern::linearizable())
            .max_time(READ_TIME);
        server.read("read a ref", find).await?.map(|row| decode(&row)).transpose()
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let server = &self.server;
        let refs = server.collection(schema::REFS);
        let query = refs.find(with_prefix(prefix)).sort(doc! { "name": 1 }).max_time(READ_TIME);
        let mut rows = server.rows("list refs", query).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            found.push((text_field(row, REF, "name")?.to_owned(), decode(row)?));
        }
        Ok(found)
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        self.format.raise().await?;
        let nonce: [u8; 16] = self.environment.random();
        let new = value.as_ref().map(|_| RefVersion(HEXLOWER.encode(&nonce)));
        let tried = match (expected, &new, &value) {
            (None, Some(new), Some(value)) => self.insert(name, new, value).await,
            (Some(old), Some(new), Some(value)) => self.update(name, old, new, value).await,
            (Some(old), ..) => self.remove(name, old).await,
            (None, ..) => match self.get(name).await? {
                None => Ok(true),
                Some(_) => Ok(false),
            },
        };
        let doubt = match tried {
            Ok(true) => return Ok(CasResult::Done(new)),
            Ok(false) | Err(Failure::Duplicate) => None,
            Err(Failure::Doubtful(error)) => Some(error),
            Err(Failure::Definite(error)) => return Err(error),
        };
        self.resolve(name, expected, new, doubt).await
    }
}

impl MongoRefs {
    async fn insert(&self, name: &str, new: &RefVersion, value: &[u8]) -> Result<bool, Failure> {
        let server = &self.server;
        let row = rawdoc! {
            "_id": self.environment.object_id(),
            "name": name,
            "version": new.0.as_str(),
            "value": binary(value),
            "crc": sum(name, new, value).value(),
        };
        let insert = server.collection(schema::REFS);
        server.write(WHAT, insert.insert_one(row)).await.map(|_| true)
    }

    async fn update(
        &self,
        name: &str,
        old: &RefVersion,
        new: &RefVersion,
        value: &[u8],
    ) -> Result<bool, Failure> {
        let server = &self.server;
        let refs = server.collection(schema::REFS);
        let set = doc! { "$set": {
            "version": &new.0,
            "value": Bson::Binary(binary(value)),
            "crc": sum(name, new, value).value(),
        } };
        let update = refs.update_one(at_version(name, old), set);
        server.write(WHAT, update).await.map(|done| done.matched_count == 1)
    }

    async fn remove(&self, name: &str, old: &RefVersion) -> Result<bool, Failure> {
        let server = &self.server;
        let refs = server.collection(schema::REFS);
        let delete = refs.delete_one(at_version(name, old));
        server.write(WHAT, delete).await.map(|done| done.deleted_count == 1)
    }

    /// The result of a compare-and-set that was refused, or whose answer was lost. No two writes have
    /// one version, so a ref with the new version was written by this call.
    async fn resolve(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        new: Option<RefVersion>,
        doubt: Option<Error>,
    ) -> Result<CasResult> {
        let found = match (self.get(name).await, doubt) {
            (Ok(found), None) => found,
            (Err(error), None) => return Err(error),
            (Err(_), Some(doubt)) => return Err(doubt),
            (Ok(found), Some(doubt)) => {
                let version = found.as_ref().map(|found| &found.version);
                if version != new.as_ref() || new.is_none() {
                    // It may still be applied, or was applied and overwritten.
                    return Err(doubt);
                }
                found
            }
        };
        let version = found.as_ref().map(|found| &found.version);
        if new.is_some() && version == new.as_ref() {
            return Ok(CasResult::Done(new));
        }
        if version == expected && expected.is_some() {
            return Err(Error::unavailable(
                "the ref was moved and moved back at the same time; try again",
            ));
        }
        Ok(CasResult::Moved(found))
    }
}

fn named(name: &str) -> Document {
    doc! { "name": name }
}

fn at_version(name: &str, version: &RefVersion) -> Document {
    doc! { "name": name, "version": &version.0 }
}

/// Matches the refs with a prefix. Names are sorted by their bytes, and `char::MAX` sorts last.
pub(super) fn with_prefix(prefix: &str) -> Document {
    doc! { "name": { "$gte": prefix, "$lt": format!("{prefix}{}", char::MAX) } }
}

/// The errors of the refs that can't be read. No other check reads all refs.
pub(super) async fn damaged(server: &Arc<Connection>) -> Result<Vec<String>> {
    let refs = server.collection(schema::REFS);
    let query = refs.find(doc! {}).max_time(READ_TIME);
    let mut rows = server.rows("read all refs", query).await?;
    let mut problems = Vec::new();
    while let Some(row) = rows.next().await? {
        problems.extend(decode(row).err().map(|error| error.in_full()));
    }
    Ok(problems)
}

fn decode(row: &RawDocument) -> Result<VersionedRef> {
    let name = text_field(row, REF, "name")?;
    let version = RefVersion(text_field(row, REF, "version")?.to_owned());
    let value = bytes_field(row, REF, "value")?;
    let sum = sum(name, &version, value);
    checksum::check(checksum::stored(row, REF)?, sum, || format!("the ref '{name}'"))?;
    Ok(VersionedRef { version, value: value.to_vec() })
}

/// The checksum of a ref.
fn sum(name: &str, version: &RefVersion, value: &[u8]) -> Sum {
    Sum::of(schema::REFS).text(name).text(&version.0).end(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_of_a_ref_is_refused_and_one_of_format_1_taken() {
        let version = RefVersion("ab".into());
        let crc = sum("a/b", &version, b"value").value();
        let row = |name: &str, version: &str, value: &[u8]| {
            rawdoc! { "name": name, "version": version, "value": binary(value), "crc": crc }
        };
        assert_eq!(decode(&row("a/b", "ab", b"value")).unwrap().value, b"value");
        for damaged in
            [row("a/c", "ab", b"value"), row("a/b", "aa", b"value"), row("a/b", "ab", b"velue")]
        {
            let error = decode(&damaged).unwrap_err();
            assert!(error.to_string().contains("does not match its checksum"), "{error}");
        }
        let old = rawdoc! { "name": "a/b", "version": "xy", "value": binary(b"v") };
        assert_eq!(decode(&old).unwrap().value, b"v");
    }
}
