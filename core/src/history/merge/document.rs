//! Merges the versions of a document, and checks that the result may be stored.

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::spec::ElementType;
use bson::{DateTime, RawBson};

use super::definition::Definition;
use super::merger::Merger;
use super::sides::Sides;
use super::{Choice, FieldConflict, Policy, Resolutions};
use crate::document::Path;
use crate::document::key::Key;
use crate::document::value::{Value, malformed};
use crate::model::Document;
use crate::{Error, Result};

/// The three versions of a document with one `_id`; `None` where it is absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Versions<'a> {
    /// The version at the common ancestor.
    pub base: Option<&'a RawDocument>,
    /// The version on the target side.
    pub ours: Option<&'a RawDocument>,
    /// The version on the merged side.
    pub theirs: Option<&'a RawDocument>,
    /// The times at which ours and theirs were last changed; without them `newest` resolves
    /// nothing.
    pub times: Option<[DateTime; 2]>,
}

/// The result of merging a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The merged document; `None` if it is deleted.
    pub document: Option<Document>,
    /// The unresolved conflicts, in the order of the merged fields; the result has the values of
    /// ours there.
    pub conflicts: Vec<FieldConflict>,
    /// The number of conflicts that a strategy or a resolution resolved.
    pub decided: usize,
}

/// Merges the versions of a document of this collection.
///
/// - A change of only one side is taken. A deletion is a change.
/// - A document that one side changed and the other deleted, or that both inserted, is one
///   conflict, of the whole document. With a strategy for the whole document in the policy, two
///   inserted documents are merged by field instead.
/// - A document that both changed is merged field by field, recursively. One with two fields of one
///   name is a single value.
/// - If one side only appended to an array, its elements follow the other side's array. Any other
///   array that both changed differently is a conflict as a whole.
/// - An identical change of both sides is taken, with two exceptions: if the policy sums numbers,
///   both changes count; and if its strategy is `touched`, it is a conflict.
/// - A merged document that may not be stored (too large, too deep) is one conflict, of the whole
///   document, with the reason as its note.
/// - A resolution has precedence over a strategy; without either, ours is kept.
/// - If ours keeps the order of the base's fields, the result has the order of theirs, with fields
///   added by ours at the end; otherwise it has the order of ours, with fields added by theirs at
///   the end.
///
/// O(n log n) for n fields. Swapping the sides gives conflicts at the same paths.
///
/// ```
/// use argon_core::merge::{Policy, Resolutions, Versions, merge_document};
/// use bson::rawdoc;
///
/// # fn main() -> argon_core::Result<()> {
/// let base = rawdoc! { "_id": 1, "name": "Ada", "visits": 10 };
/// let ours = rawdoc! { "_id": 1, "name": "Ada L.", "visits": 12 };
/// let theirs = rawdoc! { "_id": 1, "name": "Ada", "visits": 11, "city": "London" };
/// let versions =
///     Versions { base: Some(&base), ours: Some(&ours), theirs: Some(&theirs), times: None };
///
/// let merged = merge_document("users", &versions, &Policy::default(), &Resolutions::NONE)?;
/// assert_eq!(merged.conflicts.len(), 1);
/// assert_eq!(merged.conflicts[0].path.to_string(), "visits");
///
/// let sum = Policy { default: Some("sum".parse()?), ..Policy::default() };
/// let merged = merge_document("users", &versions, &sum, &Resolutions::NONE)?;
/// let expected = rawdoc! { "_id": 1, "name": "Ada L.", "visits": 13, "city": "London" };
/// assert_eq!(merged.document.unwrap().as_raw(), &*expected);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Invalid` if a resolution makes the result something else than a document with this `_id` that
/// may be stored; `Corrupt` if a version can't be decoded.
pub fn merge_document(
    collection: &str,
    versions: &Versions<'_>,
    policy: &Policy,
    resolutions: &Resolutions,
) -> Result<Merged> {
    let merger = Merger::new(collection, versions.times, policy, resolutions);
    run(merger, versions, resolutions)
}

/// The same for a [`Definition`].
pub(super) fn merge_as(
    versions: &Versions<'_>,
    policy: &Policy,
    resolutions: &Resolutions,
    definition: Option<Definition>,
) -> Result<Merged> {
    let mut merger = Merger::new("", versions.times, policy, resolutions);
    merger.definition = definition;
    run(merger, versions, resolutions)
}

