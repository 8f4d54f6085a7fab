//! The validator of a collection: a `$jsonSchema`, query operators, or both.
//!
//! A validator is a query, and all of its fields must match. An unsupported field is named, and the
//! others are still checked.

use std::sync::Arc;

use bson::{Bson, Document as BsonDocument};

use super::schema::{Problem, Schema};
use crate::document::definition::collation_of;
use crate::document::{Compiler, Condition, Environment, Filter, Refused, Undecided};
use crate::engine::catalog::CollectionInfo;
use crate::model::{CollectionName, Document};
use crate::{Error, Result};

/// The rule, for messages.
pub(crate) const VALIDATOR: &str = "validator";

/// The maximum length of a query in messages.
const SHOWN: usize = 120;

/// The validator of a collection.
#[derive(Debug, Default)]
pub(crate) struct Validator {
    schemas: Vec<(Schema, &'static str)>,
    clauses: Vec<Clause>,
    /// Whether a document that did not match before may stay invalid.
    pub(crate) moderate: bool,
    /// Unsupported parts, in words: the rule and the part.
    unknown: Vec<(&'static str, String)>,
}

/// One field of a query.
#[derive(Debug)]
struct Clause {
    /// The field; `None` for an operator such as `$or`.
    path: Option<String>,
    /// The query, as shown in messages.
    text: String,
    filter: Filter,
}

impl Validator {
    /// Returns the collection's own validator, if it is enforced.
    ///
    /// # Errors
    /// `Invalid` for a schema that MongoDB would refuse too.
    pub(crate) fn of_collection(info: &CollectionInfo) -> Result<Option<Self>> {
        let Some((validator, level)) = enforced(info) else { return Ok(None) };
        let read = |operator: &str, argument: &Bson| match (operator, argument) {
            ("$jsonSchema", Bson::Document(schema)) => {
                Some(condition(&info.name, schema).map_err(Refused::Unknown))
            }
            _ => None,
        };
        let collation = collation_of(&info.options);
        let compiler = Compiler::default().with_collation(collation).with_conditions(&read);
        let mut own = Self { moderate: level == "moderate", ..Self::default() };
        for (name, value) in validator {
            match (name.as_str(), value) {
                ("$comment", _) => {}
                ("$jsonSchema", Bson::Document(schema)) => {
                    let schema = Schema::compile(&info.name, schema)?;
                    own.note(VALIDATOR, schema.unknown());
                    own.schemas.push((schema, VALIDATOR));
                }
                ("$jsonSchema", _) => {
                    return Err(Error::invalid(format!(
                        "the $jsonSchema of collection '{}' is not a document; set its validator \
                         again",
                        info.name
                    )));
                }
                _ => match compiler.clause(name, value) {
                    Ok(filter) => own.clauses.push(Clause::new(name, value, filter)),
                    Err(refused) => own.note(VALIDATOR, &[refused.into_words()]),
                },
            }
        }
        Ok(Some(own))
    }

    /// Returns a schema of another rule, such as a policy's, as a validator.
    ///
    /// # Errors
    /// `Invalid` for a malformed schema.
    pub(crate) fn of_schema(
        name: &CollectionName,
        schema: &BsonDocument,
        rule: &'static str,
    ) -> Result<Self> {
        let schema = Schema::compile(name, schema)?;
        let mut own = Self::default();
        own.note(rule, schema.unknown());
        own.schemas.push((schema, rule));
        Ok(own)
    }

    fn note(&mut self, rule: &'static str, unknown: &[String]) {
        self.unknown.extend(unknown.iter().map(|what| (rule, what.clone())));
    }

    /// The parts that are not supported, each with its rule.
    pub(crate) fn unknown(&self) -> &[(&'static str, String)] {
        &self.unknown
    }

    /// Returns the problems of a document, at most `most`; passes undecidable rules, with the
    /// reason, to `undecided`.
    pub(crate) fn problems(
        &self,
        document: &Document,
        most: usize,
        mut undecided: impl FnMut(&str, &str),
    ) -> Result<Vec<Problem>> {
        let mut problems = Vec::new();
        for (schema, rule) in &self.schemas {
            match schema.problems(document, most - problems.len())? {
                Some(found) => problems.extend(found),
                None => undecided(rule, TOO_LONG),
            }
        }
        for clause in &self.clauses {
            match clause.filter.matches(document.as_raw()) {
                Ok(true) => {}
                Ok(false) => problems.push((clause.path.clone(), clause.problem())),
                Err(Undecided::GaveUp) => undecided(VALIDATOR, TOO_LONG),
                Err(Undecided::Malformed) => return Err(corrupt()),
                Err(failed @ Undecided::Failed(_)) => return Err(failed.into()),
            }
        }
        problems.truncate(most);
        Ok(problems)
    }
}

const TOO_LONG: &str = "one of its patterns took too long";

fn corrupt() -> Error {
    Error::corrupt("failed to decode a stored document")
}

impl Clause {
    fn new(name: &str, value: &Bson, filter: Filter) -> Self {
        let mut text = value.to_string();
        if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(cut);
            text.push('…');
        }
        let path = (!name.starts_with('$')).then(|| name.to_owned());
        let text = if path.is_some() { text } else { format!("{name} {text}") };
        Self { path, text, filter }
    }

    fn problem(&self) -> String {
        let subject = self.path.as_deref().unwrap_or("the document");
        format!("{subject} does not match the validator's {}", self.text)
    }
}

impl Condition for Schema {
    fn holds(&self, document: &bson::RawDocument, _: Environment<'_>) -> Result<bool, Undecided> {
        self.takes(&BsonDocument::try_from(document)?).ok_or(Undecided::GaveUp)
    }
}

/// Compiles a `$jsonSchema` of a query as a condition on documents.
///
/// # Errors
/// The malformed or unsupported part, in words.
pub fn schema(schema: &BsonDocument) -> Result<Arc<dyn Condition>, String> {
    // Its messages name a collection, which a query's do not.
    let collection = CollectionName::new("query").map_err(|error| error.to_string())?;
    condition(&collection, schema)
}

/// Compiles a schema inside a query. Unsupported keywords can't be omitted there, because an
/// operator may negate them.
fn condition(
    collection: &CollectionName,
    schema: &BsonDocument,
) -> Result<Arc<dyn Condition>, String> {
    let schema = Schema::compile(collection, schema).map_err(|_| format!("the schema {schema}"))?;
    match schema.unknown().first() {
        Some(what) => Err(what.clone()),
        None => Ok(Arc::new(schema)),
    }
}

/// Returns a collection's validator and its level, if it is enforced.
pub(crate) fn enforced(info: &CollectionInfo) -> Option<(&BsonDocument, &str)> {
    let option = |name: &str| info.options.get(name).and_then(Bson::as_str).unwrap_or_default();
    let (action, level) = (option("validationAction"), option("validationLevel"));
    let validator = info.options.get_document("validator").ok()?;
    (action != "warn" && level != "off" && !validator.is_empty()).then_some((validator, level))
}

#[cfg(test)]
mod tests {
    use bson::{RawDocumentBuf, doc};

    use super::*;

    fn collection(options: BsonDocument) -> CollectionInfo {
        let name = CollectionName::new("things").unwrap();
        CollectionInfo {
            options,
            ..crate::engine::catalog::Catalog::default().new_collection(name)
        }
    }

    fn read(options: BsonDocument) -> (Result<Option<Validator>>, Vec<String>) {
        let validator = Validator::of_collection(&collection(options));
        let unknown = match &validator {
            Ok(Some(own)) => own.unknown().iter().map(|(_, what)| what.clone()).collect(),
            _ => Vec::new(),
        };
        (validator, unknown)
    }

    /// What is wrong with a document, and what is not known of the validator.
    fn problems(validator: BsonDocument, mut fields: BsonDocument) -> (Vec<String>, usize) {
        let (validator, unchecked) = read(doc! { "validator": validator });
        fields.insert("_id", 1);
        let raw = RawDocumentBuf::try_from(&fields).unwrap();
        let (_, document) = Document::checked(raw).unwrap();
        let found = validator.unwrap().unwrap().problems(&document, 9, |_, _| {}).unwrap();
        (found.into_iter().map(|(_, problem)| problem).collect(), unchecked.len())
    }

    #[test]
    fn a_validator_is_enforced_unless_it_only_warns_or_is_off() {
        let with = |more: BsonDocument| {
            let mut options = doc! { "validator": { "$jsonSchema": { "required": ["a"] } } };
            options.extend(more);
            read(options).0.unwrap()
        };
        assert!(with(doc! {}).is_some_and(|validator| !validator.moderate));
        assert!(with(doc! { "validationAction": "error", "validationLevel": "strict" }).is_some());
        assert!(with(doc! { "validationAction": "errorAndLog" }).is_some());
        assert!(with(doc! { "validationLevel": "moderate" }).is_some_and(|own| own.moderate));
        assert!(with(doc! { "validationAction": "warn" }).is_none());
        assert!(with(doc! { "validationLevel": "off" }).is_none());
        assert!(read(doc! {}).0.unwrap().is_none());
        assert!(read(doc! { "validator": {} }).0.unwrap().is_none());
        assert!(read(doc! { "validator": { "$jsonSchema": 1 } }).0.is_err());
    }

    #[test]
    fn query_operators_count_alone_beside_and_around_a_schema() {
        let schema = doc! { "$jsonSchema": { "required": ["b"] } };
        for (validator, good, bad) in [
            (doc! { "a": { "$gt": 0 } }, doc! { "a": 1 }, doc! { "a": -1 }),
            (
                doc! { "a": { "$gt": 0 }, "$jsonSchema": { "required": ["b"] } },
                doc! { "a": 1, "b": 1 },
                doc! { "a": 1 },
            ),
            (
                doc! { "$or": [schema.clone(), { "a": { "$regex": "(?i)^X" } }] },
                doc! { "a": "x" },
                doc! { "a": "y" },
            ),
            (doc! { "$nor": [schema] }, doc! { "a": 1 }, doc! { "b": 1 }),
        ] {
            assert_eq!(problems(validator.clone(), good), (vec![], 0), "{validator}");
            let (found, unchecked) = problems(validator.clone(), bad);
            assert_eq!((found.len(), unchecked), (1, 0), "{validator}");
        }
        let (found, _) = problems(doc! { "len": { "$gt": 0 } }, doc! { "len": -1 });
        assert_eq!(found, ["len does not match the validator's { \"$gt\": 0 }"]);
    }

    #[test]
    fn what_is_not_known_is_named_and_the_rest_is_checked() {
        let validator = doc! { "$expr": { "$gt": ["$a", "$b"] }, "a": { "$lt": 5 } };
        assert_eq!(problems(validator.clone(), doc! { "a": 1 }), (vec![], 1));
        assert_eq!(problems(validator.clone(), doc! { "a": 9 }).0.len(), 1);
        let (_, unchecked) = read(doc! { "validator": validator });
        assert_eq!(unchecked, ["the operator $expr"]);
        let pattern = doc! { "$jsonSchema": { "properties": { "a": { "pattern": r"(a)\1" } } } };
        assert_eq!(problems(pattern.clone(), doc! { "a": "b" }), (vec![], 1));
        assert_eq!(problems(doc! { "$nor": [pattern] }, doc! { "a": "b" }), (vec![], 1));
        let collated = doc! { "validator": { "a": "x" }, "collation": { "locale": "de" } };
        assert_eq!(read(collated).1.len(), 1);
    }
}
