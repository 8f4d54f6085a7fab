//! The three versions of one value.

use super::conflict::Cause;
use crate::document::value::Value;

/// A value on the three sides; `None` where it is absent.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) base: Option<Value<'a>>,
    pub(super) ours: Option<Value<'a>>,
    pub(super) theirs: Option<Value<'a>>,
}

/// The result of comparing the sides.
pub(super) enum Agreed<'a> {
    /// They are equal, or only one changed the value: the result.
    On(Option<Value<'a>>),
    /// Both changed it differently.
    Not,
}

/// The kind of value on both sides.
pub(super) enum Shape {
    /// Documents, also in the base if present.
    Documents,
    /// Arrays, also in the base if present.
    Arrays,
    /// Anything else: one value on each side.
    Single,
}

impl<'a> Sides<'a> {
    pub(super) fn agreed(&self) -> Agreed<'a> {
        if self.ours == self.theirs || self.base == self.theirs {
            Agreed::On(self.ours)
        } else if self.base == self.ours {
            Agreed::On(self.theirs)
        } else {
            Agreed::Not
        }
    }

    /// Whether both sides made the same change.
    pub(super) fn changed_alike(&self) -> bool {
        self.ours == self.theirs && self.base != self.ours
    }

    pub(super) fn shape(&self) -> Shape {
        let all = |is: fn(&Value<'a>) -> bool| {
            self.base.as_ref().is_none_or(is)
                && self.ours.as_ref().is_some_and(is)
                && self.theirs.as_ref().is_some_and(is)
        };
        if all(Value::is_document) {
            Shape::Documents
        } else if all(Value::is_array) {
            Shape::Arrays
        } else {
            Shape::Single
        }
    }

    /// The cause, if it is a conflict.
    pub(super) fn cause(&self) -> Cause {
        match (self.base, self.ours, self.theirs) {
            (None, ..) => Cause::BothInserted,
            (_, None, None) => Cause::BothDeleted,
            (_, _, None) => Cause::ChangedAndDeleted,
            (_, None, _) => Cause::DeletedAndChanged,
            _ => Cause::BothChanged,
        }
    }
}
