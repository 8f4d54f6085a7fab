//! A filter, compiled and as it was written.

use std::sync::Arc;

use argon_core::Result;
use argon_core::document::Filter;
use bson::Document;
use bson::raw::RawDocument;

use crate::Collation;
use crate::expression::Evaluation;
use crate::filter::{self, FilterOptions};

/// A compiled filter, with the query from which plans are made.
#[derive(Debug)]
pub struct Matcher {
    filter: Filter,
    query: Document,
    collation: Option<Arc<Collation>>,
}

impl Matcher {
    /// Compiles a filter.
    ///
    /// # Errors
    /// See [`filter::compile`].
    pub fn compile(query: &Document, options: &FilterOptions<'_>) -> Result<Self> {
        let filter = filter::compile(query, options)?;
        Ok(Self { filter, query: query.clone(), collation: options.collation.clone() })
    }

    pub(crate) fn query(&self) -> &Document {
        &self.query
    }

    pub(crate) fn collation(&self) -> Option<&Collation> {
        self.collation.as_deref()
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
