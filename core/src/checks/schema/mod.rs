//! `$jsonSchema`, as MongoDB has it.
//!
//! Documents that the changes write are held to the schema in their collection's own validator
//! (unless its `validationAction` is `warn` or its `validationLevel` is `off`; with `moderate`, a
//! document that did not suit it before either is let pass), and to the policy's schema for the
//! collection. Documents that are there already are not looked at, unless the changes bring the
//! collection another validator that all must suit: then all are, in one scan.
//!
//! The crate `jsonschema` does the work, by JSON Schema's draft 4, on the document's own values: it
//! reads BSON by way of a trait (`instance.rs`), and nothing is turned into JSON. Where the answer
//! depends on what BSON has and JSON has not, the keyword is our own (`keywords.rs`).
//!
//! **As in MongoDB**: `bsonType` and `type` (which takes JSON's names, without `integer`); `enum` and
//! `uniqueItems`, which compare as MongoDB does, without regard to the order of fields; `minimum`
//! and `maximum` over all four types of numbers, exactly; `required`, `properties`,
//! `additionalProperties`, `patternProperties`, `minProperties`, `maxProperties`, `dependencies`,
//! `items`, `additionalItems`, `minItems`, `maxItems`, `minLength`, `maxLength`, `allOf`, `anyOf`,
//! `oneOf`, `not`, `title`, `description`. What MongoDB refuses is refused: unknown keywords, `$ref`,
//! `$schema`, `default`, `definitions`, `format`, `id`, and type names that it does not know.
//!
//! **Not quite as in MongoDB**: `multipleOf` reads a long beyond 2^53 and a decimal as a double;
//! `pattern` and `patternProperties` are regular expressions of the crate `fancy-regex`, not PCRE,
//! which differ in rare constructs, and one that gives up on a text counts as not matching.
//!
//! **Not enforced**: what a validator has beside its `$jsonSchema` (query operators), and a whole
//! validator without one. `encrypt` and `encryptMetadata` are refused as not supported.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `compile.rs` | from MongoDB's schema to the crate's |
//! | `keywords.rs` | the keywords that see BSON |
//! | `instance.rs` | BSON as the crate reads it |
//! | `sentence.rs` | what is wrong, in words |

mod compile;
mod instance;
mod keywords;
mod sentence;
#[cfg(test)]
mod tests;

use bson::Bson;
use futures::TryStreamExt;

use crate::catalog::CollectionInfo;
use crate::checks::violation::Violations;
use crate::checks::{Check, Checks, Proposed, Violation};
use crate::key::Key;
use crate::model::{CollectionName, Document};
use crate::{Error, Result};
use instance::BsonValues;

/// A schema, ready to validate documents.
pub(super) struct Schema {
    validator: jsonschema::Validator<BsonValues>,
    /// Whether a document that did not suit it before need not suit it now.
    moderate: bool,
}

impl Schema {
    /// Compiles the schema of a collection.
    ///
    /// # Errors
    /// `Invalid`, naming the collection, the place in the schema and what was expected there.
    pub(super) fn compile(collection: &CollectionName, schema: &bson::Document) -> Result<Self> {
        let validator = compile::compile(schema).map_err(|problem| {
            Error::invalid(format!(
                "the schema of collection '{collection}' can't be used: {problem}"
            ))
        })?;
        Ok(Self { validator, moderate: false })
    }

    /// The schema in a collection's validator, if that is enforced.
    fn of_collection(info: &CollectionInfo) -> Result<Option<Self>> {
        let option = |name: &str| info.options.get(name).and_then(Bson::as_str).unwrap_or_default();
        if option("validationAction") == "warn" || option("validationLevel") == "off" {
            return Ok(None);
        }
        let validator = info.options.get("validator").and_then(Bson::as_document);
        let Some(schema) = validator.and_then(|validator| validator.get("$jsonSchema")) else {
            return Ok(None);
        };
        let schema = schema.as_document().ok_or_else(|| {
            Error::invalid(format!(
                "the $jsonSchema of collection '{}' is no document; set its validator again",
                info.name
            ))
        })?;
        let moderate = option("validationLevel") == "moderate";
        Ok(Some(Self { moderate, ..Self::compile(&info.name, schema)? }))
    }

