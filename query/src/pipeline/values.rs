//! The values at a path of a document, as queries and `$lookup` see them, and documents with a
//! value replaced at a path.

use argon_core::Result;
use argon_core::document::field;
use bson::raw::{CString, RawArray, RawBsonRef, RawDocument, RawDocumentBuf};

use crate::Code;
pub(crate) use crate::value::encode;
use crate::value::malformed;

/// Calls `each` with the keys of the values that an equality in a query compares: the value at the
/// path, also in each document of an array; if it is an array, its elements too; null where a
/// document has no such field.
pub(crate) fn keys_at(
    document: &RawDocument,
    path: &[String],
    each: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    let mut buffer = Vec::new();
    visit_compared(document, path, &mut |value| {
        buffer.clear();
        encode(value, &mut buffer)?;
        each(&buffer);
        Ok(())
    })
}

type Visit<'v> = dyn FnMut(RawBsonRef<'_>) -> Result<()> + 'v;

fn visit_compared(document: &RawDocument, path: &[String], each: &mut Visit<'_>) -> Result<()> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    match field(document, name).map_err(malformed)? {
        None => each(RawBsonRef::Null),
        Some(value) => visit_compared_in(value, rest, each),
    }
}

fn visit_compared_in(value: RawBsonRef<'_>, path: &[String], each: &mut Visit<'_>) -> Result<()> {
    match value {
        RawBsonRef::Array(array) if path.is_empty() => {
            each(value)?;
            array.into_iter().try_for_each(|element| each(element.map_err(malformed)?))
        }
        value if path.is_empty() => each(value),
        RawBsonRef::Document(document) => visit_compared(document, path, each),
        RawBsonRef::Array(array) => {
            for element in array {
                if let RawBsonRef::Document(document) = element.map_err(malformed)? {
                    visit_compared(document, path, each)?;
                }
            }
            let (position, rest) = (&path[0], &path[1..]);
            // A document at the position was visited by its fields too.
            match element_at(array, position)? {
                // An array at the position is not compared by its elements.
                Some(element) if rest.is_empty() => each(element),
                Some(element @ (RawBsonRef::Document(_) | RawBsonRef::Array(_))) => {
                    visit_compared_in(element, rest, each)
                }
                _ => Ok(()),
            }
        }
        _ => each(RawBsonRef::Null),
    }
}

/// Calls `each` with the values at a path, with the elements of an array in its place
/// (`document_path_support::visitAllValuesAtPath` of the server).
pub(crate) fn visit_all(
    document: &RawDocument,
    path: &[String],
    each: &mut Visit<'_>,
) -> Result<()> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    match field(document, name).map_err(malformed)? {
        None => Ok(()),
        Some(value) => visit_all_in(value, rest, each),
    }
}

fn visit_all_in(value: RawBsonRef<'_>, path: &[String], each: &mut Visit<'_>) -> Result<()> {
    match value {
        RawBsonRef::Array(array) if path.is_empty() => {
            array.into_iter().try_for_each(|element| each(element.map_err(malformed)?))
        }
        value if path.is_empty() => each(value),
        RawBsonRef::Document(document) => visit_all(document, path, each),
        RawBsonRef::Array(array) => {
            for element in array {
                if let RawBsonRef::Document(document) = element.map_err(malformed)? {
                    visit_all(document, path, each)?;
                }
            }
            match element_at(array, &path[0])? {
                Some(element) => visit_all_in(element, &path[1..], each),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The element at the position that a name in a path gives, if it is a number without leading
/// zeros.
pub(crate) fn element_at<'a>(array: &'a RawArray, name: &str) -> Result<Option<RawBsonRef<'a>>> {
    match position(name) {
        Some(position) => array.get(position).map_err(malformed),
        None => Ok(None),
    }
}

/// The position in an array that a name in a path gives.
pub(crate) fn position(name: &str) -> Option<usize> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (name.len() > 1 && name.starts_with('0')) {
        return None;
    }
    name.parse().ok()
}

/// The value at a path through documents only; none in arrays.
pub(crate) fn nested<'a>(
    document: &'a RawDocument,
    path: &[CString],
) -> Result<Option<RawBsonRef<'a>>> {
    let mut document = document;
    let Some((last, before)) = path.split_last() else { return Ok(None) };
    for name in before {
        match field(document, name.as_str()).map_err(malformed)? {
            Some(RawBsonRef::Document(inner)) => document = inner,
            _ => return Ok(None),
        }
    }
    field(document, last.as_str()).map_err(malformed)
}

