//! Compares two images of a document, walking both in parallel.
//!
//! Values are equal if type and bytes are, so no difference is missed.

use std::collections::HashMap;

use super::elements::{Hunk, hunks};
use crate::Result;
use crate::document::Path;
use crate::document::value::{Entry, Value};

/// A difference.
#[derive(Debug)]
pub(crate) enum Difference<'a> {
    /// A value.
    Value {
        path: Path,
        before: Option<Value<'a>>,
        after: Option<Value<'a>>,
        /// The position among its neighbours, if only one side has it.
        place: FieldPositionRef<'a>,
    },
    /// The common fields of a document are in another order.
    Order {
        path: Path,
        /// The names in each order.
        before: Vec<&'a str>,
        after: Vec<&'a str>,
        /// Whether the document has no other difference.
        alone: bool,
    },
}

/// The position of a field that only one side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldPositionRef<'a> {
    /// After all common fields, in the order in which such fields are listed.
    Last,
    /// Before all others.
    First,
    /// Immediately after the field of this name.
    Behind(&'a str),
}

/// Compares two values: fields in their order in `after`, then removed fields in their order in
/// `before`, a document's own order last; array elements by position. O(fields).
pub(crate) fn compare<'a>(before: Value<'a>, after: Value<'a>) -> Result<Vec<Difference<'a>>> {
    walk(before, after, false)
}

/// Like [`compare`], but if that gives fewer differences, elements inserted into or removed from an
/// array do not shift the others: a removed element has its position before, any other its position
/// after.
pub(super) fn compare_aligned<'a>(
    before: Value<'a>,
    after: Value<'a>,
) -> Result<Vec<Difference<'a>>> {
    walk(before, after, true)
}

fn walk<'a>(before: Value<'a>, after: Value<'a>, aligned: bool) -> Result<Vec<Difference<'a>>> {
    let mut walk = FieldWalk { path: Vec::new(), found: Vec::new(), aligned };
    walk.both(before, after)?;
    Ok(walk.found)
}

struct FieldWalk<'a> {
    path: Vec<String>,
    found: Vec<Difference<'a>>,
    /// Whether equal array elements are aligned.
    aligned: bool,
}

impl<'a> FieldWalk<'a> {
    fn both(&mut self, before: Value<'a>, after: Value<'a>) -> Result<()> {
        if before == after {
            return Ok(());
        }
        if before.kind == after.kind
            && before.is_container()
            && let (Some(old), Some(new)) = (members(before)?, members(after)?)
        {
            if self.aligned
                && before.is_array()
                && let Some(hunks) = moved(&old, &new)
            {
                return self.hunks(&old, &new, &hunks);
            }
            return self.members(&old, &new, before.is_array());
        }
        self.value(Some(before), Some(after), FieldPositionRef::Last);
        Ok(())
    }

    fn members(
        &mut self,
        old: &[Entry<'a, &'a str>],
        new: &[Entry<'a, &'a str>],
        array: bool,
    ) -> Result<()> {
        let found = self.found.len();
        let (was, is) = (positions(old), positions(new));
        for (at, entry) in new.iter().enumerate() {
            self.path.push(entry.name.to_owned());
            match was.get(entry.name) {
                Some(before) => self.both(old[*before].value, entry.value)?,
                None => self.value(None, Some(entry.value), place(new, at, &was)),
            }
            self.path.pop();
        }
        for (at, entry) in old.iter().enumerate().filter(|(_, e)| !is.contains_key(e.name)) {
            self.path.push(entry.name.to_owned());
            self.value(Some(entry.value), None, place(old, at, &is));
            self.path.pop();
        }
        if !array {
            self.order(old, new, &was, &is, found);
        }
        Ok(())
    }

    /// Compares the elements of an array that differ: in each hunk, pairwise from its start.
    fn hunks(
        &mut self,
        old: &[Entry<'a, &'a str>],
        new: &[Entry<'a, &'a str>],
        hunks: &[Hunk],
    ) -> Result<()> {
        for hunk in hunks {
            for (nth, entry) in new[hunk.new.clone()].iter().enumerate() {
                let before = old[hunk.old.clone()].get(nth);
                self.path.push(entry.name.to_owned());
                match before {
                    Some(before) => self.both(before.value, entry.value)?,
                    None => self.value(None, Some(entry.value), FieldPositionRef::Last),
                }
                self.path.pop();
            }
        }
        for hunk in hunks {
            for entry in old[hunk.old.clone()].iter().skip(hunk.new.len()) {
                self.path.push(entry.name.to_owned());
                self.value(Some(entry.value), None, FieldPositionRef::Last);
                self.path.pop();
            }
        }
        Ok(())
    }

    /// Adds a difference if the common fields are in another order.
    fn order(
        &mut self,
        old: &[Entry<'a, &'a str>],
        new: &[Entry<'a, &'a str>],
        was: &HashMap<&str, usize>,
        is: &HashMap<&str, usize>,
        found: usize,
    ) {
        if new.iter().filter_map(|entry| was.get(entry.name)).is_sorted() {
            return;
        }
        let names = |entries: &[Entry<'a, &'a str>], other: &HashMap<&str, usize>| {
            entries.iter().map(|e| e.name).filter(|name| other.contains_key(name)).collect()
        };
        let alone = self.found.len() == found;
        let path = Path::new(self.path.iter().cloned());
        let (before, after) = (names(old, is), names(new, was));
        self.found.push(Difference::Order { path, before, after, alone });
    }

    fn value(
        &mut self,
        before: Option<Value<'a>>,
        after: Option<Value<'a>>,
        place: FieldPositionRef<'a>,
    ) {
        let path = Path::new(self.path.iter().cloned());
        self.found.push(Difference::Value { path, before, after, place });
    }
}

/// Returns the hunks of an alignment, if they have fewer elements than differ by position.
fn moved(old: &[Entry<'_, &str>], new: &[Entry<'_, &str>]) -> Option<Vec<Hunk>> {
    let [values, others] =
        [old, new].map(|entries| entries.iter().map(|e| e.value).collect::<Vec<_>>());
    let in_place = values.iter().zip(&others).filter(|(a, b)| a == b).count();
    let by_position = old.len().max(new.len()) - in_place;
    let hunks = hunks(&values, &others)?;
    (hunks.iter().map(Hunk::size).sum::<usize>() < by_position).then_some(hunks)
}

/// Returns the members with a path of their own; `None` if names don't identify them: two fields
/// have the same name, or the elements of an array are not named by their indexes.
pub(crate) fn members(value: Value<'_>) -> Result<Option<Vec<Entry<'_, &str>>>> {
    let entries = value.entries()?;
    let regular = if value.is_array() {
        entries.iter().enumerate().all(|(index, entry)| entry.name == index.to_string())
    } else {
        positions(&entries).len() == entries.len()
    };
    Ok(regular.then_some(entries))
}

fn positions<'a>(entries: &[Entry<'a, &'a str>]) -> HashMap<&'a str, usize> {
    entries.iter().enumerate().map(|(at, entry)| (entry.name, at)).collect()
}

/// Returns the position of the field at `at`, which is not in `others`.
fn place<'a>(
    entries: &[Entry<'a, &'a str>],
    at: usize,
    others: &HashMap<&str, usize>,
) -> FieldPositionRef<'a> {
    if entries[at..].iter().all(|entry| !others.contains_key(entry.name)) {
        return FieldPositionRef::Last;
    }
    match at.checked_sub(1) {
        Some(before) => FieldPositionRef::Behind(entries[before].name),
        None => FieldPositionRef::First,
    }
}
