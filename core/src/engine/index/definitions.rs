//! Definitions of indexes, as MongoDB's `createIndexes` takes and `listIndexes` gives them.

use bson::{Bson, Document as BsonDocument};

use super::defaults::{whole, with_defaults};
use crate::document::Index;
use crate::document::definition::{identical, is_set};
use crate::{DetailKey, Error, Result};

/// The most indexes of a collection, as in MongoDB.
const MOST_INDEXES: usize = 64;

/// The kinds of fields that are written as text.
const KINDS: [&str; 5] = ["hashed", "text", "2d", "2dsphere", "geoHaystack"];

/// The options of a definition, by the type of their values.
const OPTIONS: [(&[&str], OptionType); 4] = [
    (
        &["unique", "sparse", "hidden", "background", "dropDups", "prepareUnique", "clustered"],
        OptionType::Boolean,
    ),
    (
        &[
            "v",
            "expireAfterSeconds",
            "textIndexVersion",
            "2dsphereIndexVersion",
            "bits",
            "min",
            "max",
            "bucketSize",
            "coarsestIndexedLevel",
            "finestIndexedLevel",
        ],
        OptionType::Number,
    ),
    (
        &[
            "key",
            "partialFilterExpression",
            "collation",
            "wildcardProjection",
            "storageEngine",
            "weights",
        ],
        OptionType::Document,
    ),
    (&["name", "ns", "default_language", "language_override"], OptionType::Text),
];

/// What an index on `_id` alone can't have: it is unique, and has all documents.
const NOT_FOR_ID: [&str; 5] =
    ["unique", "sparse", "partialFilterExpression", "expireAfterSeconds", "hidden"];

/// The type of an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OptionType {
    /// A number is taken too: 0 is false.
    Boolean,
    Number,
    Document,
    Text,
}

/// Whether the definition of an index may have an option of this name.
pub fn is_index_option(name: &str) -> bool {
    OPTIONS.iter().any(|(names, _)| names.contains(&name))
}

/// Checks a definition, and adds the name that MongoDB gives it if it has none, and the defaults of its kind.
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
        let is_operator =
            |name: &str| name.starts_with('$') && !["$**", "$id", "$ref", "$db"].contains(&name);
        if field.split('.').any(is_operator) {
            let problem = format!("the field '{field}' of an index has a name that begins with $");
            return Err(refused(67, "CannotCreateIndex", &problem));
        }
        if field.is_empty() || field.split('.').any(str::is_empty) {
            let problem = format!("the field '{field}' of an index has an empty name");
            return Err(refused(67, "CannotCreateIndex", &problem));
        }
        name.push(format!("{field}_{kind}"));
    }
    check_options(&key, &definition)?;
    let mut complete = BsonDocument::new();
    complete.insert("v", whole(definition.get("v").cloned().unwrap_or(Bson::Int32(2))));
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
            let is_seconds = option == "expireAfterSeconds";
            complete.insert(option, if is_seconds { whole(value) } else { value });
        }
    }
    Ok(with_defaults(complete))
}

fn check_options(key: &BsonDocument, definition: &BsonDocument) -> Result<()> {
    let cannot = |problem: &str| Err(refused(67, "CannotCreateIndex", problem));
    for (option, value) in definition {
        let known = OPTIONS.iter().find(|(names, _)| names.contains(&option.as_str()));
        let Some((_, expected)) = known else {
            let problem = format!("an index has no option '{option}': {definition}");
            return Err(refused(197, "InvalidIndexSpecificationOption", &problem));
        };
        // The checks of the key and the name say more.
        if !["key", "name"].contains(&option.as_str()) && !expected.has(value) {
            let expected = expected.words();
            let problem =
                format!("the option '{option}' of an index is {value}; expected {expected}");
            return Err(refused(14, "TypeMismatch", &problem));
        }
    }
    let is_partial = definition.contains_key("partialFilterExpression");
    if is_partial && is_set(definition, "sparse") {
        return cannot(
            "an index can't be both sparse and partial: partialFilterExpression suffices",
        );
    }
    if definition.contains_key("expireAfterSeconds") && key.len() > 1 {
        return cannot("documents expire by an index of one field; this one has several");
    }
    let is_hashed = key.values().any(|kind| kind.as_str() == Some("hashed"));
    if is_hashed && is_set(definition, "unique") {
        return Err(refused(16_764, "Location16764", "a hashed index can't be unique"));
    }
    let is_of_id = key.len() == 1 && key.contains_key("_id") && !is_hashed;
    let mut not_for_id = NOT_FOR_ID.into_iter().filter(|option| definition.contains_key(option));
    if let (true, Some(option)) = (is_of_id, not_for_id.next()) {
        let problem = format!(
            "The field '{option}' is not valid for an _id index specification: {definition}"
        );
        return Err(refused(197, "InvalidIndexSpecificationOption", &problem));
    }
    Ok(())
}

