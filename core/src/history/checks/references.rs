//! Checks references between documents.
//!
//! A rule is violated by a changed document that references a missing value, and by any document
//! that references a value that the changes remove, by deleting its document or changing its field.
//! So the relevant values are those of changed documents on either side. References by `_id` cost
//! one lookup each, all in one step; those by another field cost one scan of the target collection.
//! The referencing collection is scanned only if a value was removed and no other document has it.
//!
//! If the changes drop or replace the target collection, every referencing document is checked, in
//! steps.

use std::collections::BTreeSet;

use bson::raw::RawBsonRef;
use futures::TryStreamExt;

use crate::document::Path;
use crate::document::key::{Key, encode};
use crate::engine::catalog::CollectionInfo;
use crate::history::checks::unchecked::Findings;
use crate::history::checks::{Check, Checks, Proposed, Reference, Violation};
use crate::model::{Document, Image};
use crate::{Error, Result};

/// The number of documents in one step.
const STEP: usize = 4096;

/// An encoded value; values that are equal in MongoDB have the same bytes.
type Value = Box<[u8]>;

/// A rule and its collections.
struct Rule<'a> {
    reference: &'a Reference,
    proposed: &'a Proposed,
    from: &'a CollectionInfo,
    /// `None` if the collection does not exist.
    to: Option<&'a CollectionInfo>,
}

pub(super) async fn check(
    checks: &Checks,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    for reference in &checks.references {
        let catalog = proposed.catalog();
        let Some(from) = catalog.get(&reference.collection) else { continue };
        let to = catalog.get(&reference.to).map(|info| &**info);
        if found.wanted() > 0 {
            Rule { reference, proposed, from, to }.check(found).await?;
        }
    }
    Ok(())
}

