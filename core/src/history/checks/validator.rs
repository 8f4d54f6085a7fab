//! Validators: a `$jsonSchema`, query operators, or both.
//!
//! Documents that the changes write must match their collection's own validator (unless its
//! `validationAction` is `warn` or its `validationLevel` is `off`; with `moderate`, a document that
//! did not match before either is accepted), and the policy's schema for the collection. Existing
//! documents are not read, unless the changes give the collection a new validator that all must
//! match: then one scan checks all.
//!
//! A validator is a query, and all of its fields must match. An unsupported field is named, and the
//! others are still checked.

use std::sync::Arc;

use bson::{Bson, Document as BsonDocument};
use futures::TryStreamExt;

use super::schema::{Problem, Schema};
use crate::document::definition::identical;
use crate::document::key::Key;
use crate::document::{Collation, Compiler, Condition, Environment, Filter, Refused, Undecided};
use crate::engine::catalog::CollectionInfo;
use crate::history::checks::unchecked::Findings;
use crate::history::checks::{Check, Checks, Proposed, Violation};
use crate::model::{CollectionName, Document};
use crate::{Error, Result};

const VALIDATOR: &str = "validator";
const POLICY: &str = "schema of the policy";

/// The maximum length of a query in messages.
const SHOWN: usize = 120;

