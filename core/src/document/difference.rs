//! Applies the difference between two images of a document to a third.
//!
//! A program reads a document into a type of its own, changes the value, and writes it back. The type
//! may not know all fields, and may hold a number in another type than the one stored. So only what
//! differs between the value before and after the change is applied to the stored bytes.

use std::collections::{HashMap, VecDeque};

use bson::raw::{CStr, RawArray, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf};

use crate::Result;
use crate::document::value::malformed;

/// A value of the result: borrowed where it is one of the inputs.
enum Output<'a> {
    Same(RawBsonRef<'a>),
    Document(RawDocumentBuf),
    Array(RawArrayBuf),
}

/// Applies what differs between `before` and `after` to `stored`.
///
/// - A field that neither image has, and one that is equal in both, stays as it is stored.
/// - A changed field gets its new value in its old place; new fields follow at the end.
/// - Documents are compared field by field, whatever the order. So are arrays of one length, element
///   by element. Of an array whose length changed, elements equal to an earlier one stay as stored.
/// - A changed int32 or int64 keeps its stored type if that has room for the new number.
///
/// Time and memory: O(bytes).
///
/// # Errors
/// `Corrupt` if an image is not BSON.
pub(crate) fn apply_difference(
    stored: &RawDocument,
    before: &RawDocument,
    after: &RawDocument,
) -> Result<RawDocumentBuf> {
    let (has, was, is) = (fields(stored)?, fields(before)?, fields(after)?);
    let mut image = RawDocumentBuf::new();
    for field in stored {
        let (name, value) = field.map_err(malformed)?;
        match (was.get(name.as_str()), is.get(name.as_str())) {
            (was, Some(is)) => output(value, was.copied(), *is)?.append_to(&mut image, name),
            (Some(_), None) => {}
            (None, None) => image.append(name, value),
        }
    }
    for field in after {
        let (name, value) = field.map_err(malformed)?;
        let is_new = !has.contains_key(name.as_str());
        // A default that the type adds when it reads a document is no change of the document.
        if is_new && was.get(name.as_str()) != Some(&value) {
            image.append(name, value);
        }
    }
    Ok(image)
}

fn fields(document: &RawDocument) -> Result<HashMap<&str, RawBsonRef<'_>>> {
    let mut fields = HashMap::new();
    for field in document {
        let (name, value) = field.map_err(malformed)?;
        fields.insert(name.as_str(), value);
    }
    Ok(fields)
}

fn output<'a>(
    stored: RawBsonRef<'a>,
    before: Option<RawBsonRef<'a>>,
    after: RawBsonRef<'a>,
) -> Result<Output<'a>> {
    Ok(match (stored, before, after) {
        (stored, Some(before), after) if before == after => Output::Same(stored),
        (
            RawBsonRef::Document(stored),
            Some(RawBsonRef::Document(before)),
            RawBsonRef::Document(after),
        ) => Output::Document(apply_difference(stored, before, after)?),
        (RawBsonRef::Array(stored), Some(RawBsonRef::Array(before)), RawBsonRef::Array(after)) => {
            elements(stored, before, after)?
        }
        (RawBsonRef::Int32(_), _, RawBsonRef::Int64(number)) => {
            Output::Same(i32::try_from(number).map_or(after, RawBsonRef::Int32))
        }
        (RawBsonRef::Int64(_), _, RawBsonRef::Int32(number)) => {
            Output::Same(RawBsonRef::Int64(number.into()))
        }
        (_, _, after) => Output::Same(after),
    })
}

fn elements<'a>(
    stored: &'a RawArray,
    before: &'a RawArray,
    after: &'a RawArray,
) -> Result<Output<'a>> {
    let list = |array: &'a RawArray| {
        array.into_iter().map(|item| item.map_err(malformed)).collect::<Result<Vec<_>>>()
    };
    let (stored, was, is) = (list(stored)?, list(before)?, list(after)?);
    let mut image = RawArrayBuf::new();
    if stored.len() == was.len() && was.len() == is.len() {
        for ((stored, was), is) in stored.into_iter().zip(was).zip(is) {
            output(stored, Some(was), is)?.push_to(&mut image);
        }
    } else if stored.len() == was.len() {
        let mut known: HashMap<Vec<u8>, VecDeque<RawBsonRef<'a>>> = HashMap::new();
        for (stored, was) in stored.into_iter().zip(was) {
            known.entry(bytes_of(was)).or_default().push_back(stored);
        }
        for is in is {
            let same = known.get_mut(&bytes_of(is)).and_then(VecDeque::pop_front);
            image.push(same.unwrap_or(is));
        }
    } else {
        for is in is {
            image.push(is);
        }
    }
    Ok(Output::Array(image))
}

