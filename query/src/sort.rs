//! Sort patterns, and the keys by which documents are sorted.
//!
//! The key of a document is the concatenation of the [keys](argon_core::key) of its values, inverted
//! where the order is descending: no key is a prefix of another, so keys compare as bytes. Follows
//! `SortKeyGenerator` of the server: an array sorts by its least or greatest element, an empty one
//! like undefined, and what is missing like null.

use std::sync::Arc;

use argon_core::Result;
use argon_core::document::field;
use bson::raw::{RawArray, RawBsonRef, RawDocument};
use bson::{Bson, Document};

use crate::Code;
use crate::collation::Collation;
use crate::expression::field_path;
use crate::value::{encode, malformed};

/// The most fields of a pattern: `kMaxSortPatternSize` of the server.
const MAX_FIELDS: usize = 32;

/// A compiled sort pattern, such as `{a: 1, "b.c": -1}`.
#[derive(Debug, Clone)]
pub struct SortPattern {
    fields: Vec<SortField>,
    collation: Option<Arc<Collation>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SortField {
    path: Vec<String>,
    descending: bool,
}

/// Where the walk for a field of the pattern is: a value, and the names that are left.
#[derive(Clone, Copy)]
struct Place<'a> {
    value: Option<RawBsonRef<'a>>,
    path: &'a [String],
    /// Whether an element of an array is taken as it is: an array in an array has no fields.
    in_array: bool,
}

impl SortPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// The code that `$sort` of a pipeline gives for what is malformed.
    pub fn compile(pattern: &Document) -> Result<Self> {
        if pattern.is_empty() {
            return Err(Code::location(15976).error("$sort stage must have at least one sort key"));
        }
        if pattern.len() > MAX_FIELDS {
            return Err(Code::BAD_VALUE
                .error(format!("too many compound keys: a sort has at most {MAX_FIELDS}")));
        }
        let fields = pattern.iter().map(|(name, order)| {
            Ok(SortField { path: field_path(name)?, descending: descending(name, order)? })
        });
        Ok(Self { fields: fields.collect::<Result<_>>()?, collation: None })
    }

    /// The same, with texts in the order of a collation.
    #[must_use]
    pub fn with_collation(self, collation: Option<Arc<Collation>>) -> Self {
        Self { collation, ..self }
    }

    pub(crate) fn collation(&self) -> Option<&Collation> {
        self.collation.as_deref()
    }

    /// A pattern of a single ascending path.
    pub fn ascending(path: Vec<String>) -> Self {
        Self { fields: vec![SortField { path, descending: false }], collation: None }
    }

    /// A pattern of a single descending path.
    pub(crate) fn descending(path: Vec<String>) -> Self {
        Self { fields: vec![SortField { path, descending: true }], collation: None }
    }

    /// The paths, each with whether its order is descending.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[String], bool)> {
        self.fields.iter().map(|field| (field.path.as_slice(), field.descending))
    }

    /// Appends the key of a document, by which it sorts as bytes.
    ///
    /// # Errors
    /// `BadValue` if two of the paths go through different arrays; `Corrupt` if a value can't be
    /// decoded.
    pub fn key(&self, document: &RawDocument, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        for field in &self.fields {
            let place = Place {
                value: Some(RawBsonRef::Document(document)),
                path: &field.path,
                in_array: false,
            };
            match walk(place)? {
                Place { value: Some(RawBsonRef::Array(_)), in_array: false, .. } => {
                    out.truncate(start);
                    return self.key_with_arrays(document, out);
                }
                Place { value, .. } => {
                    self.append(value.unwrap_or(RawBsonRef::Null), field.descending, out)?;
                }
            }
        }
        Ok(())
    }

    /// The least of the keys that the elements of the array give.
    fn key_with_arrays(&self, document: &RawDocument, out: &mut Vec<u8>) -> Result<()> {
        let places: Vec<_> = self
            .fields
            .iter()
            .map(|field| Place {
                value: Some(RawBsonRef::Document(document)),
                path: &field.path,
                in_array: false,
            })
            .collect();
        let mut least = None;
        self.expand(&places, &mut least)?;
        out.extend_from_slice(&least.unwrap_or_default());
        Ok(())
    }

    fn expand(&self, places: &[Place<'_>], least: &mut Option<Vec<u8>>) -> Result<()> {
        let places = places.iter().map(|place| walk(*place)).collect::<Result<Vec<_>>>()?;
        let array_of = |place: &Place<'_>| match place {
            Place { value: Some(RawBsonRef::Array(_)), in_array: true, .. } => None,
            Place { value: Some(RawBsonRef::Array(array)), .. } => Some(array.as_bytes().as_ptr()),
            _ => None,
        };
        let Some(first) = places.iter().find(|place| array_of(place).is_some()) else {
            return self.keep_less(&places, least);
        };
        let Some(RawBsonRef::Array(array)) = first.value else { return Ok(()) };
        // Two paths go through the same array if they met it at the same place in memory.
        let same = array.as_bytes().as_ptr();
        if places.iter().filter_map(array_of).any(|other| other != same) {
            return Err(Code::BAD_VALUE.error("cannot sort with keys that are parallel arrays"));
        }
        let mut any = false;
        for element in array {
            any = true;
            let element = element.map_err(malformed)?;
            let inner: Vec<_> = places
                .iter()
                .map(|place| match array_of(place) {
                    Some(_) => Place { value: Some(element), in_array: true, ..*place },
                    None => *place,
                })
                .collect();
            self.expand(&inner, least)?;
        }
        if any {
            return Ok(());
        }
        let inner: Vec<_> = places
            .iter()
            .map(|place| match array_of(place) {
                // An empty array itself is like undefined; a field in it is like null.
                Some(_) if place.path.is_empty() => {
                    Place { value: Some(RawBsonRef::Undefined), in_array: true, ..*place }
                }
                Some(_) => Place { value: None, path: &[], in_array: true },
                None => *place,
            })
            .collect();
        self.expand(&inner, least)
    }

    fn keep_less(&self, places: &[Place<'_>], least: &mut Option<Vec<u8>>) -> Result<()> {
        let mut key = Vec::new();
        for (field, place) in self.fields.iter().zip(places) {
            self.append(place.value.unwrap_or(RawBsonRef::Null), field.descending, &mut key)?;
        }
        if least.as_ref().is_none_or(|least| key < *least) {
            *least = Some(key);
        }
        Ok(())
    }
}

