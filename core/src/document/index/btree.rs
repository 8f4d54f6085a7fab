//! The keys of a document in ordinary and hashed indexes, like those of the server's
//! `BtreeKeyGenerator` and `ExpressionKeysPrivate::getHashKeys`.
//!
//! An array stands for its elements, each of which has a key. A missing value is null, and an empty
//! array is undefined. One path of a compound key may go through an array; several may if it is the
//! same array, whose elements are then combined. No path of a hashed index may.

use bson::raw::{RawArray, RawBsonRef, RawDocument};

use super::field::{FieldKind, IndexField};
use super::{Entries, Keys, cut};
use crate::document::path::Name;
use crate::document::{Undecided, walk};

/// The bytes of a field's value in a key, as a guess.
const EXPECTED_BYTES: usize = 16;

/// The state of a path that is being followed.
#[derive(Clone)]
enum PathCursor<'a> {
    /// These names remain, from the current document.
    Ahead(&'a [Name]),
    At(RawBsonRef<'a>),
    Missing,
}

struct Generator<'a> {
    fields: &'a [IndexField],
    sparse: bool,
    entries: Entries,
    parallel: Option<(String, String)>,
}

/// Returns the keys of a document; in a sparse index, none if it has none of the fields. O(elements
/// of its arrays).
pub(super) fn keys_of(
    fields: &[IndexField],
    sparse: bool,
    document: &RawDocument,
) -> Result<Keys, Undecided> {
    if let Some(entries) = without_arrays(fields, sparse, document)? {
        return Ok(Keys::Are(entries));
    }
    if let Some(path) = hashed_array(fields, document)? {
        return Ok(Keys::HashedArray(path));
    }
    let entries = Entries { multikey: true, ..Entries::default() };
    let mut generator = Generator { fields, sparse, entries, parallel: None };
    let cursors = fields.iter().map(|field| PathCursor::Ahead(field.as_path().as_slice()));
    generator.expand(cursors.collect(), document)?;
    Ok(match generator.parallel {
        Some((first, second)) => Keys::ParallelArrays(first, second),
        None => Keys::Are(generator.entries),
    })
}

/// Returns the one key of a document in which no path meets an array; `None` if one does.
fn without_arrays(
    fields: &[IndexField],
    sparse: bool,
    document: &RawDocument,
) -> Result<Option<Entries>, Undecided> {
    let mut key = Vec::with_capacity(fields.len() * EXPECTED_BYTES);
    let mut present = false;
    for field in fields {
        let value = match walk::follow(document, field.as_path().as_slice())? {
            Some((RawBsonRef::Array(_), _)) => return Ok(None),
            Some((value, [])) => {
                present = true;
                value
            }
            _ => RawBsonRef::Null,
        };
        field.put(value, &mut key)?;
    }
    let mut entries = Entries::default();
    if present || !sparse {
        entries.keys.insert(cut(key));
    }
    Ok(Some(entries))
}

/// Returns the path of the first array that a path of a hashed index meets.
fn hashed_array(
    fields: &[IndexField],
    document: &RawDocument,
) -> Result<Option<String>, Undecided> {
    if fields.iter().all(|field| field.kind() != FieldKind::Hashed) {
        return Ok(None);
    }
    for field in fields {
        let names = field.as_path().as_slice();
        if let Some((RawBsonRef::Array(_), rest)) = walk::follow(document, names)? {
            let names: Vec<&str> = field.as_path().names().collect();
            return Ok(Some(names[..names.len() - rest.len()].join(".")));
        }
    }
    Ok(None)
}

impl<'a> Generator<'a> {
    /// Follows the paths from a document, and adds the keys.
    fn expand(
        &mut self,
        mut cursors: Vec<PathCursor<'a>>,
        document: &'a RawDocument,
    ) -> Result<(), Undecided> {
        let mut array: Option<(usize, &'a RawArray)> = None;
        for (at, cursor) in cursors.iter_mut().enumerate() {
            let PathCursor::Ahead(names) = *cursor else { continue };
            *cursor = match walk::follow(document, names)? {
                Some((RawBsonRef::Array(found), rest)) => {
                    match array {
                        // Paths at the same position share one array.
                        Some((first, known))
                            if !std::ptr::eq(known.as_bytes(), found.as_bytes()) =>
                        {
                            let path = |at: usize| self.fields[at].path().to_owned();
                            self.parallel.get_or_insert((path(first), path(at)));
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
            None => self.note(&cursors),
            Some((_, array)) => self.expand_array(&cursors, array),
        }
    }

    fn expand_array(
        &mut self,
        cursors: &[PathCursor<'a>],
        array: &'a RawArray,
    ) -> Result<(), Undecided> {
        let mut empty = true;
        for element in array {
            empty = false;
            let element = element?;
            let inner: Vec<PathCursor<'a>> = cursors
                .iter()
                .map(|cursor| match (cursor, element) {
                    (PathCursor::Ahead([]), element) => PathCursor::At(element),
                    (PathCursor::Ahead(_), RawBsonRef::Document(_)) => cursor.clone(),
                    (PathCursor::Ahead(_), _) => PathCursor::Missing,
                    _ => cursor.clone(),
                })
                .collect();
            match element {
                RawBsonRef::Document(document) => self.expand(inner, document)?,
                _ => self.note(&inner)?,
            }
        }
        if empty {
            let inner = cursors.iter().map(|cursor| match cursor {
                PathCursor::Ahead([]) => PathCursor::At(RawBsonRef::Undefined),
                PathCursor::Ahead(_) => PathCursor::Missing,
                known => known.clone(),
            });
            self.note(&inner.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn note(&mut self, cursors: &[PathCursor<'a>]) -> Result<(), Undecided> {
        let value = |cursor: &PathCursor<'a>| match cursor {
            PathCursor::At(value) => Some(*value),
            _ => None,
        };
        if self.sparse && cursors.iter().all(|cursor| value(cursor).is_none()) {
            return Ok(());
        }
        let mut key = Vec::with_capacity(cursors.len() * EXPECTED_BYTES);
        for (field, cursor) in self.fields.iter().zip(cursors) {
            field.put(value(cursor).unwrap_or(RawBsonRef::Null), &mut key)?;
        }
        self.entries.keys.insert(cut(key));
        Ok(())
    }
}
