//! Applies an edit to a document, and finds the parts that do not fit.

use std::collections::{HashMap, HashSet};

use bson::raw::{RawBson, RawDocument};
use bson::spec::ElementType;

use super::tree::{Node, Whole};
use super::{Already, Edited, FieldPosition, Misfit, MisfitReason, OrderEdit};
use crate::Result;
use crate::document::Path;
use crate::document::value::{Value, Writer};
use crate::history::diff::compare::members;

/// Applies an edit to a document, or returns the parts that do not fit.
pub(super) fn fit(
    edit: &Node<'_>,
    document: &RawDocument,
    already: Already,
) -> Result<Result<Edited, Vec<Misfit>>> {
    let mut fitting = Fitting { path: Vec::new(), changed: false, already, misfits: Vec::new() };
    let value = Value::of(document);
    let edited = match &edit.whole {
        Some(whole) => fitting.whole(whole, Some(value))?,
        None => Some(fitting.inside(edit, value)?),
    };
    Ok(match edited {
        _ if !fitting.misfits.is_empty() => Err(fitting.misfits),
        Some(New { bytes, .. }) if fitting.changed => Ok(Edited::Changed(bytes)),
        _ => Ok(Edited::Already),
    })
}

struct Fitting {
    path: Vec<String>,
    /// Whether a part of the edit was not yet present.
    changed: bool,
    already: Already,
    misfits: Vec<Misfit>,
}

/// A value after the edit.
struct New {
    kind: ElementType,
    bytes: Vec<u8>,
}

/// A field after the edit.
struct Slot<'a> {
    name: &'a str,
    value: New,
}

impl From<Value<'_>> for New {
    fn from(value: Value<'_>) -> Self {
        Self { kind: value.kind, bytes: value.bytes.to_vec() }
    }
}

impl Fitting {
    /// Changes a value as a whole.
    fn whole(&mut self, whole: &Whole<'_>, found: Option<Value<'_>>) -> Result<Option<New>> {
        let before = whole.before.as_ref().map(|value| value.as_value());
        let after = whole.after.as_ref().map(|value| value.as_value());
        if found == before {
            self.changed |= before != after;
            return Ok(after.map(New::from));
        }
        if found != after {
            self.misfit(MisfitReason::Value, whole.edit.before.clone(), found)?;
        } else if self.already == Already::Refuse {
            self.misfit(MisfitReason::Already, whole.edit.before.clone(), found)?;
        }
        Ok(found.map(New::from))
    }

