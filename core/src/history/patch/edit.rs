//! An edit: the changes of one document, field by field.

use bson::raw::{RawBson, RawDocument};

use super::Already;
use super::tree::Node;
use crate::document::Path;
use crate::document::value::Value;
use crate::history::diff::compare::{self, Difference, compare};
use crate::{Error, Result};

/// The changes of a document, field by field, with the values of both sides.
///
/// If two documents have no other difference, it converts one to the other, byte for byte, forwards
/// and [backwards](Edit::reversed): `Edit::between(a, b)?.apply(a)` is `b`. It also applies to a
/// document that differs elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    fields: Vec<FieldEdit>,
    orders: Vec<OrderEdit>,
}

/// The change of one value.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldEdit {
    /// The path.
    pub path: Path,
    /// The value before, if any.
    pub before: Option<RawBson>,
    /// The value after, if any.
    pub after: Option<RawBson>,
    /// The position, if only one side has it.
    pub place: FieldPosition,
}

/// The position of a field in its document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FieldPosition {
    /// At the end, after those that were listed before it.
    #[default]
    Last,
    /// Before all others.
    First,
    /// Immediately after the field of this name; at the end if it does not exist.
    Behind(String),
}

/// A change of the order of a document's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEdit {
    /// The document's path.
    pub path: Path,
    /// The common fields, in their order before.
    pub before: Vec<String>,
    /// The common fields, in their order after.
    pub after: Vec<String>,
}

/// The result of applying an edit to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// The bytes of the changed document; whether it may be stored was not checked.
    Changed(Vec<u8>),
    /// The document already has all changes.
    Already,
}

/// A part of an edit that does not fit a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    /// The path.
    pub path: Path,
    /// The expected value; `None` for none.
    pub expected: Option<RawBson>,
    /// The found value; `None` for none.
    pub found: Option<RawBson>,
    /// The reason.
    pub reason: MisfitReason,
}

/// The reason why a part of an edit does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MisfitReason {
    /// The value differs, is missing, or exists unexpectedly.
    Value,
    /// The value is missing, or is not a document or array.
    NotInside,
    /// The array has a different length.
    Length,
    /// The fields are in a different order.
    Order,
    /// Two fields have the same name.
    Ambiguous,
    /// The change is already present, which was not allowed.
    Already,
}

impl Edit {
    /// Computes the changes from one image of a document to another.
    ///
    /// # Errors
    /// `Corrupt` if a document can't be decoded.
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

    /// Creates an edit of these parts.
    ///
    /// # Errors
    /// `Invalid` if it changes nothing, if a path occurs twice or leads into one that is changed as
    /// a whole, or if an order has different names on both sides.
    pub fn new(fields: Vec<FieldEdit>, orders: Vec<OrderEdit>) -> Result<Self> {
        let edit = Self { fields, orders };
        if edit.fields.is_empty() && edit.orders.is_empty() {
            return Err(Error::invalid("the edit changes nothing"));
        }
        Node::of(&edit)?;
        Ok(edit)
    }

    /// The changed values, in the order in which they are added.
    pub fn fields(&self) -> &[FieldEdit] {
        &self.fields
    }

    /// The changed orders.
    pub fn orders(&self) -> &[OrderEdit] {
        &self.orders
    }

    /// The inverse edit.
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

    /// Applies the edit to a document that may already have parts of it. O(fields).
    ///
    /// # Errors
    /// `Corrupt` if the document can't be decoded. An edit that does not fit is a value: each part
    /// that does not fit.
    pub fn apply(&self, document: &RawDocument) -> Result<Result<Edited, Vec<Misfit>>> {
        self.fit(document, Already::Skip)
    }

    /// Like [`Edit::apply`], with the treatment of parts that are already present.
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
