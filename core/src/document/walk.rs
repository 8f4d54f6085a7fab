//! The values that a path leads to, like the server's `ElementIterator`.
//!
//! A path goes into documents. In an array it continues in each element that is a document, and, if
//! its next name is a number, in the element at that index. An array at its end stands for its
//! elements and for itself. A missing name on the way is one missing value; but an array without
//! documents has no values at all.

use bson::raw::{RawArray, RawBsonRef, RawDocument};

use super::Undecided;
use super::field::field;
use super::path::Name;

/// The condition on each value; `None` stands for a missing one.
pub(super) type Question<'f, 'a> =
    &'f mut dyn FnMut(Option<RawBsonRef<'a>>) -> Result<bool, Undecided>;

/// Returns whether the condition is true for one of the values at a path. `elements` says whether
/// it also applies to the elements of an array at its end.
pub(super) fn any<'a>(
    document: &'a RawDocument,
    path: &[Name],
    elements: bool,
    ask: Question<'_, 'a>,
) -> Result<bool, Undecided> {
    let Some((name, rest)) = path.split_first() else { return Ok(false) };
    match field(document, name.as_str())? {
        Some(RawBsonRef::Array(array)) => any_in(array, rest, elements, ask),
        Some(value) if rest.is_empty() => ask(Some(value)),
        Some(RawBsonRef::Document(inner)) => any(inner, rest, elements, ask),
        Some(_) | None => ask(None),
    }
}

fn any_in<'a>(
    array: &'a RawArray,
    path: &[Name],
    elements: bool,
    ask: Question<'_, 'a>,
) -> Result<bool, Undecided> {
    if path.is_empty() {
        if elements {
            for element in array {
                if ask(Some(element?))? {
                    return Ok(true);
                }
            }
        }
        return ask(Some(RawBsonRef::Array(array)));
    }
    for (index, element) in array.into_iter().enumerate() {
        if any_of_element((index, element?), path, elements, ask)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether the condition is true for one of the values at a path in an element of an array,
/// which the path may name by its index.
pub(super) fn any_of_element<'a>(
    (index, element): (usize, RawBsonRef<'a>),
    path: &[Name],
    elements: bool,
    ask: Question<'_, 'a>,
) -> Result<bool, Undecided> {
    if let RawBsonRef::Document(inner) = element
        && any(inner, path, elements, ask)?
    {
        return Ok(true);
    }
    let Some((name, rest)) = path.split_first() else { return Ok(false) };
    if name.as_str() != index.to_string() {
        return Ok(false);
    }
    match element {
        _ if rest.is_empty() => ask(Some(element)),
        RawBsonRef::Document(inner) => any(inner, rest, elements, ask),
        RawBsonRef::Array(inner) => any_in(inner, rest, elements, ask),
        _ => Ok(false),
    }
}

/// Follows names into documents, up to an array or the value at the end; returns the remaining
/// names too.
pub(super) fn follow<'a, 'n>(
    document: &'a RawDocument,
    names: &'n [Name],
) -> Result<Option<(RawBsonRef<'a>, &'n [Name])>, Undecided> {
    let Some((name, rest)) = names.split_first() else { return Ok(None) };
    match field(document, name.as_str())? {
        Some(RawBsonRef::Document(inner)) if !rest.is_empty() => follow(inner, rest),
        found => Ok(found.map(|value| (value, rest))),
    }
}