impl SortPattern {
    fn append(&self, value: RawBsonRef<'_>, descending: bool, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        match &self.collation {
            None => encode(value, out)?,
            Some(collation) => encode(collation.comparable(value)?.as_raw_bson_ref(), out)?,
        }
        if descending {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
        Ok(())
    }
}

/// Follows the names through documents, up to an array or the end of the path.
fn walk(mut place: Place<'_>) -> Result<Place<'_>> {
    while let Some((name, rest)) = place.path.split_first() {
        place.value = match place.value {
            Some(RawBsonRef::Document(document)) => {
                place.in_array = false;
                field(document, name).map_err(malformed)?
            }
            Some(RawBsonRef::Array(array)) if !place.in_array => match element(array, name)? {
                Some(element) => Some(element),
                None => return Ok(place),
            },
            _ => None,
        };
        place.path = rest;
    }
    Ok(place)
}

fn element<'a>(array: &'a RawArray, name: &str) -> Result<Option<RawBsonRef<'a>>> {
    crate::pipeline::element_at(array, name)
}

fn descending(name: &str, order: &Bson) -> Result<bool> {
    let number = match order {
        Bson::Int32(number) => f64::from(*number),
        #[expect(clippy::cast_precision_loss, reason = "compared with 1 and -1 only")]
        Bson::Int64(number) => *number as f64,
        Bson::Double(number) => number.trunc(),
        Bson::Decimal128(number) => match number.to_string().as_str() {
            "1" | "1.0" => 1.0,
            "-1" | "-1.0" => -1.0,
            _ => 0.0,
        },
        Bson::Document(meta) if meta.contains_key("$meta") => {
            return Err(Code::COMMAND_NOT_SUPPORTED
                .error(format!("sorting by $meta is not supported: {name}")));
        }
        other => {
            return Err(Code::location(15974)
                .error(format!("Illegal key in $sort specification: {name}: {other}")));
        }
    };
    match number {
        1.0 => Ok(false),
        -1.0 => Ok(true),
        _ => Err(Code::location(15975)
            .error("$sort key ordering must be 1 (for ascending) or -1 (for descending)")),
    }
}

