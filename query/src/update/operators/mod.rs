//! The operators of updates, a file a family.
//!
//! An operator compiles to a [`Modifier`], which changes the value at one path.

mod add_to_set;
mod arithmetic;
mod bit;
mod compare;
mod current_date;
mod pop;
mod pull;
mod push;
mod rename;
mod set;

use std::fmt::Debug;

use argon_core::Result;
use bson::Bson;
use bson::raw::{RawBsonRef, RawDocument};
use bson::spec::ElementType;

pub(super) use rename::Rename;

use super::text;
use super::tree::Tree;
use crate::expression::{Compiler, Context};
use crate::value::type_name;

/// Compiles the value of a field in an operator's argument; the field is for messages.
pub(super) type Compile = fn(&str, &Bson) -> Result<Box<dyn Modifier>>;

/// The operators of updates but `$rename`, which has two paths.
pub(super) const OPERATORS: &[(&str, Compile)] = &[
    ("$addToSet", add_to_set::compile),
    ("$bit", bit::compile),
    ("$currentDate", current_date::compile),
    ("$inc", arithmetic::increment),
    ("$max", compare::max),
    ("$min", compare::min),
    ("$mul", arithmetic::multiply),
    ("$pop", pop::compile),
    ("$pull", pull::compile),
    ("$pullAll", pull::compile_all),
    ("$push", push::compile),
    ("$set", set::compile),
    ("$setOnInsert", set::compile_on_insert),
    ("$unset", set::compile_unset),
];

/// Changes the value at a path.
pub(super) trait Modifier: Debug + Send + Sync {
    /// Changes a value that exists.
    ///
    /// # Errors
    /// If it is of a type that can't be changed so.
    fn update<'a>(&'a self, value: &mut Tree<'a>, place: &Place<'_>) -> Result<Change>;

    /// What happens if there is no value.
    ///
    /// # Errors
    /// If a value can't be computed.
    fn create<'a>(&'a self, context: &Context) -> Result<Missing<'a>>;

    /// Whether it only applies to a document that is inserted.
    fn is_on_insert(&self) -> bool {
        false
    }

    /// Whether a value may become one that can't be stored: one that nests more.
    fn adds_values(&self) -> bool {
        true
    }
}

/// What a modifier did to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is as before.
    Nothing,
    /// It is another.
    Updated,
    /// It is to be removed.
    Removed,
}

/// What a modifier does if there is no value.
#[derive(Debug)]
pub(super) enum Missing<'a> {
    /// It creates this one.
    Create(Tree<'a>),
    /// Nothing.
    Ignore,
    /// Nothing; but the value must be one that could be created.
    IgnoreIfViable,
}

/// Where a modifier is applied, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) path: &'p [String],
    /// The document before the update.
    pub(super) original: &'p RawDocument,
    pub(super) context: &'p Context,
}

impl Place<'_> {
    /// The name of the field.
    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    fn path(&self) -> String {
        self.path.join(".")
    }

    /// The `_id` of the document as a field.
    fn id(&self) -> String {
        text::id(self.original)
    }
}

/// The name of a value's type in messages.
fn type_of(value: &Tree<'_>) -> &'static str {
    value.value().get().map_or("missing", type_name)
}

fn is_array(value: &Tree<'_>) -> bool {
    value.element_type() == ElementType::Array
}

/// Whether two values are the same, by type and bytes.
pub(super) fn is_identical(left: RawBsonRef<'_>, right: RawBsonRef<'_>) -> bool {
    match (left, right) {
        // Zeros of both signs and numbers that are none differ by their bits only.
        (RawBsonRef::Double(left), RawBsonRef::Double(right)) => left.to_bits() == right.to_bits(),
        (left, right) => left == right,
    }
}

/// A whole number of any type.
///
/// # Errors
/// The value's type, if it is another one or not whole.
fn whole_number(value: &Bson) -> Result<i64, &'static str> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Bson::Int32(number) => Ok((*number).into()),
        Bson::Int64(number) => Ok(*number),
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and in the range")]
        Bson::Double(number) if number.fract() == 0.0 && (-LIMIT..LIMIT).contains(number) => {
            Ok(*number as i64)
        }
        Bson::Decimal128(number) => {
            crate::number::Decimal::from(*number).exact_long().ok_or("decimal")
        }
        other => Err(Compiler::type_name(other)),
    }
}
