//! `$inc`, `$mul`.

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBson;

use super::{Change, Missing, Modifier, Place, is_identical, type_of};
use crate::Code;
use crate::expression::{Context, raw};
use crate::number::{Number, checked_add, checked_multiply};
use crate::update::text;
use crate::update::tree::Tree;

/// Computes a number from the value and an operand. Unlike in expressions, a `long` that overflows
/// is an error (`safe_num.cpp`).
#[derive(Debug)]
struct Arithmetic {
    name: &'static str,
    operand: Number,
    /// `None` on overflow.
    compute: fn(Number, Number) -> Option<Number>,
    /// What a missing value becomes.
    initial: Number,
}

pub(super) fn increment(field: &str, operand: &Bson) -> Result<Box<dyn Modifier>> {
    let operand = number("increment", field, operand)?;
    Ok(Box::new(Arithmetic { name: "$inc", operand, compute: checked_add, initial: operand }))
}

pub(super) fn multiply(field: &str, operand: &Bson) -> Result<Box<dyn Modifier>> {
    let operand = number("multiply", field, operand)?;
    // A zero of the operand's type.
    let initial = checked_multiply(operand, Number::Int(0)).unwrap_or(Number::Int(0));
    Ok(Box::new(Arithmetic { name: "$mul", operand, compute: checked_multiply, initial }))
}

fn number(verb: &str, field: &str, operand: &Bson) -> Result<Number> {
    Number::of(raw(operand)?.as_raw_bson_ref()).ok_or_else(|| {
        Code::TYPE_MISMATCH
            .error(format!("Cannot {verb} with non-numeric argument: {{{field}: {operand}}}"))
    })
}

impl Modifier for Arithmetic {
    fn update<'a>(&'a self, value: &mut Tree<'a>, place: &Place<'_>) -> Result<Change> {
        let current = value.value();
        let Some(number) = current.get().and_then(Number::of) else {
            return Err(Code::TYPE_MISMATCH.error(format!(
                "Cannot apply {} to a value of non-numeric type. {{{}}} has the field '{}' of \
                 non-numeric type {}",
                self.name,
                place.id(),
                place.name(),
                type_of(value)
            )));
        };
        let Some(new) = (self.compute)(number, self.operand) else {
            return Err(Code::BAD_VALUE.error(format!(
                "Failed to apply {} operations to current value ({}) for document {{{}}}",
                self.name,
                current.get().map(text::plain).unwrap_or_default(),
                place.id()
            )));
        };
        let new = RawBson::from(new);
        if current.get().is_some_and(|current| is_identical(current, new.as_raw_bson_ref())) {
            return Ok(Change::Nothing);
        }
        drop(current);
        *value = Tree::Owned(new);
        Ok(Change::Updated)
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        Ok(Missing::Create(Tree::Owned(self.initial.into())))
    }
}
