//! The changes of one document, field by field.

use bson::raw::{RawBson, RawDocument};

use super::Already;
use super::tree::Node;
use crate::document::Path;
use crate::document::value::Value;
use crate::history::diff::compare::{self, Difference, compare};
use crate::{Error, Result};

/// What changed in a document, field by field, with the values of both sides.
///
/// Of two documents with nothing else between them it gives the other, byte for byte, forwards and
/// [backwards](Edit::reversed): `Edit::between(a, b)?.apply(a)` is `b`. It also applies to a document
/// that differs elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    fields: Vec<FieldEdit>,
    orders: Vec<OrderEdit>,
}

/// The change of one value.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldEdit {
    /// Where it is.
    pub path: Path,
    /// Its value before, if it was there.
    pub before: Option<RawBson>,
    /// Its value after, if it is there.
    pub after: Option<RawBson>,
    /// Where it stands, if only one side has it.
    pub place: FieldPosition,
}

/// Where a field stands in its document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FieldPosition {
    /// At the end, behind those that were listed before it.
    #[default]
    Last,
    /// Before all others.
    First,
    /// Right behind the field of this name; at the end if there is none.
    Behind(String),
}

/// A change of the order of a document's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEdit {
    /// The document's path.
    pub path: Path,
    /// The names of fields that are there before and after, in their order before.
    pub before: Vec<String>,
    /// The same names in their order after.
    pub after: Vec<String>,
}

/// What an edit makes of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// The bytes of another one; whether it may be stored has not been checked.
    Changed(Vec<u8>),
    /// All that the edit changes is there already.
    Already,
}

/// A part of an edit that does not fit a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    /// Where.
    pub path: Path,
    /// What the edit expects there; `None` for nothing.
    pub expected: Option<RawBson>,
    /// What is there; `None` for nothing.
    pub found: Option<RawBson>,
    /// What is wrong.
    pub reason: MisfitReason,
}

/// Why a part of an edit does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MisfitReason {
    /// The value is another one, or is there when it should not be, or the other way round.
    Value,
    /// There is nothing inside it to change: it is no document or array, or is not there.
    NotInside,
    /// The array has got another length.
    Length,
    /// The fields stand in another order.
    Order,
    /// It has two fields of one name, so they can't be told apart.
    Ambiguous,
    /// It is so already, and was not to be.
    Already,
}

impl Edit {
    /// What changes from one image of a document to another.
    ///
    /// # Errors
    /// `Corrupt` when a document does not decode.
    pub fn between(before: &RawDocument, after: &RawDocument) -> Result<Self> {
        let mut edit = Self { fields: Vec::new(), orders: Vec::new() };
        for difference in compare(Value::of(before), Value::of(after))? {
            match difference {
                Difference::Value { path, before, after, place } => {
                    let owned =
                        |value: Option<Value<'_>>| value.map(Value::to_raw_bson).transpose();
                    let (before, after) = (owned(before)?, owned(after)?);
                    edit.fields.push(FieldEdit { path, before, after, place: place.into() });
                }
                Difference::Order { path, before, after, .. } => {
                    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
                    let (before, after) = (owned(before), owned(after));
                    edit.orders.push(OrderEdit { path, before, after });
                }
            }
        }
        Ok(edit)
    }

    /// An edit of these parts.
    ///
    /// # Errors
    /// `Invalid` when it changes nothing, when a path is there twice or leads into one that is
    /// changed as a whole, or when the names of an order are not the same on both sides.
    pub fn new(fields: Vec<FieldEdit>, orders: Vec<OrderEdit>) -> Result<Self> {
        let edit = Self { fields, orders };
        if edit.fields.is_empty() && edit.orders.is_empty() {
            return Err(Error::invalid("it changes nothing"));
        }
        Node::of(&edit)?;
        Ok(edit)
    }

    /// The values that change, in the order in which they are added.
    pub fn fields(&self) -> &[FieldEdit] {
        &self.fields
    }

    /// The orders that change.
    pub fn orders(&self) -> &[OrderEdit] {
        &self.orders
    }

    /// The edit that takes this one back.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        for field in &mut self.fields {
            std::mem::swap(&mut field.before, &mut field.after);
        }
        for order in &mut self.orders {
            std::mem::swap(&mut order.before, &mut order.after);
        }
        self
    }

    /// Applies the edit to a document; parts of it may be there already. O(fields).
    ///
    /// # Errors
    /// `Corrupt` when the document does not decode. That the edit does not fit is a value: each part
    /// that does not.
    pub fn apply(&self, document: &RawDocument) -> Result<Result<Edited, Vec<Misfit>>> {
        self.fit(document, Already::Skip)
    }

    /// As [`Edit::apply`], with what becomes of parts that are there already.
    pub(super) fn fit(
        &self,
        document: &RawDocument,
        already: Already,
    ) -> Result<Result<Edited, Vec<Misfit>>> {
        super::fit::fit(&Node::of(self)?, document, already)
    }
}

impl From<compare::FieldPositionRef<'_>> for FieldPosition {
    fn from(place: compare::FieldPositionRef<'_>) -> Self {
        match place {
            compare::FieldPositionRef::Last => Self::Last,
            compare::FieldPositionRef::First => Self::First,
            compare::FieldPositionRef::Behind(name) => Self::Behind(name.to_owned()),
        }
    }
}
