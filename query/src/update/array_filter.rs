//! The filters of elements that `$[identifier]` stands for.

use std::collections::{BTreeMap, BTreeSet};

use argon_core::Result;
use argon_core::document::Filter;
use bson::raw::{CString, RawBsonRef, RawDocumentBuf};
use bson::{Bson, Document};

use super::path::UpdatePath;
use crate::Code;
use crate::expression::field_name;

/// The array filters of an update, by their identifiers.
#[derive(Debug, Default)]
pub(super) struct ArrayFilters(BTreeMap<String, ArrayFilter>);

#[derive(Debug)]
struct ArrayFilter {
    identifier: CString,
    filter: Filter,
}

impl ArrayFilters {
    /// Compiles filters.
    ///
    /// # Errors
    /// If one has no identifier, several, or that of another.
    pub(super) fn compile(filters: &[Document]) -> Result<Self> {
        let mut compiled = BTreeMap::new();
        for query in filters {
            let filter = crate::filter::of_elements(query)?;
            let Some(identifier) = identifier(query)? else {
                return Err(Code::FAILED_TO_PARSE.error(
                    "Cannot use an expression without a top-level field name in arrayFilters",
                ));
            };
            check_identifier(&identifier)?;
            let filter = ArrayFilter { identifier: field_name(&identifier)?, filter };
            if compiled.insert(identifier.clone(), filter).is_some() {
                return Err(Code::FAILED_TO_PARSE.error(format!(
                    "Found multiple array filters with the same top-level field name {identifier}"
                )));
            }
        }
        Ok(Self(compiled))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that an identifier in a path has a filter.
    pub(super) fn check(&self, identifier: &str, path: &UpdatePath) -> Result<()> {
        if identifier.is_empty() || self.0.contains_key(identifier) {
            return Ok(());
        }
        Err(Code::BAD_VALUE.error(format!(
            "No array filter found for identifier '{identifier}' in path '{}'",
            path.text()
        )))
    }

    /// Checks that each filter is used.
    pub(super) fn check_used(&self, used: &BTreeSet<String>, update: &Document) -> Result<()> {
        match self.0.keys().find(|identifier| !used.contains(*identifier)) {
            None => Ok(()),
            Some(identifier) => Err(Code::FAILED_TO_PARSE.error(format!(
                "The array filter for identifier '{identifier}' was not used in the update {update}"
            ))),
        }
    }

    /// Whether an element matches the filter of an identifier.
    pub(super) fn matches(&self, identifier: &str, element: RawBsonRef<'_>) -> Result<bool> {
        let Some(filter) = self.0.get(identifier) else { return Ok(true) };
        let mut document = RawDocumentBuf::new();
        document.append(&filter.identifier, element);
        Ok(filter.filter.matches(&document)?)
    }
}

/// The one name before the first dot of all paths of a query.
fn identifier(query: &Document) -> Result<Option<String>> {
    let mut found: Option<String> = None;
    for (name, value) in query {
        let of_clause = match (name.as_str(), value) {
            ("$and" | "$or" | "$nor", Bson::Array(queries)) => {
                let mut of_queries = None;
                for query in queries.iter().filter_map(Bson::as_document) {
                    of_queries = one_of(of_queries, identifier(query)?)?;
                }
                of_queries
            }
            (name, _) if name.starts_with('$') => None,
            (name, _) => Some(name.split('.').next().unwrap_or_default().to_owned()),
        };
        found = one_of(found, of_clause)?;
    }
    Ok(found)
}

fn one_of(left: Option<String>, right: Option<String>) -> Result<Option<String>> {
    match (left, right) {
        (Some(left), Some(right)) if left != right => Err(Code::FAILED_TO_PARSE.error(format!(
            "Expected a single top-level field name, found '{left}' and '{right}'"
        ))),
        (left, right) => Ok(left.or(right)),
    }
}

fn check_identifier(identifier: &str) -> Result<()> {
    let begins = identifier.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && identifier.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Code::BAD_VALUE.error(format!(
        "The top-level field name must be an alphanumeric string beginning with a lowercase \
         letter, found '{identifier}'"
    )))
}