impl Rule<'_> {
    async fn check(&self, found: &mut Findings) -> Result<()> {
        let before = self.proposed.state().catalog().get(&self.reference.to);
        if before.is_some_and(|before| self.to.is_none_or(|to| to.id != before.id)) {
            return self.check_all(found).await;
        }
        let lost = self.lost().await?;
        let mut looked_for = lost.clone();
        for (key, document) in self.proposed.written(self.from.id) {
            looked_for.extend(values(&self.reference.field, key, document)?);
        }
        let missing = self.missing(looked_for).await?;
        let gone: BTreeSet<Value> = lost.intersection(&missing).cloned().collect();
        if gone.is_empty() {
            for (key, document) in self.proposed.written(self.from.id) {
                self.check_document(key, document, &missing, found)?;
            }
            return Ok(());
        }
        let mut documents = self.proposed.scan(self.from.id);
        while let Some((key, document)) = documents.try_next().await? {
            let changed = self.proposed.image(self.from.id, &key).is_some();
            let missing = if changed { &missing } else { &gone };
            self.check_document(&key, &document, missing, found)?;
            if found.wanted() == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Checks every referencing document.
    async fn check_all(&self, found: &mut Findings) -> Result<()> {
        let mut steps = self.proposed.scan(self.from.id).try_chunks(STEP);
        while let Some(step) = steps.try_next().await.map_err(|error| error.1)? {
            let mut looked_for = BTreeSet::new();
            for (key, document) in &step {
                looked_for.extend(values(&self.reference.field, key, document)?);
            }
            let missing = self.missing(looked_for).await?;
            for (key, document) in &step {
                self.check_document(key, document, &missing, found)?;
            }
            if found.wanted() == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Returns the values that documents were referenced by before the changes, and no longer have
    /// after them.
    async fn lost(&self) -> Result<BTreeSet<Value>> {
        let Some(to) = self.to else { return Ok(BTreeSet::new()) };
        let by_id = self.reference.is_by_id();
        let keys: Vec<Key> = self
            .proposed
            .changed(to.id)
            .filter(|(_, image)| !by_id || **image == Image::Deleted)
            .map(|(key, _)| key.clone())
            .collect();
        let mut lost = BTreeSet::new();
        for keys in keys.chunks(STEP) {
            let before = self.proposed.below(to.id, keys.to_vec()).await?;
            for (key, before) in keys.iter().zip(before) {
                let Some(before) = before else { continue };
                lost.extend(values(&self.reference.to_field, key, &before)?);
            }
        }
        Ok(lost)
    }

    /// Returns the values that no document has.
    async fn missing(&self, mut values: BTreeSet<Value>) -> Result<BTreeSet<Value>> {
        let Some(to) = self.to.filter(|_| !values.is_empty()) else { return Ok(values) };
        if self.reference.is_by_id() {
            // A value that can't be a key references nothing.
            let keys: Vec<Key> =
                values.iter().filter_map(|value| Key::from_bytes(value).ok()).collect();
            for keys in keys.chunks(STEP) {
                let documents = self.proposed.get_many(to.id, keys.to_vec()).await?;
                for (key, document) in keys.iter().zip(documents) {
                    if document.is_some() {
                        values.remove(key.as_bytes());
                    }
                }
            }
            return Ok(values);
        }
        let mut documents = self.proposed.scan(to.id);
        while let Some((key, document)) = documents.try_next().await? {
            for value in self::values(&self.reference.to_field, &key, &document)? {
                values.remove(&value);
            }
            if values.is_empty() {
                break;
            }
        }
        Ok(values)
    }

    /// Reports the missing values that a document references.
    fn check_document(
        &self,
        key: &Key,
        document: &Document,
        missing: &BTreeSet<Value>,
        found: &mut Findings,
    ) -> Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let Reference { field, to, to_field, .. } = self.reference;
        let mut reported = BTreeSet::new();
        for value in values(field, key, document)? {
            if missing.contains(&value) && !reported.contains(&value) {
                let named = shown(&value);
                found.push(Violation {
                    check: Check::Reference,
                    collection: self.from.name.clone(),
                    key: Some(key.clone()),
                    path: Some(field.to_string()),
                    problem: format!(
                        "{field} refers to {named}, but no document in {to} has that {to_field}"
                    ),
                });
                reported.insert(value);
            }
        }
        Ok(())
    }
}

/// Returns the values of a document at a path: each element of an array, without null.
fn values(path: &Path, key: &Key, document: &Document) -> Result<Vec<Value>> {
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| {
        Error::corrupt(format!("failed to decode document {key}")).with_source(source)
    };
    let elements = path.values(document.as_raw())?.elements()?;
    elements
        .into_iter()
        .filter(|value| !matches!(value, RawBsonRef::Null | RawBsonRef::Undefined))
        .map(|value| {
            let mut bytes = Vec::new();
            encode(value, &mut bytes).map_err(|source| broken(source.into()))?;
            Ok(bytes.into_boxed_slice())
        })
        .collect()
}

/// Formats a value for a message.
fn shown(value: &[u8]) -> String {
    Key::from_bytes(value)
        .map_or_else(|_| "a value that can't be a key".to_owned(), |key| key.to_string())
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[test]
    fn each_element_of_an_array_is_a_value_and_null_is_none() {
        let raw = rawdoc! { "_id": 1, "a": [1, null, 2.0], "b": [{ "c": [3] }, { "c": 4 }, {}], "n": null };
        let (key, document) = Document::checked(raw).unwrap();
        let count = |path: &str| values(&path.parse().unwrap(), &key, &document).unwrap().len();
        assert_eq!(count("a"), 2);
        assert_eq!(count("b.c"), 2);
        assert_eq!(count("n"), 0);
        assert_eq!(count("missing"), 0);
    }

    #[test]
    fn a_value_of_an_id_is_encoded_as_its_key() {
        let raw = rawdoc! { "_id": { "a": 1 }, "ref": { "a": 1.0 } };
        let (key, document) = Document::checked(raw).unwrap();
        let named = values(&"ref".parse().unwrap(), &key, &document).unwrap();
        assert_eq!(&*named[0], key.as_bytes());
    }
}
