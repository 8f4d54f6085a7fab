//! The rules for arrays.

use std::borrow::Cow;
use std::collections::BTreeSet;

use bson::spec::ElementType;

use super::Strategy;
use super::align::align;
use super::merger::Merger;
use super::sides::Sides;
use crate::Result;
use crate::document::key::Key;
use crate::document::value::{Entry, Value, malformed};

/// The elements of an array on the three sides.
struct Elements<'a> {
    base: Vec<Value<'a>>,
    ours: Vec<Value<'a>>,
    theirs: Vec<Value<'a>>,
}

/// Elements by the key that they are matched by, or the reason why that fails.
type Keyed<'a> = Result<Vec<Entry<'a, Key>>, String>;

impl<'a> Merger<'a> {
    /// Merges an array that both sides changed.
    pub(super) fn merge_arrays(&mut self, name: &str, sides: Sides<'a>) -> Result<bool> {
        match self.strategy() {
            Some(Strategy::ByKey(field)) => return self.merge_by_key(field, name, sides),
            Some(Strategy::Union | Strategy::Touched) => return self.settle(name, sides),
            _ => {}
        }
        if sides.base.is_none() {
            return self.settle(name, sides);
        }
        let Elements { base, ours, theirs } = Elements::of(&sides)?;
        let appended = |side: &[Value<'a>]| side.len() > base.len() && side.starts_with(&base);
        match (appended(&ours), appended(&theirs)) {
            (true, false) => self.put_elements(name, theirs.iter().chain(&ours[base.len()..])),
            (false, true) => self.put_elements(name, ours.iter().chain(&theirs[base.len()..])),
            // By position, one side's change of an element could apply to another element that the
            // other side inserted there.
            _ => return self.settle(name, sides),
        }
        Ok(true)
    }

    /// Merges arrays as sets.
    pub(super) fn put_union(&mut self, name: &str, sides: &Sides<'a>) -> Result<()> {
        let Elements { base, ours, theirs } = Elements::of(sides)?;
        let [before, in_ours, in_theirs] =
            [&base, &ours, &theirs].map(|side| side.iter().map(identity).collect::<BTreeSet<_>>());
        let stays = |value: &&Value<'a>| {
            let value = identity(value);
            !before.contains(&value) || (in_ours.contains(&value) && in_theirs.contains(&value))
        };
        let mut seen = BTreeSet::new();
        let all = base.iter().chain(&ours).chain(&theirs);
        self.put_elements(name, all.filter(stays).filter(|value| seen.insert(identity(value))));
        Ok(())
    }

    /// Merges the elements of the base, then appends those of both sides; returns false if both
    /// changed elements of the base, or one removed some.
    pub(super) fn put_appended(&mut self, name: &str, sides: &Sides<'a>) -> Result<bool> {
        let Elements { base, ours, theirs } = Elements::of(sides)?;
        let kept = base.len();
        let (Some((in_ours, new_in_ours)), Some((in_theirs, new_in_theirs))) =
            (ours.split_at_checked(kept), theirs.split_at_checked(kept))
        else {
            return Ok(false);
        };
        let stays = if in_ours == base {
            in_theirs
        } else if in_theirs == base || in_ours == in_theirs {
            in_ours
        } else {
            return Ok(false);
        };
        self.put_elements(name, stays.iter().chain(new_in_ours).chain(new_in_theirs));
        Ok(true)
    }

    /// Merges arrays of documents, whose elements are matched by a field.
    fn merge_by_key(&mut self, field: &'a str, name: &str, sides: Sides<'a>) -> Result<bool> {
        let mut keyed = Vec::with_capacity(3);
        for side in [sides.base, sides.ours, sides.theirs] {
            match by_key(side, field)? {
                Ok(elements) => keyed.push(elements),
                Err(note) => return self.settle_by_resolution(name, sides, Some(note)),
            }
        }
        let Some(rows) = align(&keyed[0], &keyed[1], &keyed[2]) else {
            let note = format!("by-key({field}): two elements have the same {field}");
            return self.settle_by_resolution(name, sides, Some(note));
        };
        let open = self.out.open(name, ElementType::Array);
        let mut index = 0;
        for row in rows {
            let key = Cow::Owned(format!("{field}={}", row.name));
            index += usize::from(self.merge_below(key, &index.to_string(), row.sides)?);
        }
        self.out.close(open);
        Ok(true)
    }

    fn put_elements<'v>(&mut self, name: &str, elements: impl Iterator<Item = &'v Value<'a>>)
    where
        'a: 'v,
    {
        let open = self.out.open(name, ElementType::Array);
        for (index, value) in elements.enumerate() {
            self.out.put(&index.to_string(), *value);
        }
        self.out.close(open);
    }
}

impl<'a> Elements<'a> {
    fn of(sides: &Sides<'a>) -> Result<Self> {
        let elements = |side: Option<Value<'a>>| side.map_or(Ok(Vec::new()), |v| v.elements());
        Ok(Self {
            base: elements(sides.base)?,
            ours: elements(sides.ours)?,
            theirs: elements(sides.theirs)?,
        })
    }
}

/// The identity of an element of a set.
fn identity<'a>(value: &Value<'a>) -> (u8, &'a [u8]) {
    (value.kind as u8, value.bytes)
}

fn by_key<'a>(array: Option<Value<'a>>, field: &str) -> Result<Keyed<'a>> {
    let Some(array) = array else { return Ok(Ok(Vec::new())) };
    let mut keyed = Vec::new();
    for value in array.elements()? {
        if !value.is_document() {
            return Ok(Err(format!("by-key({field}): an element is not a document")));
        }
        let Some(key) = value.as_document()?.get(field).map_err(malformed)? else {
            return Ok(Err(format!("by-key({field}): an element has no {field}")));
        };
        match Key::of_id(key) {
            Ok(name) => keyed.push(Entry { name, value }),
            Err(_) => {
                return Ok(Err(format!(
                    "by-key({field}): the {field} of an element has a type or length that can't be \
                     a key"
                )));
            }
        }
    }
    Ok(Ok(keyed))
}