    /// Changes a document or an array inside.
    fn inside(&mut self, node: &Node<'_>, value: Value<'_>) -> Result<New> {
        if !value.is_container() {
            self.misfit(MisfitReason::NotInside, None, Some(value))?;
            return Ok(value.into());
        }
        let Some(entries) = members(value)? else {
            self.misfit(MisfitReason::Ambiguous, None, Some(value))?;
            return Ok(value.into());
        };
        let mut slots = Vec::with_capacity(entries.len());
        for entry in &entries {
            let edited = match node.child(entry.name) {
                Some(child) => self.child(entry.name, child, Some(entry.value))?,
                None => Some(entry.value.into()),
            };
            slots.extend(edited.map(|value| Slot { name: entry.name, value }));
        }
        let there: HashSet<&str> = entries.iter().map(|entry| entry.name).collect();
        let mut added = Vec::new();
        for name in node.names.iter().filter(|name| !there.contains(*name)) {
            let Some(child) = node.child(name) else { continue };
            if let Some(value) = self.child(name, child, None)? {
                let place = child.whole.as_ref().map(|whole| &whole.edit.place);
                added.push((place.unwrap_or(&FieldPosition::Last), Slot { name, value }));
            }
        }
        if let Some(order) = node.order {
            self.reorder(order, &mut slots)?;
        }
        let slots = arranged(slots, added);
        let regular = |(index, slot): (usize, &Slot<'_>)| slot.name == index.to_string();
        if value.is_array() && !slots.iter().enumerate().all(regular) {
            self.misfit(MisfitReason::Length, None, None)?;
        }
        let mut writer = Writer::new();
        for Slot { name, value } in &slots {
            writer.put(name, Value { kind: value.kind, bytes: &value.bytes });
        }
        Ok(New { kind: value.kind, bytes: writer.finish() })
    }

    fn child(
        &mut self,
        name: &str,
        child: &Node<'_>,
        found: Option<Value<'_>>,
    ) -> Result<Option<New>> {
        self.path.push(name.to_owned());
        let edited = match (&child.whole, found) {
            (Some(whole), found) => self.whole(whole, found)?,
            (None, Some(found)) => Some(self.inside(child, found)?),
            (None, None) => {
                self.misfit(MisfitReason::NotInside, None, None)?;
                None
            }
        };
        self.path.pop();
        Ok(edited)
    }

    /// Moves the fields that an order names to their new positions among themselves.
    fn reorder(&mut self, order: &OrderEdit, slots: &mut [Slot<'_>]) -> Result<()> {
        let (before, after) = (ranks(&order.before), ranks(&order.after));
        let places: Vec<usize> =
            (0..slots.len()).filter(|at| before.contains_key(slots[*at].name)).collect();
        let sorted_by = |ranks: &HashMap<&str, usize>| {
            places.iter().filter_map(|at| ranks.get(slots[*at].name)).is_sorted()
        };
        if sorted_by(&after) {
            return Ok(());
        }
        if !sorted_by(&before) {
            return self.misfit(MisfitReason::Order, None, None);
        }
        self.changed = true;
        // Sort the named ones among themselves: each position takes the next of them.
        let mut named: Vec<usize> = places.clone();
        named.sort_by_key(|at| after.get(slots[*at].name));
        let mut target: Vec<usize> = (0..slots.len()).collect();
        for (place, from) in places.iter().zip(&named) {
            target[*from] = *place;
        }
        permute(slots, &mut target);
        Ok(())
    }

    fn misfit(
        &mut self,
        reason: MisfitReason,
        expected: Option<RawBson>,
        found: Option<Value<'_>>,
    ) -> Result<()> {
        let path = Path::new(self.path.iter().cloned());
        let found = found.map(Value::to_raw_bson).transpose()?;
        self.misfits.push(Misfit { path, expected, found, reason });
        Ok(())
    }
}

/// The rank of each name.
fn ranks(names: &[String]) -> HashMap<&str, usize> {
    names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect()
}

/// Moves each item to its target.
fn permute<T>(items: &mut [T], target: &mut [usize]) {
    for at in 0..items.len() {
        while target[at] != at {
            let to = target[at];
            items.swap(at, to);
            target.swap(at, to);
        }
    }
}

/// Inserts added fields at their positions. O(fields).
fn arranged<'a>(slots: Vec<Slot<'a>>, added: Vec<(&FieldPosition, Slot<'a>)>) -> Vec<Slot<'a>> {
    let mut arranged =
        Arranged { out: Vec::with_capacity(slots.len() + added.len()), behind: HashMap::new() };
    let (mut first, mut last, mut anchors) = (Vec::new(), Vec::new(), Vec::new());
    for (place, slot) in added {
        match place {
            FieldPosition::First => first.push(slot),
            FieldPosition::Last => last.push(slot),
            FieldPosition::Behind(name) => {
                anchors.push(name.as_str());
                arranged.behind.entry(name).or_default().push(slot);
            }
        }
    }
    first.into_iter().chain(slots).chain(last).for_each(|slot| arranged.put(slot));
    // Those whose neighbour does not exist.
    for name in anchors {
        for slot in arranged.behind.remove(name).unwrap_or_default() {
            arranged.put(slot);
        }
    }
    arranged.out
}

struct Arranged<'a, 'p> {
    out: Vec<Slot<'a>>,
    behind: HashMap<&'p str, Vec<Slot<'a>>>,
}

impl<'a> Arranged<'a, '_> {
    /// Appends a field, and after it those that belong there.
    fn put(&mut self, slot: Slot<'a>) {
        let mut waiting = vec![slot];
        while let Some(slot) = waiting.pop() {
            waiting.extend(self.behind.remove(slot.name).unwrap_or_default().into_iter().rev());
            self.out.push(slot);
        }
    }
}