/// The bytes of a value with its type, to compare many.
fn bytes_of(value: RawBsonRef<'_>) -> Vec<u8> {
    let mut document = RawDocumentBuf::new();
    document.append(bson::cstr!(""), value);
    document.into_bytes()
}

impl Output<'_> {
    fn append_to(self, image: &mut RawDocumentBuf, name: &CStr) {
        match self {
            Self::Same(value) => image.append(name, value),
            Self::Document(value) => image.append(name, value),
            Self::Array(value) => image.append(name, value),
        }
    }

    fn push_to(self, image: &mut RawArrayBuf) {
        match self {
            Self::Same(value) => image.push(value),
            Self::Document(value) => image.push(value),
            Self::Array(value) => image.push(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the calls are shorter")]
    fn check(stored: RawDocumentBuf, change: [RawDocumentBuf; 2], expected: RawDocumentBuf) {
        let [before, after] = change;
        let image = apply_difference(&stored, &before, &after).unwrap();
        assert_eq!(image.as_bytes(), expected.as_bytes(), "{image:?}");
    }

    #[test]
    fn fields_that_neither_image_has_stay_in_their_places() {
        check(
            rawdoc! { "_id": 1, "x": 7, "name": "Ada", "y": { "z": [1] } },
            [rawdoc! { "_id": 1, "name": "Ada" }, rawdoc! { "_id": 1, "name": "Grace" }],
            rawdoc! { "_id": 1, "x": 7, "name": "Grace", "y": { "z": [1] } },
        );
    }

    #[test]
    fn fields_are_added_at_the_end_and_removed_but_an_unchanged_default_is_not_stored() {
        check(
            rawdoc! { "_id": 1, "old": 1, "x": 2 },
            [
                rawdoc! { "_id": 1, "old": 1, "tags": [] },
                rawdoc! { "_id": 1, "tags": [], "new": 3 },
            ],
            rawdoc! { "_id": 1, "x": 2, "new": 3 },
        );
    }

    #[test]
    fn documents_inside_and_elements_of_arrays_keep_what_the_type_does_not_know() {
        check(
            rawdoc! { "_id": 1, "a": { "u": 1, "n": 1 }, "l": [{ "n": 1, "u": 1 }, { "n": 2, "u": 2 }] },
            [
                rawdoc! { "_id": 1, "a": { "n": 1 }, "l": [{ "n": 1 }, { "n": 2 }] },
                rawdoc! { "_id": 1, "a": { "n": 5 }, "l": [{ "n": 1 }, { "n": 6 }] },
            ],
            rawdoc! { "_id": 1, "a": { "u": 1, "n": 5 }, "l": [{ "n": 1, "u": 1 }, { "n": 6, "u": 2 }] },
        );
    }

    #[test]
    fn of_an_array_that_grows_or_shrinks_the_equal_elements_stay_as_stored() {
        check(
            rawdoc! { "l": [{ "n": 1, "u": 1 }, { "n": 2, "u": 2 }, { "n": 3, "u": 3 }] },
            [
                rawdoc! { "l": [{ "n": 1 }, { "n": 2 }, { "n": 3 }] },
                rawdoc! { "l": [{ "n": 0 }, { "n": 3 }] },
            ],
            rawdoc! { "l": [{ "n": 0 }, { "n": 3, "u": 3 }] },
        );
    }

    #[test]
    fn integers_keep_their_stored_type_while_it_has_room() {
        let large = i64::from(i32::MAX) + 1;
        check(
            rawdoc! { "a": 1_i32, "b": 1_i32, "c": 1_i64, "d": 1_i32, "e": 1_i32 },
            [
                rawdoc! { "a": 1_i64, "b": 1_i64, "c": 1_i32, "d": 1_i64, "e": 1.0 },
                rawdoc! { "a": 2_i64, "b": large, "c": 2_i32, "d": 1_i64, "e": 1.5 },
            ],
            rawdoc! { "a": 2_i32, "b": large, "c": 2_i64, "d": 1_i32, "e": 1.5 },
        );
    }

    #[test]
    fn the_order_of_fields_in_the_images_does_not_count() {
        let stored = rawdoc! { "m": { "a": 1, "b": 2 } };
        check(
            stored.clone(),
            [rawdoc! { "m": { "a": 1, "b": 2 } }, rawdoc! { "m": { "b": 2, "a": 1 } }],
            stored,
        );
    }
}
