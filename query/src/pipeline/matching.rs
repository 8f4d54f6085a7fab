//! Queries in pipelines.

use std::sync::Arc;

use argon_core::Result;
use argon_core::document::Filter;
use bson::Document;
use bson::raw::RawDocument;

use super::execution::Execution;
use crate::collation::Collation;
use crate::expression::Compiler;
use crate::filter::{self, FilterOptions};
use crate::find::Access;

/// A compiled query of `$match`.
#[derive(Debug)]
pub struct Matcher {
    filter: Filter,
    access: Access,
}

impl Matcher {
    pub(crate) fn compile(
        query: &Document,
        compiler: &Compiler<'_>,
        collation: Option<Arc<Collation>>,
    ) -> Result<Self> {
        let options = FilterOptions { compiler: compiler.clone(), collation };
        let access = Access::of(query, options.collation.as_deref());
        Ok(Self { filter: filter::compile(query, &options)?, access })
    }

    /// The part of a collection that can have documents that match.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) fn matches(&self, document: &RawDocument, execution: &Execution) -> Result<bool> {
        Ok(self.filter.matches_in(document, &execution.evaluation)?)
    }
}
