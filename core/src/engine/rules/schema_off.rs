//! `$jsonSchema` in a build without the feature `json-schema`: no schema is evaluated, and each is
//! [named](Schema::unknown) as unchecked.

use crate::Result;
use crate::model::{CollectionName, Document};

/// The problem of a document: the field (`None` for the document itself), and a sentence.
pub(crate) type Problem = (Option<String>, String);

/// A schema that is not evaluated.
#[derive(Debug)]
pub(crate) struct Schema {
    unknown: [String; 1],
}

impl Schema {
    /// Accepts every schema.
    #[expect(clippy::unnecessary_wraps, reason = "the same function with the feature can fail")]
    pub(crate) fn compile(_: &CollectionName, _: &bson::Document) -> Result<Self> {
        let unknown = "$jsonSchema, which requires a build with the feature json-schema";
        Ok(Self { unknown: [unknown.to_owned()] })
    }

    /// The schema as a whole.
    pub(crate) fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Undecided.
    #[expect(clippy::unused_self, reason = "the same function with the feature uses it")]
    pub(crate) fn takes(&self, _: &bson::Document) -> Option<bool> {
        None
    }

    /// Finds no problem.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the same function with the feature uses it, and can fail"
    )]
    pub(crate) fn problems(&self, _: &Document, _: usize) -> Result<Option<Vec<Problem>>> {
        Ok(Some(Vec::new()))
    }
}
