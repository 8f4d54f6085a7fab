//! Checks unique values.
//!
//! Rules come from the policy, and from the collections' own indexes with `unique: true`. Values
//! are compared as in MongoDB: 1 and 1.0 are equal, 1 and "1" are not.
//!
//! An index works as in MongoDB: it has a key for each element of an array, omits documents that
//! its `partialFilterExpression` does not match, and, if it is sparse, documents without any of its
//! fields. For a rule of the policy, an array is one value.
//!
//! Only values of changed documents are checked: each is kept as a digest, and one scan of the
//! collection finds the other documents that have it. For an index that the changes themselves make
//! unique, all values are checked, and the memory is O(keys), some 150 bytes each.
//!
//! Unsupported definitions are named: keys of a special kind (text, geo), partial filters with
//! unknown operators, and collations, under which different bytes may be equal text.

use std::collections::{BTreeSet, HashMap};

use bson::raw::RawBsonRef;
use futures::TryStreamExt;

use crate::document::key::{Key, KeyError, encode};
use crate::document::{Keys, Path};
use crate::engine::catalog::CollectionInfo;
use crate::history::checks::index::{Index, indexes};
use crate::history::checks::unchecked::Findings;
use crate::history::checks::{Check, Checks, Proposed, Violation};
use crate::model::{Digest, Document};
use crate::{Error, Result};

/// The number of documents that a violation names.
const NAMED: usize = 3;

/// A rule for unique values.
enum Rule<'a> {
    /// Of fields together, from the policy: a document without any of them is ignored.
    Fields(&'a [Path]),
    /// Of an index.
    Index(&'a Index),
}

/// The documents that have one value.
#[derive(Default)]
struct Owners {
    /// The first documents in key order.
    first: Vec<Key>,
    count: usize,
    /// The first changed document.
    changed: Option<Key>,
}

/// Records what can't be checked; reads only changed documents.
pub(super) fn prepare(checks: &Checks, proposed: &Proposed, found: &mut Findings) -> Result<()> {
    if checks.schema {
        for info in proposed.catalog().iter() {
            for (index, new) in unique_indexes(info, proposed, found) {
                note_collation(&index, new, info, proposed, found)?;
            }
        }
    }
    Ok(())
}

pub(super) async fn check(
    checks: &Checks,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    for info in proposed.catalog().iter() {
        let own = if checks.schema { unique_indexes(info, proposed, found) } else { Vec::new() };
        for (index, new) in &own {
            note_collation(index, *new, info, proposed, found)?;
            check_rule(&Rule::Index(index), *new, info, proposed, found).await?;
        }
        // A sparse index on one field is the same rule.
        let said = |fields: &[Path]| {
            own.iter().any(|(index, _)| matches!(fields, [field] if index.is_stricter_than(field)))
        };
        let rules: BTreeSet<&[Path]> = checks
            .unique
            .iter()
            .filter(|unique| unique.collection == info.name)
            .map(|unique| unique.fields.as_slice())
            .filter(|fields| !said(fields))
            .collect();
        for fields in rules {
            check_rule(&Rule::Fields(fields), false, info, proposed, found).await?;
        }
    }
    Ok(())
}

/// Returns the unique indexes of a collection that the changes affect, and whether the changes add
/// them; records their unsupported definitions.
fn unique_indexes(
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Findings,
) -> Vec<(Index, bool)> {
    let before = proposed.state().catalog().by_id(info.id);
    let written = proposed.written(info.id).next().is_some();
    let mut unique = Vec::new();
    for definition in indexes(info).filter(|definition| definition.is_unique()) {
        // Existing documents were not checked by the new rule.
        let new =
            before.is_some_and(|before| !indexes(before).any(|known| known.is_rule_of(definition)));
        if !written && !new {
            continue;
        }
        match definition.read(info) {
            Ok(Some(index)) => unique.push((index, new)),
            Ok(None) => {}
            Err(what) => found.unknown(&info.name, &definition.title(), &what),
        }
    }
    unique
}

/// Under a collation, different bytes may be equal text.
fn note_collation(
    index: &Index,
    new: bool,
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    let Some(collation) = index.collation() else { return Ok(()) };
    let mut text = new;
    for (_, document) in proposed.written(info.id) {
        text |= index.has_text(document)?;
    }
    if text {
        let reason =
            format!("values were compared byte for byte, without the collation ({collation})");
        found.unchecked(&info.name, &index.title(), reason);
    }
    Ok(())
}

/// Checks one rule; with `new`, all values, not only those of changed documents.
async fn check_rule(
    rule: &Rule<'_>,
    new: bool,
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    if found.wanted() == 0 {
        return Ok(());
    }
    let mut owners: HashMap<Digest, Owners> = HashMap::new();
    for (key, document) in proposed.written(info.id) {
        for value in rule.values_of(key, document, info, found)? {
            owners.entry(value).or_default().changed.get_or_insert_with(|| key.clone());
        }
    }
    if owners.is_empty() && !new {
        return Ok(());
    }
    let mut documents = proposed.scan(info.id);
    while let Some((key, document)) = documents.try_next().await? {
        for value in rule.values_of(&key, &document, info, found)? {
            let sharing =
                if new { Some(owners.entry(value).or_default()) } else { owners.get_mut(&value) };
            if let Some(sharing) = sharing {
                sharing.count += 1;
                if sharing.first.len() < NAMED {
                    sharing.first.push(key.clone());
                }
            }
        }
    }
    let mut shared: Vec<Owners> = owners.into_values().filter(|owners| owners.count > 1).collect();
    shared.sort_by(|a, b| (&a.first, a.count).cmp(&(&b.first, b.count)));
    // Two arrays may share several elements, which is one violation.
    shared.dedup_by(|a, b| (&a.first, a.count) == (&b.first, b.count));
    for owners in shared {
        found.push(rule.violation(info, owners));
    }
    Ok(())
}

impl Rule<'_> {
    /// Returns digests of the unique values of a document; none if the rule ignores it.
    fn values_of(
        &self,
        key: &Key,
        document: &Document,
        info: &CollectionInfo,
        found: &mut Findings,
    ) -> Result<Vec<Digest>> {
        match self {
            Self::Fields(fields) => Ok(value_of(fields, key, document)?.into_iter().collect()),
            Self::Index(index) => Ok(match index.keys_of(document)? {
                Some(Keys::Are(entries)) => {
                    entries.keys.iter().map(|key| Digest::of(key)).collect()
                }
                // The check of indexes refuses such a document.
                Some(Keys::ParallelArrays(..) | Keys::HashedArray(_)) => Vec::new(),
                None => {
                    let reason = format!("its filter is undecidable for document {key}");
                    found.unchecked(&info.name, &index.title(), reason);
                    Vec::new()
                }
            }),
        }
    }

    fn fields(&self) -> Vec<String> {
        match self {
            Self::Fields(fields) => fields.iter().map(ToString::to_string).collect(),
            Self::Index(index) => index.fields(),
        }
    }

    fn violation(&self, info: &CollectionInfo, owners: Owners) -> Violation {
        let names: Vec<String> = owners.first.iter().map(Key::to_string).collect();
        let documents = match (names.as_slice(), owners.count - names.len()) {
            ([first, second], 0) => format!("{first} and {second}"),
            (names, 0) => names.join(", "),
            (names, more) => format!("{} and {more} more", names.join(", ")),
        };
        let fields = self.fields();
        let path = if let [field] = fields.as_slice() { Some(field.clone()) } else { None };
        Violation {
            check: Check::Unique,
            collection: info.name.clone(),
            key: owners.changed.or_else(|| owners.first.into_iter().nth(1)),
            path,
            problem: format!(
                "documents {documents} have the same {}, which must be unique",
                fields.join(" and ")
            ),
        }
    }
}

