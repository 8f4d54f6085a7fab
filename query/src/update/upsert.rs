//! The document that is inserted if none matched: the equalities of the query, updated.

use argon_core::Result;
use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document};

use super::tree::Tree;
use super::{Target, Update, replacement, storable};
use crate::Code;
use crate::expression::{Scope, raw};

/// A path and the value that it has in all documents that match.
type Equality<'q> = (&'q str, &'q Bson);

impl Update {
    /// Returns the document that is inserted if no document matched a query. It has `id` if neither
    /// the query nor the update give one.
    ///
    /// # Errors
    /// `NotSingleValueField` if the query has several values for a path; see
    /// [`apply`](Self::apply).
    pub fn upsert(
        &self,
        query: &Document,
        id: ObjectId,
        scope: &Scope<'_>,
    ) -> Result<RawDocumentBuf> {
        let mut equalities = Vec::new();
        collect(query, &mut equalities)?;
        if self.is_replacement() {
            equalities.retain(|(path, _)| first_name(path) == "_id");
            if let Some((path, _)) = equalities.iter().find(|(path, _)| *path != "_id") {
                return Err(Code::NOT_EXACT_VALUE_FIELD.error(format!(
                    "field at '_id' must be exactly specified, field at sub-path '{path}'found"
                )));
            }
        }
        // As the server's: it keeps the equalities in a map by their paths.
        equalities.sort_unstable_by_key(|(path, _)| *path);
        check_conflicts(&equalities)?;
        let initial = document_of(&equalities)?;
        let target = Target { matched: None, is_insert: true };
        let updated = self.apply(&initial, target, scope)?.unwrap_or(initial);
        let document = replacement::with_id_first(updated, Some(id))?;
        storable::check_document(&document, true)?;
        storable::check_size(&document, true)?;
        Ok(document)
    }
}

fn first_name(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// Collects the equalities that hold for all documents that match a query. Like the server's
/// optimizer, it takes a list of one value, and an `$or` of equal queries, as an equality.
fn collect<'q>(query: &'q Document, equalities: &mut Vec<Equality<'q>>) -> Result<()> {
    for (name, value) in query {
        match (name.as_str(), value) {
            ("$and", Bson::Array(queries)) => {
                for query in queries.iter().filter_map(Bson::as_document) {
                    collect(query, equalities)?;
                }
            }
            ("$or", Bson::Array(queries)) if queries.iter().all(|query| *query == queries[0]) => {
                if let Some(query) = queries.first().and_then(Bson::as_document) {
                    collect(query, equalities)?;
                }
            }
            ("$expr", _) => {
                return Err(Code::QUERY_FEATURE_NOT_ALLOWED
                    .error("$expr is not allowed in the query predicate for an upsert"));
            }
            (name, _) if name.starts_with('$') => {}
            (path, Bson::Document(operators)) if is_operators(operators) => {
                for (operator, value) in operators {
                    of_operator(path, operator, value, equalities);
                }
            }
            (_, Bson::RegularExpression(_)) => {}
            (path, value) => equalities.push((path, value)),
        }
    }
    Ok(())
}

fn of_operator<'q>(
    path: &'q str,
    operator: &str,
    value: &'q Bson,
    equalities: &mut Vec<Equality<'q>>,
) {
    let is_equality = |value: &Bson| match value {
        Bson::Document(operators) => !is_operators(operators),
        Bson::RegularExpression(_) => false,
        _ => true,
    };
    match (operator, value) {
        ("$eq", value) => equalities.push((path, value)),
        ("$in", Bson::Array(values)) if values.len() == 1 && is_equality(&values[0]) => {
            equalities.push((path, &values[0]));
        }
        ("$all", Bson::Array(values)) => {
            let values = values.iter().filter(|value| is_equality(value));
            equalities.extend(values.map(|value| (path, value)));
        }
        _ => {}
    }
}

/// Whether a document has operators, rather than being a value.
fn is_operators(document: &Document) -> bool {
    document.keys().next().is_some_and(|name| {
        name.starts_with('$') && !matches!(name.as_str(), "$ref" | "$id" | "$db")
    })
}

/// Checks equalities in the order of their paths.
fn check_conflicts(equalities: &[Equality<'_>]) -> Result<()> {
    for (at, (path, _)) in equalities.iter().enumerate() {
        for (before, _) in &equalities[..at] {
            let problem = match path.strip_prefix(*before) {
                Some("") => format!("path '{path}' is matched twice"),
                Some(rest) if rest.starts_with('.') => {
                    format!("both paths '{path}' and '{before}' are matched")
                }
                _ => continue,
            };
            return Err(Code::NOT_SINGLE_VALUE_FIELD
                .error(format!("cannot infer query fields to set, {problem}")));
        }
    }
    Ok(())
}

fn document_of(equalities: &[Equality<'_>]) -> Result<RawDocumentBuf> {
    let mut tree = Tree::Document(Vec::new());
    for (path, value) in equalities {
        let path: Vec<_> = path.split('.').map(str::to_owned).collect();
        let positions = tree.locate(&path)?;
        tree.create(&path, &positions, Tree::Owned(raw(value)?))?;
    }
    Ok(tree.into_document())
}
