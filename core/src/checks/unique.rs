//! No two documents may share what must be unique.
//!
//! Rules come from the policy, and from the collections' own indexes with `unique: true`. Values are
//! equal as MongoDB holds them to be: 1 and 1.0 are one value, 1 and "1" are two.
//!
//! Only values that a changed document has are looked at: each is kept as a digest, and one scan of
//! the collection finds who else has it. For an index that the changes themselves make unique, all
//! values count, and the memory is O(documents), some 150 bytes each.
//!
//! What differs from `MongoDB`: an array is one value, where an index has an entry for each element;
//! the collation of an index is not read, so that values count as different unless they are so byte
//! for byte; and an index with a `partialFilterExpression` or of a special kind (text, hashed, geo) is
//! not enforced.

use std::collections::{BTreeSet, HashMap};

use bson::Bson;
use bson::raw::RawBsonRef;
use futures::TryStreamExt;

use crate::catalog::CollectionInfo;
use crate::checks::violation::Violations;
use crate::checks::{Check, Checks, FieldPath, Proposed, Violation};
use crate::key::{Key, KeyError, encode};
use crate::model::{Digest, Document};
use crate::{Error, Result};

/// How many documents a violation names.
const NAMED: usize = 3;

/// Fields whose values are unique together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    fields: Vec<FieldPath>,
    /// Whether a document without any of the fields is left out; else what is missing is null.
    sparse: bool,
}

/// The documents that have one value.
#[derive(Default)]
struct Owners {
    /// The first ones in key order.
    first: Vec<Key>,
    count: usize,
    /// The first of them that was changed.
    changed: Option<Key>,
}

pub(super) async fn check(
    checks: &Checks,
    proposed: &Proposed,
    found: &mut Violations,
) -> Result<()> {
    for info in proposed.catalog().iter() {
        let own = if checks.schema { indexed(info) } else { BTreeSet::new() };
        let before = proposed.state().catalog().by_id(info.id).map(|info| indexed(info));
        let mut rules = own.clone();
        rules.extend(
            checks
                .unique
                .iter()
                .filter(|unique| unique.collection == info.name)
                .map(|unique| Rule { fields: unique.fields.clone(), sparse: true }),
        );
        for rule in rules {
            let new = own.contains(&rule)
                && before.as_ref().is_some_and(|before| !before.contains(&rule));
            if found.wanted() > 0 {
                check_rule(&rule, new, info, proposed, found).await?;
            }
        }
    }
    Ok(())
}

/// The rules that a collection's indexes are.
fn indexed(info: &CollectionInfo) -> BTreeSet<Rule> {
    info.indexes.iter().filter_map(rule_of_index).collect()
}

fn rule_of_index(index: &bson::Document) -> Option<Rule> {
    if !is_true(index, "unique") || index.contains_key("partialFilterExpression") {
        return None;
    }
    let key = index.get_document("key").ok()?;
    let ordinary =
        |direction: &Bson| matches!(direction, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_));
    let fields = key
        .iter()
        .map(|(field, direction)| ordinary(direction).then(|| field.parse().ok()).flatten())
        .collect::<Option<Vec<FieldPath>>>()?;
    // The identity of documents sees to that one.
    (!fields.is_empty() && fields != [FieldPath::id()])
        .then(|| Rule { fields, sparse: is_true(index, "sparse") })
}

/// Whether an option is set, as MongoDB reads it: numbers too.
fn is_true(index: &bson::Document, option: &str) -> bool {
    match index.get(option) {
        Some(Bson::Boolean(value)) => *value,
        Some(Bson::Int32(value)) => *value != 0,
        Some(Bson::Int64(value)) => *value != 0,
        Some(Bson::Double(value)) => *value != 0.0,
        _ => false,
    }
}

/// Checks one rule; with `new`, all values, not only those of changed documents.
async fn check_rule(
    rule: &Rule,
    new: bool,
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Violations,
) -> Result<()> {
    let mut owners: HashMap<Digest, Owners> = HashMap::new();
    for (key, document) in proposed.written(info.id) {
        if let Some(value) = rule.value_of(key, document)? {
            owners.entry(value).or_default().changed.get_or_insert_with(|| key.clone());
        }
    }
    if owners.is_empty() && !new {
        return Ok(());
    }
    let mut documents = proposed.scan(info.id);
    while let Some((key, document)) = documents.try_next().await? {
        let Some(value) = rule.value_of(&key, &document)? else { continue };
        let sharing =
            if new { Some(owners.entry(value).or_default()) } else { owners.get_mut(&value) };
        if let Some(sharing) = sharing {
            sharing.count += 1;
            if sharing.first.len() < NAMED {
                sharing.first.push(key);
            }
        }
    }
    let mut shared: Vec<Owners> = owners.into_values().filter(|owners| owners.count > 1).collect();
    shared.sort_by(|a, b| a.first.cmp(&b.first));
    for owners in shared {
        found.push(rule.violation(info, owners));
    }
    Ok(())
}

