//! `$bit`.

use argon_core::Result;
use bson::Bson;
use bson::raw::{RawBson, RawBsonRef};

use super::{Change, Missing, Modifier, Place, is_identical, type_of};
use crate::Code;
use crate::expression::{Compiler, Context};
use crate::update::tree::Tree;

/// Operations on the bits of an integer, in their order.
#[derive(Debug)]
struct Bits(Vec<(Operation, Integer)>);

#[derive(Debug, Clone, Copy)]
enum Operation {
    And,
    Or,
    Xor,
}

#[derive(Debug, Clone, Copy)]
enum Integer {
    Int(i32),
    Long(i64),
}

const FORMAT: &str = "{$bit: {field: {and/or/xor: #}}";

pub(super) fn compile(_: &str, argument: &Bson) -> Result<Box<dyn Modifier>> {
    let Bson::Document(operations) = argument else {
        return Err(Code::BAD_VALUE.error(format!(
            "The $bit modifier is not compatible with a {}. You must pass in an embedded document: \
             {FORMAT}",
            Compiler::type_name(argument)
        )));
    };
    let operations = operations.iter().map(|(name, operand)| operation(name, operand));
    let operations: Vec<_> = operations.collect::<Result<_>>()?;
    if operations.is_empty() {
        return Err(Code::BAD_VALUE.error(format!(
            "You must pass in at least one bitwise operation. The format is: {FORMAT}"
        )));
    }
    Ok(Box::new(Bits(operations)))
}

fn operation(name: &str, operand: &Bson) -> Result<(Operation, Integer)> {
    let shown = || format!("{{{name}: {operand}}}");
    let operation = match name {
        "and" => Operation::And,
        "or" => Operation::Or,
        "xor" => Operation::Xor,
        _ => {
            return Err(Code::BAD_VALUE.error(format!(
                "The $bit modifier only supports 'and', 'or', and 'xor', not '{name}' which is an \
                 unknown operator: {}",
                shown()
            )));
        }
    };
    match operand {
        Bson::Int32(number) => Ok((operation, Integer::Int(*number))),
        Bson::Int64(number) => Ok((operation, Integer::Long(*number))),
        other => Err(Code::BAD_VALUE.error(format!(
            "The $bit modifier field must be an Integer(32/64 bit); a '{}' is not supported here: \
             {}",
            Compiler::type_name(other),
            shown()
        ))),
    }
}

impl Bits {
    fn apply(&self, value: Integer) -> RawBson {
        let result =
            self.0.iter().fold(value, |value, (operation, operand)| match (value, *operand) {
                (Integer::Int(left), Integer::Int(right)) => Integer::Int(match operation {
                    Operation::And => left & right,
                    Operation::Or => left | right,
                    Operation::Xor => left ^ right,
                }),
                (left, right) => {
                    let (left, right) = (left.to_long(), right.to_long());
                    Integer::Long(match operation {
                        Operation::And => left & right,
                        Operation::Or => left | right,
                        Operation::Xor => left ^ right,
                    })
                }
            });
        match result {
            Integer::Int(number) => RawBson::Int32(number),
            Integer::Long(number) => RawBson::Int64(number),
        }
    }
}

impl Integer {
    fn to_long(self) -> i64 {
        match self {
            Self::Int(number) => number.into(),
            Self::Long(number) => number,
        }
    }
}

impl Modifier for Bits {
    fn update<'a>(&'a self, value: &mut Tree<'a>, place: &Place<'_>) -> Result<Change> {
        let new = match value.value().get() {
            Some(RawBsonRef::Int32(number)) => self.apply(Integer::Int(number)),
            Some(RawBsonRef::Int64(number)) => self.apply(Integer::Long(number)),
            _ => {
                return Err(Code::BAD_VALUE.error(format!(
                    "Cannot apply $bit to a value of non-integral type. {} has the field {} of \
                     non-integer type {}",
                    place.id(),
                    place.name(),
                    type_of(value)
                )));
            }
        };
        if value.value().get().is_some_and(|value| is_identical(value, new.as_raw_bson_ref())) {
            return Ok(Change::Nothing);
        }
        *value = Tree::Owned(new);
        Ok(Change::Updated)
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        Ok(Missing::Create(Tree::Owned(self.apply(Integer::Int(0)))))
    }
}
