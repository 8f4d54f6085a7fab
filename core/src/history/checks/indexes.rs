//! MongoDB's rules for the indexes of a collection, and for indexed documents, unique or not.
//!
//! For the set of indexes: no two with one name, no two that are the same index under two names
//! (error 85), at most one text index (error 67), at most 64. Two unchanged indexes are accepted.
//!
//! For a document: at most one path of a compound key goes through an array (error 171), and no
//! path of a hashed key does. Geo and text indexes have more rules, which are unsupported, and
//! reported as such.

use crate::Result;
use crate::document::key::Key;
use crate::document::{Keys, Path};
use crate::engine::catalog::CollectionInfo;
use crate::history::checks::index::{Definition, indexes};
use crate::history::checks::unchecked::Findings;
use crate::history::checks::{Check, Checks, Proposed, Violation};
use crate::model::Document;

/// The maximum number of indexes of a collection.
const MOST: usize = 64;

const GEO: [&str; 3] = ["2d", "2dsphere", "geoHaystack"];

pub(super) fn check(checks: &Checks, proposed: &Proposed, found: &mut Findings) -> Result<()> {
    if !checks.schema {
        return Ok(());
    }
    for info in proposed.catalog().iter() {
        let before = proposed.state().catalog().by_id(info.id);
        check_together(info, before.map(|info| &**info), found);
        for definition in indexes(info) {
            check_documents(definition, info, proposed, found)?;
        }
    }
    Ok(())
}

/// Records what can't be checked.
pub(super) fn prepare(checks: &Checks, proposed: &Proposed, found: &mut Findings) -> Result<()> {
    // Only changed documents are read, so this costs no more.
    check(checks, proposed, found)
}

/// Checks whether MongoDB would create these indexes together.
fn check_together(info: &CollectionInfo, before: Option<&CollectionInfo>, found: &mut Findings) {
    let known = |definition: Definition<'_>| {
        before.is_some_and(|before| {
            indexes(before)
                .any(|other| other.name() == definition.name() && other.is_same_index(definition))
        })
    };
    let problem = |problem: String| Violation {
        check: Check::Index,
        collection: info.name.clone(),
        key: None,
        path: None,
        problem,
    };
    let all: Vec<Definition<'_>> = indexes(info).collect();
    for (at, first) in all.iter().enumerate() {
        for second in &all[at + 1..] {
            let (one, other) = (first.name(), second.name());
            let clash = if one == other {
                Some(format!("two indexes have the name '{one}'"))
            } else if first.is_same_index(*second) {
                Some(format!(
                    "indexes '{one}' and '{other}' are the same index under two names; MongoDB \
                     allows only one"
                ))
            } else if is_text(*first) && is_text(*second) {
                Some(format!(
                    "'{one}' and '{other}' are both text indexes; MongoDB allows only one"
                ))
            } else {
                None
            };
            if let Some(clash) = clash.filter(|_| !(known(*first) && known(*second))) {
                found.push(problem(clash));
            }
        }
    }
    if all.len() > MOST && before.is_none_or(|before| before.indexes.len() < all.len()) {
        found.push(problem(format!(
            "the collection would have {} indexes; MongoDB allows at most {MOST}",
            all.len()
        )));
    }
}

fn is_text(definition: Definition<'_>) -> bool {
    definition.field_of_kind(&["text"]).is_some()
}

/// Checks whether MongoDB would add the changed documents to an index.
fn check_documents(
    definition: Definition<'_>,
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    if definition.key().count() > 1 && definition.is_ordinary() {
        check_arrays(definition, info, proposed, found)?;
    }
    if let Some(field) = definition.field_of_kind(&["hashed"]) {
        for (key, document) in proposed.written(info.id) {
            if meets_array(field, document)? {
                let problem = format!(
                    "{field} is an array, which the hashed index '{}' does not support",
                    definition.name()
                );
                found.push(violation(info, key, Some(field), problem));
            }
        }
    }
    let asks_more = definition.field_of_kind(&GEO).map(str::to_owned).or_else(|| {
        let language = definition.option("language_override").and_then(bson::Bson::as_str);
        is_text(definition).then(|| language.unwrap_or("language").to_owned())
    });
    if let Some(field) = asks_more {
        for (_, document) in proposed.written(info.id) {
            if is_there(&field, document)? {
                found.unknown(
                    &info.name,
                    &definition.title(),
                    &format!("rules for the content of {field}"),
                );
            }
        }
    }
    Ok(())
}