impl Rule {
    /// A digest of what a document has in the fields; `None` if it does not count.
    fn value_of(&self, key: &Key, document: &Document) -> Result<Option<Digest>> {
        let mut bytes = Vec::new();
        let mut present = false;
        for field in &self.fields {
            let values = field.values(document)?;
            present |= !values.found.is_empty();
            let encoded = match (values.found.as_slice(), values.through_array) {
                ([], false) => encode(RawBsonRef::Null, &mut bytes),
                ([value], false) => encode(*value, &mut bytes),
                (values, _) => encode_all(values, &mut bytes),
            };
            encoded.map_err(|source| {
                Error::corrupt(format!("document {key} does not decode; run `argon fsck`"))
                    .with_source(source)
            })?;
        }
        Ok((present || !self.sparse).then(|| Digest::of(&bytes)))
    }

    fn violation(&self, info: &CollectionInfo, owners: Owners) -> Violation {
        let names: Vec<String> = owners.first.iter().map(Key::to_string).collect();
        let documents = match (names.as_slice(), owners.count - names.len()) {
            ([first, second], 0) => format!("{first} and {second}"),
            (names, 0) => names.join(", "),
            (names, more) => format!("{} and {more} more", names.join(", ")),
        };
        let fields: Vec<&str> = self.fields.iter().map(FieldPath::as_str).collect();
        let path = if let [field] = fields.as_slice() { Some((*field).to_owned()) } else { None };
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

/// Several values as one, which no single value is encoded like.
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
    use bson::{doc, rawdoc};

    use super::*;

    fn rule(fields: &[&str], sparse: bool) -> Rule {
        Rule { fields: fields.iter().map(|field| field.parse().unwrap()).collect(), sparse }
    }

    fn same(rule: &Rule, a: bson::RawDocumentBuf, b: bson::RawDocumentBuf) -> bool {
        let [a, b] = [a, b].map(|raw| {
            let (key, document) = Document::checked(raw).unwrap();
            rule.value_of(&key, &document).unwrap()
        });
        a.is_some() && a == b
    }

    #[test]
    fn values_are_equal_as_mongodb_holds_them_to_be() {
        let rule = rule(&["a", "b.c"], true);
        let a = rawdoc! { "_id": 1, "a": 1, "b": { "c": "x" } };
        assert!(same(&rule, a.clone(), rawdoc! { "_id": 2, "b": { "c": "x" }, "a": 1.0 }));
        assert!(!same(&rule, a.clone(), rawdoc! { "_id": 2, "a": "1", "b": { "c": "x" } }));
        assert!(!same(&rule, a, rawdoc! { "_id": 2, "a": 1 }));
        let missing = rawdoc! { "_id": 1, "a": 1 };
        assert!(same(&rule, missing, rawdoc! { "_id": 2, "a": 1, "b": { "c": null } }));
    }

    #[test]
    fn a_document_without_any_of_the_fields_counts_unless_the_rule_is_sparse() {
        let without = || (rawdoc! { "_id": 1, "x": 1 }, rawdoc! { "_id": 2 });
        let (a, b) = without();
        assert!(!same(&rule(&["a", "b"], true), a, b));
        let (a, b) = without();
        assert!(same(&rule(&["a", "b"], false), a, b));
    }

    #[test]
    fn an_array_is_one_value() {
        let rule = rule(&["tags"], true);
        let a = rawdoc! { "_id": 1, "tags": ["a", "b"] };
        assert!(!same(&rule, a.clone(), rawdoc! { "_id": 2, "tags": ["a"] }));
        assert!(same(&rule, a, rawdoc! { "_id": 2, "tags": ["a", "b"] }));
        let inside = self::rule(&["items.n"], true);
        let one = rawdoc! { "_id": 1, "items": [{ "n": 1 }] };
        assert!(!same(
            &inside,
            one.clone(),
            rawdoc! { "_id": 2, "items": [{ "n": 1 }, { "n": 2 }] }
        ));
        assert!(!same(&inside, one, rawdoc! { "_id": 2, "items": { "n": 1 } }));
    }

    #[test]
    fn unique_indexes_are_rules_but_for_those_that_can_not_be_enforced() {
        let email = || Some(rule(&["email"], false));
        for (index, expected) in [
            (doc! { "key": { "email": 1 }, "unique": true }, email()),
            (doc! { "key": { "email": -1_i64 }, "unique": 1 }, email()),
            (
                doc! { "key": { "email": 1.0 }, "unique": true, "sparse": true },
                Some(rule(&["email"], true)),
            ),
            (
                doc! { "key": { "a": 1, "b.c": -1 }, "unique": true },
                Some(rule(&["a", "b.c"], false)),
            ),
            (doc! { "key": { "email": 1 } }, None),
            (doc! { "key": { "email": 1 }, "unique": false }, None),
            (doc! { "key": { "_id": 1 }, "unique": true }, None),
            (doc! { "key": { "email": "hashed" }, "unique": true }, None),
            (doc! { "key": { "email": 1 }, "unique": true, "partialFilterExpression": {} }, None),
            (doc! { "unique": true }, None),
        ] {
            assert_eq!(rule_of_index(&index), expected, "{index}");
        }
    }
}