/// Returns the document with a value at a path of documents, or without it if the value is `None`.
/// The field keeps its place; a new one is the last. A value on the way that is not a document is
/// replaced by one.
pub(crate) fn with_nested(
    document: &RawDocument,
    path: &[CString],
    value: Option<RawBsonRef<'_>>,
) -> Result<RawDocumentBuf> {
    let Some((name, rest)) = path.split_first() else { return Ok(document.to_owned()) };
    let mut changed = RawDocumentBuf::new();
    let mut done = false;
    for field in document {
        let (field, old) = field.map_err(malformed)?;
        if field.as_str() != name.as_str() {
            changed.append(field, old);
            continue;
        }
        done = true;
        match (old, value) {
            (_, Some(value)) if rest.is_empty() => changed.append(name, value),
            (_, None) if rest.is_empty() => {}
            (RawBsonRef::Document(inner), value) => {
                changed.append(name, with_nested(inner, rest, value)?);
            }
            (_, Some(value)) => changed.append(name, chain(rest, value)),
            (old, None) => changed.append(name, old),
        }
    }
    if let (false, Some(value)) = (done, value) {
        if rest.is_empty() {
            changed.append(name, value);
        } else {
            changed.append(name, chain(rest, value));
        }
    }
    Ok(changed)
}

/// The document that has only a value at a path.
fn chain(path: &[CString], value: RawBsonRef<'_>) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    match path {
        [] => {}
        [name] => document.append(name, value),
        [name, rest @ ..] => document.append(name, chain(rest, value)),
    }
    document
}

/// Splits the path of a field of a stage's output.
///
/// # Errors
/// If it is not a path of fields.
pub(crate) fn names(path: &str) -> Result<Vec<CString>> {
    let names = crate::expression::field_path(path)?;
    names.iter().map(|name| crate::expression::field_name(name)).collect()
}

/// Splits a path of fields that may begin with `$`.
///
/// # Errors
/// `FailedToParse` if it does not begin with one.
pub(crate) fn dollar_path(path: &str, code: Code, message: &str) -> Result<Vec<CString>> {
    names(path.strip_prefix('$').ok_or_else(|| code.error(message))?)
}

#[cfg(test)]
mod tests {
    use argon_core::document::Filter;
    use bson::{Bson, bson, doc};

    use super::*;

    #[test]
    fn the_keys_at_a_path_are_the_values_that_an_equality_in_a_query_matches() {
        let values = [
            bson!(1),
            bson!(2.0),
            bson!("x"),
            Bson::Null,
            bson!([]),
            bson!([1, [2, 3], null]),
            bson!([[1]]),
            bson!({ "b": 1 }),
            bson!({ "b": [1, { "c": 2 }], "0": 3 }),
            bson!([{ "b": 1 }, { "b": [2, null] }, {}, 7]),
            bson!([{ "b": { "c": 1 } }, { "b": [{ "c": 2 }, {}] }]),
            bson!([[{ "b": 5 }], { "0": 6 }]),
        ];
        let mut documents = vec![doc! {}];
        documents.extend(values.iter().map(|value| doc! { "a": value.clone() }));
        for path in ["a", "a.b", "a.b.c", "a.0", "a.0.b", "a.b.0", "a.1"] {
            let names: Vec<String> = path.split('.').map(str::to_owned).collect();
            for value in &values {
                // A document with operators is no value, and an array is compared too.
                let query = doc! { path: { "$eq": value.clone() } };
                let filter = Filter::parse(&query).unwrap();
                let mut wanted = Vec::new();
                let raw = crate::expression::raw(value).unwrap();
                encode(raw.as_raw_bson_ref(), &mut wanted).unwrap();
                for document in &documents {
                    let raw = RawDocumentBuf::try_from(document.clone()).unwrap();
                    let mut found = false;
                    keys_at(&raw, &names, &mut |key| found |= key == wanted).unwrap();
                    assert_eq!(found, filter.matches(&raw).unwrap(), "{query} on {document}");
                }
            }
        }
    }

    #[test]
    fn a_value_at_a_path_keeps_its_place_and_new_ones_come_last() {
        let path = |text: &str| names(text).unwrap();
        let document = RawDocumentBuf::try_from(doc! { "a": { "b": 1, "c": 2 }, "d": 3 }).unwrap();
        let with = |text: &str, value: Option<i32>| {
            let value = value.map(RawBsonRef::Int32);
            let changed = with_nested(&document, &path(text), value).unwrap();
            bson::Document::try_from(changed.as_ref()).unwrap()
        };
        assert_eq!(with("a.b", Some(9)), doc! { "a": { "b": 9, "c": 2 }, "d": 3 });
        assert_eq!(with("a.b", None), doc! { "a": { "c": 2 }, "d": 3 });
        assert_eq!(with("d.e", Some(9)), doc! { "a": { "b": 1, "c": 2 }, "d": { "e": 9 } });
        assert_eq!(with("x.y", Some(9)), doc! { "a": { "b": 1, "c": 2 }, "d": 3, "x": { "y": 9 } });
        assert_eq!(with("x.y", None), doc! { "a": { "b": 1, "c": 2 }, "d": 3 });
    }
}