/// Checks that at most one path of a compound key goes through an array.
fn check_arrays(
    definition: Definition<'_>,
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    let index = match definition.read(info) {
        Ok(Some(index)) => index,
        // An unsupported unique index is reported by the check for unique values.
        Err(what) if !definition.is_unique() && proposed.written(info.id).next().is_some() => {
            found.unknown(&info.name, &definition.title(), &what);
            return Ok(());
        }
        Ok(None) | Err(_) => return Ok(()),
    };
    for (key, document) in proposed.written(info.id) {
        if let Some(Keys::ParallelArrays(one, other)) = index.keys_of(document)? {
            let problem = format!(
                "{one} and {other} are both arrays, which index '{}' does not support",
                definition.name()
            );
            found.push(violation(info, key, None, problem));
        }
    }
    Ok(())
}

fn violation(info: &CollectionInfo, key: &Key, path: Option<&str>, problem: String) -> Violation {
    Violation {
        check: Check::Index,
        collection: info.name.clone(),
        key: Some(key.clone()),
        path: path.map(str::to_owned),
        problem,
    }
}

/// Returns whether a path leads to an array, or through one.
fn meets_array(field: &str, document: &Document) -> Result<bool> {
    let values = Path::dotted(field).values(document.as_raw())?;
    let array = |value: &bson::RawBsonRef<'_>| matches!(value, bson::RawBsonRef::Array(_));
    Ok(values.through_array || values.found.iter().any(array))
}

fn is_there(field: &str, document: &Document) -> Result<bool> {
    Ok(!Path::dotted(field).values(document.as_raw())?.found.is_empty())
}

#[cfg(test)]
mod tests {
    use bson::{Document as BsonDocument, doc};

    use super::*;
    use crate::model::CollectionName;

    fn problems(before: Option<Vec<BsonDocument>>, after: Vec<BsonDocument>) -> Vec<String> {
        let name = CollectionName::new("boats").unwrap();
        let with = |indexes| CollectionInfo {
            indexes,
            ..crate::engine::catalog::Catalog::default().new_collection(name.clone())
        };
        let mut found = Findings::at_most(9);
        check_together(&with(after), before.map(with).as_ref(), &mut found);
        found.finish().violations.into_iter().map(|found| found.problem).collect()
    }

    #[test]
    fn one_index_by_two_names_and_two_text_indexes_are_refused() {
        let index = |name: &str, key: BsonDocument| doc! { "name": name, "key": key };
        let text = |name: &str| index(name, doc! { "_fts": "text", "_ftsx": 1 });
        let (a, b) = (index("a", doc! { "x": 1 }), index("b", doc! { "x": 1.0 }));
        assert!(
            problems(None, vec![a.clone(), index("c", doc! { "x": -1 }), text("t")]).is_empty()
        );
        let found = problems(Some(vec![a.clone()]), vec![a.clone(), b.clone()]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("'a' and 'b'"), "{found:?}");
        let both = vec![a.clone(), b];
        assert!(problems(Some(both.clone()), both).is_empty(), "it was so before");
        let mut other = text("u");
        other.insert("weights", doc! { "y": 1 });
        other.insert("sparse", true);
        assert!(problems(None, vec![text("t"), other])[0].contains("text"));
        assert!(
            problems(None, vec![a.clone(), index("a", doc! { "y": 1 })])[0]
                .contains("have the name 'a'")
        );
    }

    #[test]
    fn more_indexes_than_mongodb_takes_are_refused() {
        let many = |count: usize| {
            (0..count)
                .map(|n| doc! { "name": format!("i{n}"), "key": { format!("f{n}"): 1 } })
                .collect()
        };
        assert!(problems(None, many(64)).is_empty());
        assert_eq!(problems(Some(many(64)), many(65)).len(), 1);
        assert!(problems(Some(many(65)), many(65)).is_empty());
    }
}
