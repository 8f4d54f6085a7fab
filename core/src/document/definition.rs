//! Compares definitions: a collection's options, and its indexes.
//!
//! Two definitions are **identical** if their bytes are: the order of fields counts, because `{a:
//! 1, b: 1}` and `{b: 1, a: 1}` are two keys of an index, and so do the types of numbers.
//! `bson::Document` compares differently: regardless of the order, and NaN is not even equal to
//! itself.

use bson::{Bson, Document, RawBson};

use crate::document::filter::Collation;
use crate::document::key::encode;

/// Returns whether two definitions have the same bytes.
pub fn identical(a: &Document, b: &Document) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|((a_name, a), (b_name, b))| a_name == b_name && identical_values(a, b))
}

/// Returns whether two lists of definitions have the same bytes.
pub fn identical_lists(a: &[Document], b: &[Document]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
}

fn identical_values(a: &Bson, b: &Bson) -> bool {
    match (a, b) {
        (Bson::Double(a), Bson::Double(b)) => a.to_bits() == b.to_bits(),
        (Bson::Document(a), Bson::Document(b)) => identical(a, b),
        (Bson::Array(a), Bson::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical_values(a, b))
        }
        (Bson::JavaScriptCodeWithScope(a), Bson::JavaScriptCodeWithScope(b)) => {
            a.code == b.code && identical(&a.scope, &b.scope)
        }
        (a, b) => a == b,
    }
}

/// Returns whether an option is set, by MongoDB's rules: numbers too.
pub(crate) fn is_set(definition: &Document, option: &str) -> bool {
    definition.get(option).is_some_and(truth)
}

/// Returns whether a value counts as true, by MongoDB's rules for options.
pub(crate) fn truth(value: &Bson) -> bool {
    match value {
        Bson::Boolean(value) => *value,
        Bson::Int32(value) => *value != 0,
        Bson::Int64(value) => *value != 0,
        Bson::Double(value) => *value != 0.0,
        _ => false,
    }
}

/// Returns the comparison of text that the options of a collection or an index set.
pub(crate) fn collation_of(options: &Document) -> Collation {
    match options.get("collation") {
        None | Some(Bson::Null) => Collation::Simple,
        Some(_) if locale(options) == Some("simple") => Collation::Simple,
        Some(_) => Collation::Other,
    }
}

/// Returns the locale of the collation that options set.
pub(crate) fn locale(options: &Document) -> Option<&str> {
    options.get_document("collation").ok()?.get_str("locale").ok()
}

/// Encodes a definition so that options that are equal by value have the same bytes, in any order.
/// `Err` has the definition in words if it can't be encoded, which never happens for a stored one.
pub(crate) fn canonical(definition: Document) -> Result<Vec<u8>, String> {
    let mut fields: Vec<(String, Bson)> = definition.into_iter().collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    let sorted: Document = fields.into_iter().collect();
    let mut bytes = Vec::new();
    let raw = RawBson::try_from(Bson::Document(sorted.clone()));
    match raw.map(|raw| encode(raw.as_raw_bson_ref(), &mut bytes)) {
        Ok(Ok(())) => Ok(bytes),
        _ => Err(sorted.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn the_order_of_keys_and_the_types_of_numbers_count() {
        let index = doc! { "key": { "a": 1, "b": 1 }, "name": "i" };
        assert!(identical(&index, &index.clone()));
        assert!(!identical(&index, &doc! { "key": { "b": 1, "a": 1 }, "name": "i" }));
        assert!(!identical(&index, &doc! { "name": "i", "key": { "a": 1, "b": 1 } }));
        assert!(!identical(&index, &doc! { "key": { "a": 1.0, "b": 1 }, "name": "i" }));
        assert!(!identical(
            &doc! { "x": [{ "a": 1, "b": 1 }] },
            &doc! { "x": [{ "b": 1, "a": 1 }] }
        ));
    }

    #[test]
    fn nan_is_identical_to_itself_and_the_two_zeros_are_not() {
        let ttl = doc! { "key": { "a": 1 }, "expireAfterSeconds": f64::NAN };
        assert!(identical(&ttl, &ttl.clone()));
        assert!(!identical(&doc! { "x": 0.0 }, &doc! { "x": -0.0 }));
    }
}