#[cfg(test)]
mod tests {
    use bson::{RawDocumentBuf, doc, rawdoc};

    use super::*;

    fn key(pattern: &Document, document: &RawDocumentBuf) -> Vec<u8> {
        let mut key = Vec::new();
        SortPattern::compile(pattern).unwrap().key(document, &mut key).unwrap();
        key
    }

    /// Asserts that the documents are in strictly ascending order.
    fn ordered(pattern: &Document, documents: &[RawDocumentBuf]) {
        for pair in documents.windows(2) {
            let (less, greater) = (key(pattern, &pair[0]), key(pattern, &pair[1]));
            assert!(less < greater, "{pattern}: {pair:?}");
        }
    }

    #[test]
    fn values_sort_by_type_then_value_and_missing_is_null() {
        ordered(
            &doc! { "a": 1 },
            &[
                rawdoc! { "a": [] },
                rawdoc! {},
                rawdoc! { "a": -1.5 },
                rawdoc! { "a": 2_i64 },
                rawdoc! { "a": "" },
                rawdoc! { "a": "b" },
                rawdoc! { "a": {} },
                rawdoc! { "a": true },
            ],
        );
        assert_eq!(
            key(&doc! { "a": 1 }, &rawdoc! {}),
            key(&doc! { "a": 1 }, &rawdoc! { "a": null })
        );
    }

    #[test]
    fn a_descending_field_reverses_the_order_and_later_fields_break_ties() {
        ordered(
            &doc! { "a": -1, "b": 1 },
            &[
                rawdoc! { "a": "ab", "b": 1 },
                rawdoc! { "a": "a", "b": 1 },
                rawdoc! { "a": "a", "b": 2 },
                rawdoc! { "a": "", "b": 0 },
                rawdoc! { "b": 0 },
            ],
        );
    }

    #[test]
    fn an_array_sorts_by_its_least_or_greatest_element() {
        ordered(
            &doc! { "a": 1 },
            &[rawdoc! { "a": [9, 1] }, rawdoc! { "a": 2 }, rawdoc! { "a": [4, 3] }],
        );
        ordered(
            &doc! { "a": -1 },
            &[rawdoc! { "a": [9, 1] }, rawdoc! { "a": [4, 3] }, rawdoc! { "a": 2 }],
        );
    }

    #[test]
    fn two_paths_through_one_array_take_the_values_of_one_element() {
        let document =
            rawdoc! { "a": [{ "b": 1, "c": 2 }, { "b": 1, "c": 5 }, { "b": 3, "c": 9 }] };
        assert_eq!(
            key(&doc! { "a.b": 1, "a.c": -1 }, &document),
            key(&doc! { "a.b": 1, "a.c": -1 }, &rawdoc! { "a": { "b": 1, "c": 5 } })
        );
    }

    #[test]
    fn two_arrays_are_refused() {
        let pattern = SortPattern::compile(&doc! { "a": 1, "b": 1 }).unwrap();
        let error = pattern.key(&rawdoc! { "a": [1], "b": [2] }, &mut Vec::new()).unwrap_err();
        assert_eq!(Code::of(&error), Some(Code::BAD_VALUE));
    }

    #[test]
    fn a_position_in_a_path_selects_an_element() {
        ordered(&doc! { "a.1": 1 }, &[rawdoc! { "a": [9, 1] }, rawdoc! { "a": [0, 2] }]);
    }
}
