//! `$jsonSchema` as in MongoDB.
//!
//! The crate `jsonschema` evaluates JSON Schema draft 4 on the document's own values: it reads BSON
//! through a trait (`instance.rs`), without conversion to JSON. Keywords whose answers depend on
//! the differences between BSON and JSON, or on PCRE, are implemented here (`keywords.rs`).
//!
//! **As in MongoDB**: `bsonType` and `type` (with JSON's names, without `integer`); `enum` and
//! `uniqueItems`, which compare as MongoDB does, regardless of the order of fields; `minimum` and
//! `maximum` over all four types of numbers, exactly; `pattern` and `patternProperties`, with PCRE
//! expressions; `required`, `properties`, `additionalProperties`, `minProperties`, `maxProperties`,
//! `dependencies`, `items`, `additionalItems`, `minItems`, `maxItems`, `minLength`, `maxLength`,
//! `allOf`, `anyOf`, `oneOf`, `not`, `title`, `description`. Whatever MongoDB refuses is refused:
//! unknown keywords, `$ref`, `$schema`, `default`, `definitions`, `format`, `id`, and unknown type
//! names.
//!
//! **Slightly different**: `multipleOf` reads a long beyond 2^53 and a decimal as a double.
//!
//! **Unsupported**: `encrypt` and `encryptMetadata`, and unsupported patterns. Such a keyword is
//! omitted and [named](Schema::unknown), together with a `not` or `oneOf` around it, so that
//! nothing is refused because of an omission.
//!
//! | file | content |
//! | --- | --- |
//! | `compile.rs` | translates MongoDB's schema to the crate's |
//! | `keywords.rs`, `patterns.rs` | the keywords that depend on BSON, and those with regular expressions |
//! | `instance.rs` | lets the crate read BSON |
//! | `sentence.rs` | formats problems |

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

/// The problem of a document: the field (`None` for the document itself), and a sentence.
pub(crate) type Problem = (Option<String>, String);

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: jsonschema::Validator<BsonValues>,
    gave_up: GaveUp,
    unknown: Vec<String>,
}

impl Schema {
    /// Compiles the schema of a collection.
    ///
    /// # Errors
    /// `Invalid`, naming the collection, the location in the schema and what was expected there.
    pub(crate) fn compile(collection: &CollectionName, schema: &bson::Document) -> Result<Self> {
        let compiled = compile::compile(schema).map_err(|problem| {
            Error::invalid(format!("invalid schema of collection '{collection}': {problem}"))
        })?;
        let compile::Compiled { validator, gave_up, unknown } = compiled;
        Ok(Self { validator, gave_up, unknown })
    }

    /// The unsupported keywords, which were omitted.
    pub(crate) fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Returns whether a document is valid; `None` if a pattern exceeded its time limit.
    pub(crate) fn takes(&self, document: &bson::Document) -> Option<bool> {
        self.gave_up.reset();
        let takes = self.validator.is_valid(&Bson::Document(document.clone()));
        (!self.gave_up.is_set()).then_some(takes)
    }

    /// Returns the problems of a document, at most `most`; `None` if a pattern exceeded its time
    /// limit.
    pub(crate) fn problems(
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
