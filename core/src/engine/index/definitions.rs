//! Definitions of indexes, as MongoDB's `createIndexes` takes and `listIndexes` gives them.

use bson::{Bson, Document as BsonDocument};

use crate::document::Index;
use crate::document::definition::identical;
use crate::{DetailKey, Error, Result};

/// The most indexes of a collection, as in MongoDB.
const MOST_INDEXES: usize = 64;

/// The kinds of fields that are written as text.
const KINDS: [&str; 5] = ["hashed", "text", "2d", "2dsphere", "geoHaystack"];

/// Checks a definition, and adds the name that MongoDB gives it if it has none.
///
/// # Errors
/// `Invalid` with MongoDB's code for a malformed definition.
pub(crate) fn complete(definition: BsonDocument) -> Result<BsonDocument> {
    let key = match definition.get("key") {
        Some(Bson::Document(key)) if !key.is_empty() => key.clone(),
        Some(Bson::Document(_)) => {
            return Err(refused(67, "CannotCreateIndex", "the key of an index has no fields"));
        }
        _ => {
            let problem = format!("the index {definition} has no document 'key' with its fields");
            return Err(refused(9, "FailedToParse", &problem));
        }
    };
    let mut name = Vec::new();
    for (field, kind) in &key {
        let kind = match kind {
            Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) if is_direction(kind) => number(kind),
            Bson::String(kind) if KINDS.contains(&kind.as_str()) => kind.clone(),
            other => {
                let problem = format!(
                    "the field '{field}' of an index has the value {other}; expected 1, -1 or one \
                     of: {}",
                    KINDS.join(", ")
                );
                return Err(refused(67, "CannotCreateIndex", &problem));
            }
        };
        if field.is_empty() || field.split('.').any(str::is_empty) {
            let problem = format!("the field '{field}' of an index has an empty name");
            return Err(refused(67, "CannotCreateIndex", &problem));
        }
        name.push(format!("{field}_{kind}"));
    }
    let mut complete = BsonDocument::new();
    complete.insert("v", definition.get("v").cloned().unwrap_or(Bson::Int32(2)));
    complete.insert("key", key);
    let given = definition.get("name").cloned();
    match given.unwrap_or_else(|| Bson::String(name.join("_"))) {
        Bson::String(name) if !name.is_empty() && name != "*" => complete.insert("name", name),
        other => {
            let problem = format!("the name of an index is {other}; expected a text");
            return Err(refused(67, "CannotCreateIndex", &problem));
        }
    };
    for (option, value) in definition {
        if !complete.contains_key(&option) {
            complete.insert(option, value);
        }
    }
    Ok(complete)
}

fn is_direction(kind: &Bson) -> bool {
    match kind {
        Bson::Int32(number) => *number != 0,
        Bson::Int64(number) => *number != 0,
        Bson::Double(number) => *number != 0.0 && !number.is_nan(),
        _ => false,
    }
}

fn number(kind: &Bson) -> String {
    match kind {
        Bson::Double(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// Returns the definition that `all` has already, if it has that one.
///
/// # Errors
/// `Invalid` with MongoDB's code if the definition contradicts another, or is one too many.
pub(crate) fn known(
    all: &[BsonDocument],
    definition: &BsonDocument,
    options: &BsonDocument,
) -> Result<Option<BsonDocument>> {
    let name =
        |definition: &BsonDocument| definition.get_str("name").unwrap_or_default().to_owned();
    let compile = |definition: &BsonDocument| Index::compile(definition, options).ok();
    let wanted = compile(definition);
    for other in all {
        let same = identical(other, definition)
            || match (&wanted, compile(other)) {
                (Some(wanted), Some(other)) => {
                    wanted.identity() == other.identity()
                        && wanted.is_unique() == other.is_unique()
                        && wanted.expire_after_seconds() == other.expire_after_seconds()
                }
                _ => without_name(other) == without_name(definition),
            };
        match (same, name(other) == name(definition)) {
            (true, true) => return Ok(Some(other.clone())),
            (true, false) => {
                let problem = format!("the index exists already with the name '{}'", name(other));
                return Err(refused(85, "IndexOptionsConflict", &problem)
                    .with_detail(DetailKey::Index, name(other)));
            }
            (false, true) => {
                let problem = format!(
                    "an index with the name '{}' exists already with another key or other \
                     options: {other}",
                    name(other)
                );
                return Err(refused(86, "IndexKeySpecsConflict", &problem)
                    .with_detail(DetailKey::Index, name(other)));
            }
            (false, false) => {}
        }
    }
    if all.len() >= MOST_INDEXES {
        let problem = format!("a collection has at most {MOST_INDEXES} indexes");
        return Err(refused(67, "CannotCreateIndex", &problem));
    }
    Ok(None)
}

fn without_name(definition: &BsonDocument) -> BsonDocument {
    definition
        .iter()
        .filter(|(field, _)| *field != "name")
        .map(|(f, v)| (f.clone(), v.clone()))
        .collect()
}

fn refused(code: u32, code_name: &'static str, problem: &str) -> Error {
    Error::invalid(problem).with_code(code, code_name)
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn a_definition_gets_mongodbs_name() {
        for (definition, name) in [
            (doc! { "key": { "a": 1, "b.c": -1 } }, "a_1_b.c_-1"),
            (doc! { "key": { "a": 1.0 } }, "a_1"),
            (doc! { "key": { "a": "hashed" }, "unique": false }, "a_hashed"),
            (doc! { "key": { "$**": 1 }, "name": "all" }, "all"),
        ] {
            assert_eq!(complete(definition).unwrap().get_str("name").unwrap(), name);
        }
        for malformed in [
            doc! {},
            doc! { "key": {} },
            doc! { "key": { "a": 0 } },
            doc! { "key": { "a": "up" } },
            doc! { "key": { "a..b": 1 } },
            doc! { "key": { "a": 1 }, "name": 3 },
        ] {
            assert!(complete(malformed.clone()).is_err(), "{malformed}");
        }
    }

    #[test]
    fn a_definition_is_known_or_new_or_contradicts_another() {
        let all = vec![doc! { "v": 2, "key": { "a": 1 }, "name": "a_1" }];
        let known =
            |definition: BsonDocument| known(&all, &complete(definition).unwrap(), &doc! {});
        assert!(known(doc! { "key": { "a": 1.0 } }).unwrap().is_some());
        assert!(known(doc! { "key": { "a": -1 } }).unwrap().is_none());
        for (definition, code) in [
            (doc! { "key": { "a": 1 }, "name": "b" }, 85),
            (doc! { "key": { "b": 1 }, "name": "a_1" }, 86),
            (doc! { "key": { "a": 1 }, "unique": true }, 86),
        ] {
            let error = known(definition).unwrap_err();
            let found = error.details().iter().find(|(key, _)| *key == DetailKey::Code);
            assert_eq!(found.map(|(_, value)| value.to_string()), Some(code.to_string()));
        }
    }
}
