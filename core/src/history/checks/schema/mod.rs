//! `$jsonSchema`, as MongoDB has it.
//!
//! The crate `jsonschema` does the work, by JSON Schema's draft 4, on the document's own values: it
//! reads BSON by way of a trait (`instance.rs`), and nothing is turned into JSON. Where the answer
//! depends on what BSON has and JSON has not, or on PCRE, the keyword is our own (`keywords.rs`).
//!
//! **As in MongoDB**: `bsonType` and `type` (which takes JSON's names, without `integer`); `enum` and
//! `uniqueItems`, which compare as MongoDB does, without regard to the order of fields; `minimum`
//! and `maximum` over all four types of numbers, exactly; `pattern` and `patternProperties`, whose regular
//! expressions are PCRE's; `required`, `properties`, `additionalProperties`, `minProperties`,
//! `maxProperties`, `dependencies`, `items`, `additionalItems`, `minItems`, `maxItems`, `minLength`,
//! `maxLength`, `allOf`, `anyOf`, `oneOf`, `not`, `title`, `description`. What MongoDB refuses is refused:
//! unknown keywords, `$ref`, `$schema`, `default`, `definitions`, `format`, `id`, and type names that it does
//! not know.
//!
//! **Not quite as in MongoDB**: `multipleOf` reads a long beyond 2^53 and a decimal as a double.
//!
//! **Not known**: `encrypt` and `encryptMetadata`, and patterns that are not understood. Such a keyword is
//! left out and [named](Schema::unknown), with a `not` or `oneOf` around it, so that nothing is refused for
//! what was left out.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `compile.rs` | from MongoDB's schema to the crate's |
//! | `keywords.rs`, `patterns.rs` | the keywords that see BSON, and those with regular expressions |
//! | `instance.rs` | BSON as the crate reads it |
//! | `sentence.rs` | what is wrong, in words |

mod compile;
mod instance;
mod keywords;
mod patterns;
mod sentence;
#[cfg(test)]
mod tests;

use bson::Bson;

use crate::model::{CollectionName, Document};
use crate::{Error, Result};
use instance::BsonValues;
use patterns::GaveUp;

/// What is wrong with a document: the field (`None` for the document itself), and a sentence.
pub(super) type Problem = (Option<String>, String);

/// A schema, ready to validate documents.
#[derive(Debug)]
pub(super) struct Schema {
    validator: jsonschema::Validator<BsonValues>,
    gave_up: GaveUp,
    unknown: Vec<String>,
}

impl Schema {
    /// Compiles the schema of a collection.
    ///
    /// # Errors
    /// `Invalid`, naming the collection, the place in the schema and what was expected there.
    pub(super) fn compile(collection: &CollectionName, schema: &bson::Document) -> Result<Self> {
        let compiled = compile::compile(schema).map_err(|problem| {
            Error::invalid(format!(
                "the schema of collection '{collection}' can't be used: {problem}"
            ))
        })?;
        let compile::Compiled { validator, gave_up, unknown } = compiled;
        Ok(Self { validator, gave_up, unknown })
    }

    /// What of it is not known here, and left out.
    pub(super) fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Whether it takes a document; `None` if a pattern took too long to decide it.
    pub(super) fn takes(&self, document: &bson::Document) -> Option<bool> {
        self.gave_up.reset();
        let takes = self.validator.is_valid(&Bson::Document(document.clone()));
        (!self.gave_up.is_set()).then_some(takes)
    }

    /// What is wrong with a document: the field and the problem, at most `most` of them; `None` if a
    /// pattern took too long to decide it.
    pub(super) fn problems(
        &self,
        document: &Document,
        most: usize,
    ) -> Result<Option<Vec<Problem>>> {
        let document = Bson::Document(document.to_bson()?);
        self.gave_up.reset();
        let errors = self.validator.iter_errors(&document);
        let problems = errors.take(most).map(|error| sentence::of(&error)).collect();
        Ok((!self.gave_up.is_set()).then_some(problems))
    }
}