impl OptionType {
    fn has(self, value: &Bson) -> bool {
        let is_number = matches!(value, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_));
        match self {
            Self::Boolean => is_number || matches!(value, Bson::Boolean(_)),
            Self::Number => is_number,
            Self::Document => matches!(value, Bson::Document(_)),
            Self::Text => matches!(value, Bson::String(_)),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Number => "a number",
            Self::Document => "a document",
            Self::Text => "a text",
        }
    }
}

/// Refuses a new index that Argon could only keep as a definition, if that would be a false promise.
///
/// # Errors
/// `Unsupported` for a unique index whose values can't be compared; `Invalid` for a partial index
/// whose filter can't be evaluated.
pub(crate) fn check_kept(definition: &BsonDocument, options: &BsonDocument) -> Result<()> {
    let name = definition.get_str("name").unwrap_or_default();
    if let Some(filter) = definition.get("partialFilterExpression") {
        let alone = bson::doc! { "key": { "_id": 1 }, "partialFilterExpression": filter.clone() };
        if let Err(problem) = Index::compile_bytewise(&alone, options) {
            let problem = format!("index '{name}' has {problem}, which can't be evaluated");
            return Err(refused(67, "CannotCreateIndex", &problem));
        }
    }
    match Index::compile(definition, options) {
        Err(problem) if is_set(definition, "unique") => {
            let problem = format!(
                "index '{name}' can't be unique: it has {problem}, and duplicates would not be refused"
            );
            Err(Error::unsupported(problem).with_code(67, "CannotCreateIndex"))
        }
        _ => Ok(()),
    }
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
    let (wanted, unnamed) = (compile(definition), without_name(definition));
    for other in all {
        let same = identical(other, definition)
            || match (&wanted, compile(other)) {
                (Some(wanted), Some(other)) => {
                    wanted.identity() == other.identity()
                        && wanted.is_unique() == other.is_unique()
                        && wanted.expire_after_seconds() == other.expire_after_seconds()
                }
                _ => without_name(other) == unnamed,
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

/// The definition but for its name. Stores and dumps have some without the defaults.
fn without_name(definition: &BsonDocument) -> BsonDocument {
    let mut definition = with_defaults(definition.clone());
    definition.remove("name");
    definition
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
            doc! { "key": { "$a": 1 } },
            doc! { "key": { "a": 1 }, "uniqe": true },
            doc! { "key": { "a": 1 }, "sparse": "no" },
            doc! { "key": { "a": 1 }, "expireAfterSeconds": "10" },
            doc! { "key": { "a": 1, "b": 1 }, "expireAfterSeconds": 10 },
            doc! { "key": { "a": 1 }, "sparse": true, "partialFilterExpression": { "a": 1 } },
            doc! { "key": { "a": "hashed" }, "unique": true },
            doc! { "key": { "_id": 1 }, "sparse": true },
        ] {
            assert!(complete(malformed.clone()).is_err(), "{malformed}");
        }
    }

    #[test]
    fn a_promise_that_can_not_be_kept_is_refused() {
        let check = |definition| check_kept(&complete(definition).unwrap(), &doc! {});
        let collation = doc! { "locale": "en", "strength": 2 };
        for refused in [
            doc! { "key": { "a": 1 }, "unique": true, "collation": collation.clone() },
            doc! { "key": { "a": "2d" }, "unique": true },
            doc! { "key": { "a": 1 }, "partialFilterExpression": { "a": { "$eqq": 1 } } },
        ] {
            assert!(check(refused.clone()).is_err(), "{refused}");
        }
        for kept in [
            doc! { "key": { "a": 1 }, "collation": collation },
            doc! { "key": { "a": "text" }, "unique": false },
            doc! { "key": { "a": 1 }, "unique": 1, "partialFilterExpression": { "a": { "$gt": 1 } } },
        ] {
            check(kept.clone()).unwrap_or_else(|error| panic!("{kept}: {error}"));
        }
    }

    #[test]
    fn a_definition_is_known_or_new_or_contradicts_another() {
        let all = vec![
            doc! { "v": 2, "key": { "a": 1 }, "name": "a_1" },
            doc! { "v": 2, "key": { "t": "text" }, "name": "t_text" },
        ];
        let known =
            |definition: BsonDocument| known(&all, &complete(definition).unwrap(), &doc! {});
        assert!(known(doc! { "key": { "a": 1.0 } }).unwrap().is_some());
        assert!(known(doc! { "key": { "a": -1 } }).unwrap().is_none());
        assert!(known(doc! { "key": { "t": "text" } }).unwrap().is_some());
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
