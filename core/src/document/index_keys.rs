//! The keys of a document in an index, like those of the server's `BtreeKeyGenerator`.
//!
//! An array stands for its elements, each of which has a key. A missing value is null, and an empty
//! array is undefined. One path of a compound key may go through an array; several may if it is the
//! same array, whose elements are then combined.

use std::collections::BTreeSet;

use bson::raw::{RawBsonRef, RawDocument};

use super::path::{Name, Path};
use super::{Undecided, walk};
use crate::document::key::encode;

/// The paths of an index's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IndexPaths(Vec<Path>);

/// The keys of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keys {
    /// These, in encoded form.
    Are(BTreeSet<Vec<u8>>),
    /// The values at these two paths are arrays, which MongoDB refuses.
    ParallelArrays(String, String),
}

/// The state of a path that is being followed.
#[derive(Clone)]
enum PathCursor<'a> {
    /// These names remain, from the current document.
    Ahead(&'a [Name]),
    At(RawBsonRef<'a>),
    Missing,
}

struct Generator<'a> {
    paths: &'a [Path],
    keys: BTreeSet<Vec<u8>>,
    parallel: Option<(String, String)>,
}

impl IndexPaths {
    /// Creates the paths; `None` if one of them contains a number, which may be a field or an array
    /// index.
    pub(crate) fn new<'n>(fields: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let paths: Vec<Path> = fields.into_iter().map(Path::dotted).collect();
        let is_number = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        let numbered = paths.iter().any(|path| path.names().any(is_number));
        (!paths.is_empty() && !numbered).then_some(Self(paths))
    }

    /// The fields of the index.
    pub(crate) fn fields(&self) -> Vec<String> {
        self.0.iter().map(Path::to_dotted).collect()
    }

    pub(crate) fn paths(&self) -> &[Path] {
        &self.0
    }

    /// Returns the keys of a document; in a sparse index, none if it has none of the fields.
    /// O(elements of its arrays).
    pub(crate) fn keys_of(&self, document: &RawDocument, sparse: bool) -> Result<Keys, Undecided> {
        let mut generator = Generator { paths: &self.0, keys: BTreeSet::new(), parallel: None };
        let places = self.0.iter().map(|path| PathCursor::Ahead(path.as_slice())).collect();
        generator.expand(places, document, sparse)?;
        Ok(match generator.parallel {
            Some((first, second)) => Keys::ParallelArrays(first, second),
            None => Keys::Are(generator.keys),
        })
    }
}

