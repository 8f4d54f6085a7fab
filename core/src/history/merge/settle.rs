//! Resolves a conflict by a resolution or a strategy, or leaves it.

use super::merger::Merger;
use super::numbers::{greater, sum};
use super::sides::Sides;
use super::{Choice, FieldConflict, Strategy};
use crate::Result;
use crate::document::value::{NewValue, Value};

/// The result of applying a strategy to a conflict.
enum Applied {
    /// Resolved; false if the result has no value at the path.
    Settled(bool),
    /// The strategy does not fit, for this reason; nothing is written.
    Misfit(String),
}

impl<'a> Merger<'a> {
    /// The strategy for the current path.
    pub(super) fn strategy(&self) -> Option<&'a Strategy> {
        self.policy.strategy(self.collection, &self.path)
    }

    /// Resolves a conflict at the current path, or records it; returns false if the result has no
    /// value there.
    pub(super) fn settle(&mut self, name: &str, sides: Sides<'a>) -> Result<bool> {
        let strategy = match self.strategy() {
            Some(strategy) if self.resolution().is_none() => strategy,
            _ => return self.settle_by_resolution(name, sides, None),
        };
        match self.apply(strategy, name, &sides)? {
            Applied::Settled(written) => {
                self.count();
                Ok(written)
            }
            Applied::Misfit(note) => {
                self.settle_by_resolution(name, sides, Some(format!("{strategy}: {note}")))
            }
        }
    }

    /// Like [`Merger::settle`], if no strategy can apply, for the reason in the note.
    pub(super) fn settle_by_resolution(
        &mut self,
        name: &str,
        sides: Sides<'a>,
        note: Option<String>,
    ) -> Result<bool> {
        self.count();
        if let Some(choice) = self.resolution() {
            return Ok(self.put_choice(name, choice, &sides));
        }
        let owned = |value: Option<Value<'a>>| value.map(Value::to_raw_bson).transpose();
        self.conflicts.push(FieldConflict {
            path: self.field_path(),
            cause: sides.cause(),
            base: owned(sides.base)?,
            ours: owned(sides.ours)?,
            theirs: owned(sides.theirs)?,
            note,
        });
        Ok(self.put(name, sides.ours))
    }

    pub(super) fn put(&mut self, name: &str, value: Option<Value<'_>>) -> bool {
        if let Some(value) = value {
            self.out.put(name, value);
        }
        value.is_some()
    }

    pub(super) fn put_choice(&mut self, name: &str, choice: &Choice, sides: &Sides<'a>) -> bool {
        match choice {
            Choice::Ours => self.put(name, sides.ours),
            Choice::Theirs => self.put(name, sides.theirs),
            Choice::Base => self.put(name, sides.base),
            Choice::Value(value) => self.put(name, Some(NewValue::of(value).as_value())),
            Choice::Absent => false,
        }
    }

    fn resolution(&self) -> Option<&'a Choice> {
        let resolutions = self.resolutions;
        if resolutions.is_empty() { None } else { resolutions.nearest(&self.field_path()) }
    }

    fn count(&mut self) {
        self.found += 1;
        let path = self.seen.is_some().then(|| self.field_path());
        self.seen.iter_mut().for_each(|seen| seen.extend(path.clone()));
    }

    fn apply(&mut self, strategy: &Strategy, name: &str, sides: &Sides<'a>) -> Result<Applied> {
        match strategy {
            Strategy::Ours => Ok(Applied::Settled(self.put(name, sides.ours))),
            Strategy::Theirs => Ok(Applied::Settled(self.put(name, sides.theirs))),
            Strategy::Newest => Ok(self.put_newest(name, sides)),
            Strategy::Touched => Ok(misfit("both sides wrote it, but only one may")),
            _ if self.path.is_empty() => Ok(misfit("a whole document can't be combined")),
            _ => match (sides.ours, sides.theirs) {
                (Some(ours), Some(theirs)) => self.reckon(strategy, name, sides, [ours, theirs]),
                _ => Ok(misfit("one side deleted the value")),
            },
        }
    }

    fn put_newest(&mut self, name: &str, sides: &Sides<'a>) -> Applied {
        match self.times {
            Some([ours, theirs]) if theirs > ours => Applied::Settled(self.put(name, sides.theirs)),
            Some(_) => Applied::Settled(self.put(name, sides.ours)),
            None => misfit("the times of the changes are unknown"),
        }
    }

    /// Applies a strategy that combines two values.
    fn reckon(
        &mut self,
        strategy: &Strategy,
        name: &str,
        sides: &Sides<'a>,
        [ours, theirs]: [Value<'a>; 2],
    ) -> Result<Applied> {
        let written = match strategy {
            Strategy::Max | Strategy::Min => {
                let ours_is_greater = greater(ours, theirs)?;
                let take_ours = ours_is_greater == (*strategy == Strategy::Max);
                self.put(name, Some(if take_ours { ours } else { theirs }))
            }
            Strategy::Sum if self.is_in_id() => {
                return Ok(misfit("an _id can't be changed"));
            }
            Strategy::Sum => match sum(sides.base, ours, theirs) {
                Ok(total) => self.put(name, Some(total.as_value())),
                Err(reason) => return Ok(misfit(reason)),
            },
            Strategy::ByKey(_) => return Ok(misfit("not all values are arrays")),
            _ if [sides.base, sides.ours, sides.theirs].iter().flatten().any(|v| !v.is_array()) => {
                return Ok(misfit("not all values are arrays"));
            }
            Strategy::Append => {
                if !self.put_appended(name, sides)? {
                    return Ok(misfit("one side removed elements, or both changed the others"));
                }
                true
            }
            _ => {
                self.put_union(name, sides)?;
                true
            }
        };
        Ok(Applied::Settled(written))
    }

    fn is_in_id(&self) -> bool {
        self.path.first().is_some_and(|key| key == "_id")
    }
}

fn misfit(reason: &str) -> Applied {
    Applied::Misfit(reason.to_owned())
}