/// Returns a digest of the values in the fields, an array as one value; `None` if the document has
/// none of the fields.
fn value_of(fields: &[Path], key: &Key, document: &Document) -> Result<Option<Digest>> {
    let mut bytes = Vec::new();
    let mut present = false;
    for field in fields {
        let values = field.values(document.as_raw())?;
        present |= !values.found.is_empty();
        let encoded = match (values.found.as_slice(), values.through_array) {
            ([], false) => encode(RawBsonRef::Null, &mut bytes),
            ([value], false) => encode(*value, &mut bytes),
            (values, _) => encode_all(values, &mut bytes),
        };
        encoded.map_err(|source| {
            Error::corrupt(format!("failed to decode document {key}")).with_source(source)
        })?;
    }
    Ok(present.then(|| Digest::of(&bytes)))
}

/// Encodes several values as one; no single value has this encoding.
fn encode_all(values: &[RawBsonRef<'_>], out: &mut Vec<u8>) -> Result<(), KeyError> {
    const SEVERAL: u8 = 0xFF;
    const END: u8 = 0;
    out.push(SEVERAL);
    values.iter().try_for_each(|value| encode(*value, out))?;
    out.push(END);
    Ok(())
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    fn fields(fields: &[&str]) -> Vec<Path> {
        fields.iter().map(|field| field.parse().unwrap()).collect()
    }

    fn same(fields: &[Path], a: bson::RawDocumentBuf, b: bson::RawDocumentBuf) -> bool {
        let [a, b] = [a, b].map(|raw| {
            let (key, document) = Document::checked(raw).unwrap();
            value_of(fields, &key, &document).unwrap()
        });
        a.is_some() && a == b
    }

    #[test]
    fn values_are_equal_as_mongodb_holds_them_to_be() {
        let rule = fields(&["a", "b.c"]);
        let a = rawdoc! { "_id": 1, "a": 1, "b": { "c": "x" } };
        assert!(same(&rule, a.clone(), rawdoc! { "_id": 2, "b": { "c": "x" }, "a": 1.0 }));
        assert!(!same(&rule, a.clone(), rawdoc! { "_id": 2, "a": "1", "b": { "c": "x" } }));
        assert!(!same(&rule, a, rawdoc! { "_id": 2, "a": 1 }));
        let missing = rawdoc! { "_id": 1, "a": 1 };
        assert!(same(&rule, missing, rawdoc! { "_id": 2, "a": 1, "b": { "c": null } }));
    }

    #[test]
    fn a_document_without_any_of_the_fields_of_a_policy_does_not_count() {
        let (a, b) = (rawdoc! { "_id": 1, "x": 1 }, rawdoc! { "_id": 2 });
        assert!(!same(&fields(&["a", "b"]), a, b));
    }

    #[test]
    fn to_a_policy_an_array_is_one_value() {
        let rule = fields(&["tags"]);
        let a = rawdoc! { "_id": 1, "tags": ["a", "b"] };
        assert!(!same(&rule, a.clone(), rawdoc! { "_id": 2, "tags": ["a"] }));
        assert!(same(&rule, a, rawdoc! { "_id": 2, "tags": ["a", "b"] }));
        let inside = fields(&["items.n"]);
        let one = rawdoc! { "_id": 1, "items": [{ "n": 1 }] };
        assert!(!same(
            &inside,
            one.clone(),
            rawdoc! { "_id": 2, "items": [{ "n": 1 }, { "n": 2 }] }
        ));
        assert!(!same(&inside, one, rawdoc! { "_id": 2, "items": { "n": 1 } }));
    }
}