impl<'a> Generator<'a> {
    /// Follows the paths from a document, and adds the keys.
    fn expand(
        &mut self,
        mut places: Vec<PathCursor<'a>>,
        document: &'a RawDocument,
        sparse: bool,
    ) -> Result<(), Undecided> {
        let mut array: Option<(usize, &'a bson::raw::RawArray)> = None;
        for (at, place) in places.iter_mut().enumerate() {
            let PathCursor::Ahead(names) = *place else { continue };
            *place = match walk::follow(document, names)? {
                Some((RawBsonRef::Array(found), rest)) => {
                    match array {
                        // Paths at the same position share one array.
                        Some((first, known))
                            if !std::ptr::eq(known.as_bytes(), found.as_bytes()) =>
                        {
                            let [first, second] = [first, at].map(|at| self.paths[at].to_dotted());
                            self.parallel.get_or_insert((first, second));
                            return Ok(());
                        }
                        Some(_) => {}
                        None => array = Some((at, found)),
                    }
                    PathCursor::Ahead(rest)
                }
                Some((value, [])) => PathCursor::At(value),
                _ => PathCursor::Missing,
            };
        }
        match array {
            None => self.note(&places, sparse),
            Some((_, array)) => self.expand_array(&places, array, sparse),
        }
    }

    fn expand_array(
        &mut self,
        places: &[PathCursor<'a>],
        array: &'a bson::raw::RawArray,
        sparse: bool,
    ) -> Result<(), Undecided> {
        let mut empty = true;
        for element in array {
            empty = false;
            let element = element?;
            let inner: Vec<PathCursor<'a>> = places
                .iter()
                .map(|place| match (place, element) {
                    (PathCursor::Ahead([]), element) => PathCursor::At(element),
                    (PathCursor::Ahead(_), RawBsonRef::Document(_)) => place.clone(),
                    (PathCursor::Ahead(_), _) => PathCursor::Missing,
                    _ => place.clone(),
                })
                .collect();
            match element {
                RawBsonRef::Document(document) => self.expand(inner, document, sparse)?,
                _ => self.note(&inner, sparse)?,
            }
        }
        if empty {
            let inner = places.iter().map(|place| match place {
                PathCursor::Ahead([]) => PathCursor::At(RawBsonRef::Undefined),
                PathCursor::Ahead(_) => PathCursor::Missing,
                known => known.clone(),
            });
            self.note(&inner.collect::<Vec<_>>(), sparse)?;
        }
        Ok(())
    }

    fn note(&mut self, places: &[PathCursor<'a>], sparse: bool) -> Result<(), Undecided> {
        let value = |place: &PathCursor<'a>| match place {
            PathCursor::At(value) => Some(*value),
            _ => None,
        };
        if sparse && places.iter().all(|place| value(place).is_none()) {
            return Ok(());
        }
        let mut key = Vec::new();
        for place in places {
            let value = value(place).unwrap_or(RawBsonRef::Null);
            encode(value, &mut key).map_err(|_| Undecided::Malformed)?;
        }
        self.keys.insert(key);
        Ok(())
    }
}

/// Returns whether one of the values that a document has in an index is text, to which a collation
/// applies.
pub(crate) fn has_text(paths: &IndexPaths, document: &RawDocument) -> Result<bool, Undecided> {
    let mut found = false;
    for path in &paths.0 {
        let ask = &mut |value: Option<RawBsonRef<'_>>| Ok(value.is_some_and(is_text));
        found |= walk::any(document, path.as_slice(), true, ask)?;
    }
    Ok(found)
}

fn is_text(value: RawBsonRef<'_>) -> bool {
    match value {
        RawBsonRef::String(_) | RawBsonRef::Symbol(_) => true,
        RawBsonRef::Document(document) => {
            document.iter().flatten().any(|(_, value)| is_text(value))
        }
        RawBsonRef::Array(array) => array.into_iter().flatten().any(is_text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use bson::{Bson, Document as BsonDocument, RawDocumentBuf, doc};

    use super::*;

    fn keys(fields: &[&str], sparse: bool, document: &BsonDocument) -> Keys {
        let paths = IndexPaths::new(fields.iter().copied()).unwrap();
        paths.keys_of(&RawDocumentBuf::try_from(document).unwrap(), sparse).unwrap()
    }

    /// The keys that are written so: each a list of the values of the fields.
    fn expected(keys: Vec<Vec<Bson>>) -> Keys {
        let encoded = keys.into_iter().map(|key| {
            let mut bytes = Vec::new();
            for value in key {
                let value = bson::RawBson::try_from(value).unwrap();
                encode(value.as_raw_bson_ref(), &mut bytes).unwrap();
            }
            bytes
        });
        Keys::Are(encoded.collect::<BTreeSet<_>>())
    }

    #[test]
    fn each_element_of_an_array_is_a_key() {
        let null = Bson::Null;
        for (fields, document, wanted) in [
            (&["a"][..], doc! { "a": [1, 2, 1.0] }, vec![vec![1.into()], vec![2.into()]]),
            (&["a"], doc! { "a": [] }, vec![vec![Bson::Undefined]]),
            (&["a"], doc! { "a": [[1, 2]] }, vec![vec![vec![1, 2].into()]]),
            (&["a"], doc! {}, vec![vec![null.clone()]]),
            (
                &["a.b"],
                doc! { "a": [{ "b": 1 }, { "c": 1 }, 7] },
                vec![vec![1.into()], vec![null.clone()]],
            ),
            (&["a.b"], doc! { "a": [{ "b": [1, 2] }] }, vec![vec![1.into()], vec![2.into()]]),
            (&["a.b"], doc! { "a": [] }, vec![vec![null.clone()]]),
            (&["a.b"], doc! { "a": 7 }, vec![vec![null.clone()]]),
            (
                &["a", "b"],
                doc! { "a": [1, 2], "b": 3 },
                vec![vec![1.into(), 3.into()], vec![2.into(), 3.into()]],
            ),
            (
                &["a.b", "a.c"],
                doc! { "a": [{ "b": 1, "c": 2 }, { "b": 3 }] },
                vec![vec![1.into(), 2.into()], vec![3.into(), null.clone()]],
            ),
            (
                &["a", "a.b"],
                doc! { "a": [{ "b": 1 }] },
                vec![vec![doc! { "b": 1 }.into(), 1.into()]],
            ),
        ] {
            assert_eq!(keys(fields, false, &document), expected(wanted), "{fields:?} {document}");
        }
    }

    #[test]
    fn a_sparse_index_leaves_out_what_has_none_of_its_fields() {
        assert_eq!(keys(&["a", "b"], true, &doc! { "c": 1 }), expected(vec![]));
        assert_eq!(
            keys(&["a", "b"], true, &doc! { "b": 1 }),
            expected(vec![vec![Bson::Null, 1.into()]])
        );
        assert_eq!(keys(&["a"], true, &doc! { "a": Bson::Null }), expected(vec![vec![Bson::Null]]));
        assert_eq!(
            keys(&["a.b"], true, &doc! { "a": [{ "b": 1 }, {}] }),
            expected(vec![vec![1.into()]])
        );
    }

    #[test]
    fn two_arrays_in_one_key_are_refused() {
        let parallel = Keys::ParallelArrays("a".into(), "b".into());
        assert_eq!(keys(&["a", "b"], false, &doc! { "a": [1], "b": [2] }), parallel);
        let inside = doc! { "a": [{ "b": [1], "c": [2] }] };
        assert!(matches!(keys(&["a.b", "a.c"], false, &inside), Keys::ParallelArrays(..)));
        assert_eq!(IndexPaths::new(["a.0"]), None, "a number may be a field or an index");
    }
}
