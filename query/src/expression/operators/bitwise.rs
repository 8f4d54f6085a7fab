//! `$bitAnd`, `$bitNot`, `$bitOr`, `$bitXor`.

use argon_core::Result;

use super::numeric;
use crate::Code;
use crate::expression::{Arguments, Definition};
use crate::number::Number;
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$bitAnd", Arguments::AtLeast(0), |values, _| {
        combine("$bitAnd", &values, -1, |a, b| a & b)
    }),
    Definition::function("$bitNot", Arguments::Exactly(1), |values, _| {
        numeric::apply("$bitNot", &values, complement)
    }),
    Definition::function("$bitOr", Arguments::AtLeast(0), |values, _| {
        combine("$bitOr", &values, 0, |a, b| a | b)
    }),
    Definition::function("$bitXor", Arguments::AtLeast(0), |values, _| {
        combine("$bitXor", &values, 0, |a, b| a ^ b)
    }),
];

/// Combines integers: an `int` if all are. `identity` is the result of none.
fn combine<'a>(
    name: &str,
    values: &[Value<'a>],
    identity: i64,
    operation: fn(i64, i64) -> i64,
) -> Result<Value<'a>> {
    let mut bits = identity;
    let mut is_long = false;
    for value in values {
        if value.is_nullish() {
            return Ok(Value::NULL);
        }
        match numeric::of(value) {
            Some(Number::Int(number)) => bits = operation(bits, number.into()),
            Some(Number::Long(number)) => {
                bits = operation(bits, number);
                is_long = true;
            }
            _ => {
                return Err(Code::TYPE_MISMATCH
                    .error(format!("{name} only supports int and long operands.")));
            }
        }
    }
    let result = if is_long { Number::Long(bits) } else { Number::int_or_long(bits) };
    Ok(result.into())
}

fn complement(number: Number) -> Result<Number> {
    match number {
        Number::Int(number) => Ok(Number::Int(!number)),
        Number::Long(number) => Ok(Number::Long(!number)),
        Number::Double(_) | Number::Decimal(_) => {
            let is_decimal = matches!(number, Number::Decimal(_));
            let type_name = if is_decimal { "decimal" } else { "double" };
            Err(Code::TYPE_MISMATCH
                .error(format!("$bitNot only supports int and long, not: {type_name}.")))
        }
    }
}