    fn is_valid(&self, document: &Document) -> Result<bool> {
        Ok(self.validator.is_valid(&Bson::Document(document.to_bson()?)))
    }

    /// What is wrong with a document: the field and the problem, at most `most` of them.
    fn problems(&self, document: &Document, most: usize) -> Result<Vec<(Option<String>, String)>> {
        let document = Bson::Document(document.to_bson()?);
        let errors = self.validator.iter_errors(&document);
        Ok(errors.take(most).map(|error| sentence::of(&error)).collect())
    }
}

pub(super) async fn check(
    checks: &Checks,
    proposed: &Proposed,
    found: &mut Violations,
) -> Result<()> {
    checks.validate()?;
    for info in proposed.catalog().iter() {
        let brought = checks.schema && is_brought(info, proposed);
        if !brought && proposed.written(info.id).next().is_none() {
            continue;
        }
        let own = if checks.schema { Schema::of_collection(info)? } else { None };
        let policy = checks.schemas.get(&info.name);
        let policy = policy.map(|schema| Schema::compile(&info.name, schema)).transpose()?;
        if let (true, Some(own)) = (brought, &own) {
            check_all(own, policy.as_ref(), info, proposed, found).await?;
            continue;
        }
        for (key, document) in proposed.written(info.id) {
            for schema in [&own, &policy].into_iter().flatten() {
                if found.wanted() > 0 {
                    check_document(schema, info, proposed, (key, document), found).await?;
                }
            }
        }
    }
    Ok(())
}

/// Whether the changes bring a collection that was there a schema that all its documents must suit.
fn is_brought(info: &CollectionInfo, proposed: &Proposed) -> bool {
    let enforced = |info: &CollectionInfo| {
        let option = |name: &str| info.options.get(name).and_then(Bson::as_str).unwrap_or_default();
        let (action, level) = (option("validationAction"), option("validationLevel"));
        let schema = info.options.get_document("validator").ok()?.get("$jsonSchema").cloned();
        schema.filter(|_| action != "warn" && level != "off" && level != "moderate")
    };
    let before = proposed.state().catalog().by_id(info.id);
    let (before, after) = (before.map(|info| enforced(info)), enforced(info));
    after.is_some() && before.is_some_and(|before| before != after)
}

/// Holds all documents of a collection to its own schema, and those that the changes write to the
/// policy's too. O(documents).
async fn check_all(
    own: &Schema,
    policy: Option<&Schema>,
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Violations,
) -> Result<()> {
    let mut documents = proposed.scan(info.id);
    while found.wanted() > 0
        && let Some((key, document)) = documents.try_next().await?
    {
        let policy = policy.filter(|_| proposed.image(info.id, &key).is_some());
        for schema in [Some(own), policy].into_iter().flatten() {
            check_document(schema, info, proposed, (&key, &document), found).await?;
        }
    }
    Ok(())
}

async fn check_document(
    schema: &Schema,
    info: &CollectionInfo,
    proposed: &Proposed,
    (key, document): (&Key, &Document),
    found: &mut Violations,
) -> Result<()> {
    let problems = schema.problems(document, found.wanted())?;
    if problems.is_empty() || (schema.moderate && was_invalid(schema, info, proposed, key).await?) {
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
    schema: &Schema,
    info: &CollectionInfo,
    proposed: &Proposed,
    key: &Key,
) -> Result<bool> {
    let before = proposed.below(info.id, vec![key.clone()]).await?.pop().flatten();
    before.map_or(Ok(false), |before| Ok(!schema.is_valid(&before)?))
}
