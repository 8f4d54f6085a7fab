//! A filter with the part of a collection that it reads.

use argon_core::Result;
use argon_core::document::Filter;
use bson::Document;
use bson::raw::RawDocument;

use super::Access;
use crate::expression::Evaluation;
use crate::filter::{self, FilterOptions};

/// A compiled filter, and the part of a collection that can have documents that match.
#[derive(Debug)]
pub struct Matcher {
    filter: Filter,
    access: Access,
}

impl Matcher {
    /// Compiles a filter.
    ///
    /// # Errors
    /// See [`filter::compile`].
    pub fn compile(query: &Document, options: &FilterOptions<'_>) -> Result<Self> {
        let access = Access::of(query, options.collation.as_deref());
        Ok(Self { filter: filter::compile(query, options)?, access })
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Whether a document matches.
    ///
    /// # Errors
    /// `Corrupt` if the document can't be decoded; `Unsupported` if a regular expression takes too
    /// long; the error of an expression, with its code.
    pub fn matches(&self, document: &RawDocument, evaluation: &Evaluation) -> Result<bool> {
        Ok(self.filter.matches_in(document, evaluation)?)
    }

    pub(super) fn position(
        &self,
        document: &RawDocument,
        evaluation: &Evaluation,
    ) -> Result<Option<usize>> {
        Ok(self.filter.position(document, evaluation)?)
    }
}
