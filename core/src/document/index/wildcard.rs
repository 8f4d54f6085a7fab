//! The keys of a document in a wildcard index, like those of the server's `WildcardKeyGenerator`.
//!
//! Every value that is neither a document nor an array has a key: the encoding of its path as text,
//! then its own. The path omits the positions of elements. An empty document is a value, an empty
//! array is undefined, and an array inside an array is one value. Fields whose name contains a dot
//! are left out, because no path of a query names them.

use bson::Document;
use bson::raw::{RawArray, RawBsonRef, RawDocument};

use super::field::{FieldKind, IndexField, put};
use super::{Entries, Unindexable, cut};
use crate::document::Undecided;
use crate::document::definition::truth;
use crate::document::path::Path;

/// The end of the path of a wildcard index.
const ALL: &str = "$**";

/// The paths of a wildcard index.
#[derive(Debug, Clone)]
pub(super) struct Wildcard {
    paths: Paths,
    descending: bool,
}

#[derive(Debug, Clone)]
enum Paths {
    /// These, and all below them.
    Only(Vec<Path>),
    /// All but these, and all below them.
    AllBut(Vec<Path>),
}

/// The values of one document.
struct Generator<'w> {
    wildcard: &'w Wildcard,
    path: Vec<&'w str>,
    entries: Entries,
}

impl Wildcard {
    /// Returns whether a field of a key makes a wildcard index.
    pub(super) fn is_in(field: &str) -> bool {
        field.strip_suffix(ALL).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }

    /// Compiles the one field of a wildcard index, with the `wildcardProjection`.
    pub(super) fn compile(
        field: &str,
        descending: bool,
        projection: Option<&Document>,
    ) -> Result<Self, Unindexable> {
        let below = field.strip_suffix(ALL).and_then(|before| before.strip_suffix('.'));
        let paths = match (below, projection) {
            (Some(path), None) => Paths::Only(vec![Path::dotted(path)]),
            (Some(_), Some(_)) => {
                return Err(Unindexable::new("a wildcardProjection for a part of the document"));
            }
            // The index of `_id` has its values.
            (None, None) => Paths::AllBut(vec![Path::dotted("_id")]),
            (None, Some(projection)) => compile_projection(projection)?,
        };
        Ok(Self { paths, descending })
    }

    /// The field of the key, for its kind.
    pub(super) fn field(field: &str) -> IndexField {
        IndexField::new(field, FieldKind::Wildcard)
    }

    /// Whether the values of one path are in descending order; paths are always ascending.
    pub(super) fn is_descending(&self) -> bool {
        self.descending
    }

    /// Returns whether all values at a path and below it have keys.
    pub(super) fn covers(&self, path: &Path) -> bool {
        match &self.paths {
            Paths::Only(only) => only.iter().any(|included| included.contains(path)),
            Paths::AllBut(but) => {
                !but.iter().any(|excluded| excluded.contains(path) || path.contains(excluded))
            }
        }
    }

    /// Returns whether the value at a path, which is a leaf, has a key.
    fn includes(&self, path: &[&str]) -> bool {
        let begins = |prefix: &Path| {
            let names = prefix.names();
            names.len() <= path.len() && names.zip(path).all(|(a, b)| a == *b)
        };
        match &self.paths {
            Paths::Only(only) => only.iter().any(begins),
            Paths::AllBut(but) => !but.iter().any(begins),
        }
    }

    /// Returns the entries of a document. O(document).
    pub(super) fn entries_of(&self, document: &RawDocument) -> Result<Entries, Undecided> {
        let mut generator =
            Generator { wildcard: self, path: Vec::new(), entries: Entries::default() };
        generator.add_fields(document)?;
        Ok(generator.entries)
    }
}

impl<'w> Generator<'w> {
    fn add_fields<'a: 'w>(&mut self, document: &'a RawDocument) -> Result<(), Undecided> {
        for field in document {
            let (name, value) = field?;
            let name = name.as_str();
            if name.contains('.') {
                continue;
            }
            self.path.push(name);
            match value {
                RawBsonRef::Array(array) => self.add_elements(array)?,
                value => self.add(value)?,
            }
            self.path.pop();
        }
        Ok(())
    }

    fn add_elements<'a: 'w>(&mut self, array: &'a RawArray) -> Result<(), Undecided> {
        let mut empty = true;
        for element in array {
            empty = false;
            // An array here is one value.
            self.add(element?)?;
        }
        if empty {
            self.add_leaf(RawBsonRef::Undefined)?;
        }
        self.entries.multikey |= self.wildcard.includes(&self.path);
        Ok(())
    }

    fn add<'a: 'w>(&mut self, value: RawBsonRef<'a>) -> Result<(), Undecided> {
        match value {
            RawBsonRef::Document(inner) if !inner.is_empty() => self.add_fields(inner),
            leaf => self.add_leaf(leaf),
        }
    }

    fn add_leaf(&mut self, value: RawBsonRef<'_>) -> Result<(), Undecided> {
        if self.wildcard.includes(&self.path) {
            let mut key = Vec::new();
            put(RawBsonRef::String(&self.path.join(".")), false, &mut key)?;
            put(value, self.wildcard.descending, &mut key)?;
            self.entries.keys.insert(cut(key));
        }
        Ok(())
    }
}

/// Compiles a projection: the paths that it includes or excludes, by MongoDB's rule that only `_id`
/// may be the other way.
fn compile_projection(projection: &Document) -> Result<Paths, Unindexable> {
    let (mut included, mut excluded) = (Vec::new(), Vec::new());
    sort_paths("", projection, &mut included, &mut excluded)?;
    let id = Path::dotted("_id");
    let includes_id = included.contains(&id);
    included.retain(|path| *path != id || excluded.is_empty());
    let excludes_id = excluded.contains(&id);
    excluded.retain(|path| *path != id);
    match (included.is_empty(), excluded.is_empty()) {
        (false, true) => Ok(Paths::Only(included)),
        (true, false) => {
            excluded.extend((!includes_id).then_some(id));
            Ok(Paths::AllBut(excluded))
        }
        (true, true) if excludes_id => Ok(Paths::AllBut(vec![id])),
        _ => Err(Unindexable::new(format!("the wildcardProjection {projection}"))),
    }
}

fn sort_paths(
    prefix: &str,
    projection: &Document,
    included: &mut Vec<Path>,
    excluded: &mut Vec<Path>,
) -> Result<(), Unindexable> {
    for (name, value) in projection {
        let path = format!("{prefix}{name}");
        match value {
            bson::Bson::Document(inner) if !inner.is_empty() => {
                sort_paths(&format!("{path}."), inner, included, excluded)?;
            }
            bson::Bson::Boolean(_)
            | bson::Bson::Int32(_)
            | bson::Bson::Int64(_)
            | bson::Bson::Double(_) => {
                let paths = if truth(value) { &mut *included } else { &mut *excluded };
                paths.push(Path::dotted(&path));
            }
            _ => return Err(Unindexable::new(format!("{path} in the wildcardProjection"))),
        }
    }
    Ok(())
}