/// The validator of a collection.
#[derive(Debug, Default)]
pub(super) struct Validator {
    schemas: Vec<(Schema, &'static str)>,
    clauses: Vec<Clause>,
    /// Whether a document that did not match before may stay invalid.
    moderate: bool,
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
    /// Returns the collection's own validator, if it is enforced. Records unsupported parts.
    ///
    /// # Errors
    /// `Invalid` for a schema that MongoDB would refuse too.
    fn of_collection(info: &CollectionInfo, found: &mut Findings) -> Result<Option<Self>> {
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
                    schema
                        .unknown()
                        .iter()
                        .for_each(|what| found.unknown(&info.name, VALIDATOR, what));
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
                    Err(refused) => found.unknown(&info.name, VALIDATOR, &refused.into_words()),
                },
            }
        }
        Ok(Some(own))
    }

    /// Returns the policy's schema for a collection.
    fn of_policy(
        checks: &Checks,
        name: &CollectionName,
        found: &mut Findings,
    ) -> Result<Option<Self>> {
        let Some(schema) = checks.schemas.get(name) else { return Ok(None) };
        let schema = Schema::compile(name, schema)?;
        schema.unknown().iter().for_each(|what| found.unknown(name, POLICY, what));
        Ok(Some(Self { schemas: vec![(schema, POLICY)], ..Self::default() }))
    }

    /// Returns the problems of a document, at most `most`; passes undecidable rules, with the
    /// reason, to `undecided`.
    fn problems(
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
fn enforced(info: &CollectionInfo) -> Option<(&BsonDocument, &str)> {
    let option = |name: &str| info.options.get(name).and_then(Bson::as_str).unwrap_or_default();
    let (action, level) = (option("validationAction"), option("validationLevel"));
    let validator = info.options.get_document("validator").ok()?;
    (action != "warn" && level != "off" && !validator.is_empty()).then_some((validator, level))
}

/// The collation of a collection or an index with these options.
pub(super) fn collation_of(options: &BsonDocument) -> Collation {
    match options.get("collation") {
        None | Some(Bson::Null) => Collation::Simple,
        Some(Bson::Document(collation))
            if collation.get_str("locale").is_ok_and(|locale| locale == "simple") =>
        {
            Collation::Simple
        }
        Some(_) => Collation::Other,
    }
}

/// Returns whether the changes give an existing collection a validator that all its documents must
/// match.
fn is_brought(info: &CollectionInfo, proposed: &Proposed) -> bool {
    let for_all = |info| enforced(info).filter(|(_, level)| *level != "moderate");
    let Some((after, _)) = for_all(info) else { return false };
    let Some(before) = proposed.state().catalog().by_id(info.id) else { return false };
    for_all(before).is_none_or(|(before, _)| !identical(before, after))
}

/// The validators of a collection that the changes affect.
struct AffectedValidators {
    own: Option<Validator>,
    policy: Option<Validator>,
    /// Whether all documents must match the collection's own.
    all: bool,
}

impl AffectedValidators {
    fn of(
        checks: &Checks,
        info: &CollectionInfo,
        proposed: &Proposed,
        found: &mut Findings,
    ) -> Result<Option<Self>> {
        let brought = checks.schema && is_brought(info, proposed);
        if !brought && proposed.written(info.id).next().is_none() {
            return Ok(None);
        }
        let own = if checks.schema { Validator::of_collection(info, found)? } else { None };
        let policy = Validator::of_policy(checks, &info.name, found)?;
        Ok(Some(Self { all: brought && own.is_some(), own, policy }))
    }
}

/// Records what can't be checked, without reading documents.
pub(super) fn prepare(checks: &Checks, proposed: &Proposed, found: &mut Findings) -> Result<()> {
    checks.validate()?;
    for info in proposed.catalog().iter() {
        // An invalid one is an error of the check itself.
        if let Err(error) = AffectedValidators::of(checks, info, proposed, found) {
            found.unchecked(&info.name, VALIDATOR, error.to_string());
        }
    }
    Ok(())
}

pub(super) async fn check(
    checks: &Checks,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    checks.validate()?;
    for info in proposed.catalog().iter() {
        let Some(held) = AffectedValidators::of(checks, info, proposed, found)? else { continue };
        if let (true, Some(own)) = (held.all, &held.own) {
            check_all(own, held.policy.as_ref(), info, proposed, found).await?;
            continue;
        }
        for (key, document) in proposed.written(info.id) {
            for validator in [&held.own, &held.policy].into_iter().flatten() {
                if found.wanted() > 0 {
                    check_document(validator, info, proposed, (key, document), found).await?;
                }
            }
        }
    }
    Ok(())
}

/// Checks all documents of a collection by its own validator, and written documents by the policy's
/// too. O(documents).
async fn check_all(
    own: &Validator,
    policy: Option<&Validator>,
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    let mut documents = proposed.scan(info.id);
    while found.wanted() > 0
        && let Some((key, document)) = documents.try_next().await?
    {
        let policy = policy.filter(|_| proposed.image(info.id, &key).is_some());
        for validator in [Some(own), policy].into_iter().flatten() {
            check_document(validator, info, proposed, (&key, &document), found).await?;
        }
    }
    Ok(())
}

async fn check_document(
    validator: &Validator,
    info: &CollectionInfo,
    proposed: &Proposed,
    (key, document): (&Key, &Document),
    found: &mut Findings,
) -> Result<()> {
    let most = found.wanted();
    let problems = validator.problems(document, most, |rule, why| {
        found.unchecked(&info.name, rule, format!("{why} for document {key}"));
    })?;
    if problems.is_empty()
        || (validator.moderate && was_invalid(validator, info, proposed, key).await?)
    {
        return Ok(());
    }
    for (path, problem) in problems {
        found.push(Violation {
            check: Check::Schema,
            collection: info.name.clone(),
            key: Some(key.clone()),
            path,
            problem,
        });
    }
    Ok(())
}

async fn was_invalid(
    validator: &Validator,
    info: &CollectionInfo,
    proposed: &Proposed,
    key: &Key,
) -> Result<bool> {
    let before = proposed.below(info.id, vec![key.clone()]).await?.pop().flatten();
    before.map_or(Ok(false), |before| Ok(!validator.problems(&before, 1, |_, _| {})?.is_empty()))
}

#[cfg(test)]
mod tests {
    use bson::{RawDocumentBuf, doc};

    use super::*;
    use crate::history::checks::Unchecked;

    fn collection(options: BsonDocument) -> CollectionInfo {
        let name = CollectionName::new("things").unwrap();
        CollectionInfo {
            options,
            ..crate::engine::catalog::Catalog::default().new_collection(name)
        }
    }

    fn read(options: BsonDocument) -> (Result<Option<Validator>>, Vec<Unchecked>) {
        let mut found = Findings::at_most(9);
        let validator = Validator::of_collection(&collection(options), &mut found);
        (validator, found.finish().unchecked)
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
        assert_eq!(
            unchecked[0].to_string(),
            "things: validator was not checked in full: it has the operator $expr, which is not supported"
        );
        let pattern = doc! { "$jsonSchema": { "properties": { "a": { "pattern": r"(a)\1" } } } };
        assert_eq!(problems(pattern.clone(), doc! { "a": "b" }), (vec![], 1));
        assert_eq!(problems(doc! { "$nor": [pattern] }, doc! { "a": "b" }), (vec![], 1));
        let collated = doc! { "validator": { "a": "x" }, "collation": { "locale": "de" } };
        assert_eq!(read(collated).1.len(), 1);
    }
}