fn run<'a>(
    mut merger: Merger<'a>,
    versions: &Versions<'a>,
    resolutions: &Resolutions,
) -> Result<Merged> {
    merger.merge_document(versions.sides())?;
    let decided = merger.found - merger.conflicts.len();
    let Some((kind, bytes)) = merger.out.into_value() else {
        return Ok(Merged { document: None, conflicts: merger.conflicts, decided });
    };
    match checked(kind, bytes, versions)? {
        Ok(document) => {
            Ok(Merged { document: Some(document), conflicts: merger.conflicts, decided })
        }
        Err(unstorable) if gives_fields(resolutions) => Err(unstorable),
        Err(unstorable) => one_side(versions, resolutions, &unstorable),
    }
}

/// Returns whether resolutions set parts of the document, so that one of these may be the reason
/// why it may not be stored.
fn gives_fields(resolutions: &Resolutions) -> bool {
    let mut decisions = resolutions.iter();
    decisions.any(|(path, choice)| {
        !path.is_document() && matches!(choice, Choice::Value(_) | Choice::Absent)
    })
}

/// Merges a document of which only one side's version may be stored.
fn one_side(versions: &Versions<'_>, resolutions: &Resolutions, why: &Error) -> Result<Merged> {
    let Versions { base, ours, theirs, .. } = *versions;
    let decision = resolutions.get(&Path::DOCUMENT);
    let document = match decision {
        None | Some(Choice::Ours) => ours,
        Some(Choice::Theirs) => theirs,
        Some(Choice::Base) => base,
        Some(Choice::Absent) => None,
        Some(Choice::Value(value)) => Some(value.as_document().ok_or_else(no_document)?),
    };
    let kind = ElementType::EmbeddedDocument as u8;
    let stays = document.map(|stays| checked(kind, stays.as_bytes().to_vec(), versions));
    let document = stays.transpose()?.transpose()?;
    let owned = |side: Option<&RawDocument>| side.map(|side| RawBson::Document(side.to_owned()));
    let conflict = FieldConflict {
        path: Path::DOCUMENT,
        cause: versions.sides().cause(),
        base: owned(base),
        ours: owned(ours),
        theirs: owned(theirs),
        note: Some(why.to_string()),
    };
    let decided = usize::from(decision.is_some());
    let conflicts = if decision.is_some() { Vec::new() } else { vec![conflict] };
    Ok(Merged { document, conflicts, decided })
}

/// Returns the paths at which these versions conflict, including conflicts that a strategy
/// resolves: the argument of [`Resolutions::check`].
///
/// # Errors
/// `Corrupt` if a version can't be decoded.
pub fn conflicting_paths(
    collection: &str,
    versions: &Versions<'_>,
    policy: &Policy,
) -> Result<Vec<Path>> {
    let undecided = Resolutions::NONE;
    let mut merger = Merger::new(collection, versions.times, policy, &undecided);
    merger.seen = Some(Vec::new());
    merger.merge_document(versions.sides())?;
    let mut paths = merger.seen.unwrap_or_default();
    if let Some((kind, bytes)) = merger.out.into_value()
        && checked(kind, bytes, versions)?.is_err()
    {
        paths.push(Path::DOCUMENT);
    }
    Ok(paths)
}

impl<'a> Versions<'a> {
    fn sides(&self) -> Sides<'a> {
        Sides {
            base: self.base.map(Value::of),
            ours: self.ours.map(Value::of),
            theirs: self.theirs.map(Value::of),
        }
    }

    /// The key, which all versions share.
    fn key(&self) -> Result<Option<Key>> {
        let Some(document) = self.ours.or(self.theirs).or(self.base) else { return Ok(None) };
        let id = document.get("_id").map_err(malformed)?;
        Ok(id.map(Key::of_id).transpose()?)
    }
}

fn no_document() -> Error {
    Error::invalid(
        "a resolution replaces the whole document by a value that is not a document; give a \
         document, or the path of a field",
    )
}

/// Returns the document, or the reason why it may not be stored.
fn checked(kind: u8, bytes: Vec<u8>, versions: &Versions<'_>) -> Result<Result<Document>> {
    if kind != ElementType::EmbeddedDocument as u8 {
        return Err(no_document());
    }
    let raw = RawDocumentBuf::from_bytes(bytes).map_err(|source| {
        Error::invalid("the merged document is not valid BSON").with_source(source)
    })?;
    let (key, document) = match Document::checked(raw) {
        Ok(found) => found,
        Err(source) => {
            let error = format!("the merged document can't be stored: {source}");
            return Ok(Err(Error::new(source.kind(), error).with_source(source)));
        }
    };
    match versions.key()? {
        Some(before) if before != key => Err(Error::invalid(format!(
            "a resolution changes the document's _id from {before} to {key}; keep its value, in \
             any of its types"
        ))),
        _ => Ok(Ok(document)),
    }
}
