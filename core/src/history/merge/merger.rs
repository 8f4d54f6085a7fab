//! The walk over the three versions, and the rules for fields.

use std::borrow::Cow;
use std::collections::BTreeSet;

use bson::DateTime;
use bson::spec::ElementType;

use super::align::align;
use super::definition::Definition;
use super::numbers::sum;
use super::output::Output;
use super::sides::{Agreed, Shape, Sides};
use super::{FieldConflict, Policy, Resolutions, Strategy};
use crate::Result;
use crate::document::Path;
use crate::document::value::{Entry, Value};

/// A merge of one document in progress.
pub(super) struct Merger<'a> {
    pub(super) collection: &'a str,
    pub(super) times: Option<[DateTime; 2]>,
    pub(super) policy: &'a Policy,
    pub(super) resolutions: &'a Resolutions,
    /// The keys of the current path.
    pub(super) path: Vec<Cow<'a, str>>,
    /// The output so far: the document as an element with an empty name.
    pub(super) out: Output,
    pub(super) conflicts: Vec<FieldConflict>,
    /// The number of conflicts, including resolved ones.
    pub(super) found: usize,
    /// Their paths, if requested.
    pub(super) seen: Option<Vec<Path>>,
    /// The rules for single values, if a collection's definition is merged.
    pub(super) definition: Option<Definition>,
}

impl<'a> Merger<'a> {
    pub(super) fn new(
        collection: &'a str,
        times: Option<[DateTime; 2]>,
        policy: &'a Policy,
        resolutions: &'a Resolutions,
    ) -> Self {
        Self {
            collection,
            times,
            policy,
            resolutions,
            path: Vec::new(),
            out: Output::default(),
            conflicts: Vec::new(),
            found: 0,
            seen: None,
            definition: None,
        }
    }

    /// Merges the document itself. It is kept if anything was written.
    pub(super) fn merge_document(&mut self, sides: Sides<'a>) -> Result<()> {
        let lengths = [sides.ours, sides.theirs].into_iter().flatten().map(|side| side.bytes.len());
        self.out = Output::with_capacity(lengths.max().unwrap_or(0) + 64);
        self.merge("", sides)?;
        Ok(())
    }

    /// Merges the value at the current path and writes it under a name, which differs from the
    /// path's last key if array elements have moved. Returns false if the result has no value
    /// there.
    pub(super) fn merge(&mut self, name: &str, sides: Sides<'a>) -> Result<bool> {
        if let Agreed::On(value) = sides.agreed()
            && !self.adds_up(&sides)
            && !self.is_torn(&sides)
            && !self.is_claimed_twice(&sides)
        {
            return Ok(self.put(name, value));
        }
        if self.resolutions.is_empty() {
            return self.merge_changed(name, sides);
        }
        // A resolution that replaces the value only applies to a conflict, so merge first, and discard the
        // result if there is one.
        let (length, left, found) = (self.out.len(), self.conflicts.len(), self.found);
        let written = self.merge_changed(name, sides)?;
        match self.resolutions.replacement(&self.field_path()) {
            Some(choice) if self.found > found => {
                self.out.truncate(length);
                self.conflicts.truncate(left);
                Ok(self.put_choice(name, choice, &sides))
            }
            _ => Ok(written),
        }
    }

    /// Returns whether both sides made the same change, and it may contain numbers that both added
    /// to: two sides that take one each take two.
    fn adds_up(&self, sides: &Sides<'a>) -> bool {
        let (Some(base), Some(ours)) = (sides.base, sides.ours) else { return false };
        if sides.ours != sides.theirs || base == ours || !self.policy.uses(&Strategy::Sum) {
            return false;
        }
        base.is_document() && ours.is_document()
            || self.strategy() == Some(&Strategy::Sum) && sum(Some(base), ours, ours).is_ok()
    }

    /// Returns whether both sides made the same change of an exclusive value, at the path or below.
    fn is_claimed_twice(&self, sides: &Sides<'a>) -> bool {
        if !sides.changed_alike() || !self.policy.uses(&Strategy::Touched) {
            return false;
        }
        matches!(
            (self.strategy(), sides.shape()),
            (Some(Strategy::Touched), _)
                | (_, Shape::Documents)
                | (Some(Strategy::ByKey(_)), Shape::Arrays)
        )
    }

    /// Merges a value that both sides changed, differently, or alike if that matters.
    fn merge_changed(&mut self, name: &str, sides: Sides<'a>) -> Result<bool> {
        if self.is_one_value() {
            return self.settle_one_value(name, sides);
        }
        match sides.shape() {
            Shape::Documents if !self.is_inserted_as_a_whole(&sides) => {
                self.merge_fields(name, sides)
            }
            Shape::Arrays => self.merge_arrays(name, sides),
            Shape::Documents | Shape::Single => self.settle(name, sides),
        }
    }

    /// Returns whether both sides inserted the document, and no rule merges it by field.
    fn is_inserted_as_a_whole(&self, sides: &Sides<'a>) -> bool {
        if !self.path.is_empty() || sides.base.is_some() {
            return false;
        }
        let whole = match self.strategy() {
            Some(strategy) => *strategy == Strategy::Touched,
            None => sides.ours != sides.theirs,
        };
        whole || self.resolutions.get(&Path::DOCUMENT).is_some()
    }

    fn merge_fields(&mut self, name: &str, sides: Sides<'a>) -> Result<bool> {
        let fields = |value: Option<Value<'a>>| match value {
            Some(value) => value.entries(),
            None => Ok(Vec::<Entry<'a, &'a str>>::new()),
        };
        let (base, ours, theirs) =
            (fields(sides.base)?, fields(sides.ours)?, fields(sides.theirs)?);
        let Some(rows) = align(&base, &ours, &theirs) else {
            let alike = sides.ours == sides.theirs;
            return if alike { Ok(self.put(name, sides.ours)) } else { self.settle(name, sides) };
        };
        let open = self.out.open(name, ElementType::EmbeddedDocument);
        for row in rows {
            self.merge_below(Cow::Borrowed(row.name), row.name, row.sides)?;
        }
        if self.policy.uses(&Strategy::Touched) {
            self.claim_deleted(&base, &ours, &theirs)?;
        }
        self.out.close(open);
        Ok(true)
    }

    /// Reports fields that both sides removed.
    fn claim_deleted(
        &mut self,
        base: &[Entry<'a, &'a str>],
        ours: &[Entry<'a, &'a str>],
        theirs: &[Entry<'a, &'a str>],
    ) -> Result<()> {
        let left: BTreeSet<&str> = ours.iter().chain(theirs).map(|entry| entry.name).collect();
        for entry in base.iter().filter(|entry| !left.contains(entry.name)) {
            let sides = Sides { base: Some(entry.value), ours: None, theirs: None };
            self.merge_below(Cow::Borrowed(entry.name), entry.name, sides)?;
        }
        Ok(())
    }

    /// Merges the value at a key below the current path.
    pub(super) fn merge_below(
        &mut self,
        key: Cow<'a, str>,
        name: &str,
        sides: Sides<'a>,
    ) -> Result<bool> {
        self.path.push(key);
        let written = self.merge(name, sides);
        self.path.pop();
        written
    }

    pub(super) fn field_path(&self) -> Path {
        Path::new(self.path.iter().map(AsRef::as_ref))
    }
}
