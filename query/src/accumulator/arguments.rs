//! `{n, input}`: the arguments of `$firstN`, `$lastN`, `$maxN`, `$minN`, as accumulators and as
//! expressions.

use argon_core::Result;
use bson::Bson;

use crate::Code;
use crate::expression::{Compiler, Expression};
use crate::message::shown;
use crate::number::Number;
use crate::value::Value;

/// Compiles the arguments of an operator that takes `n` and `input`.
///
/// # Errors
/// `not_an_object` if the argument is none, or MongoDB's code for what is missing or unknown.
pub(crate) fn n_and_input(
    argument: &Bson,
    compiler: &Compiler<'_>,
    not_an_object: Code,
) -> Result<(Expression, Expression)> {
    let Bson::Document(fields) = argument else {
        return Err(
            not_an_object.error(format!("specification must be an object; found {argument}"))
        );
    };
    let (mut n, mut input) = (None, None);
    for (name, value) in fields {
        match name.as_str() {
            "n" => n = Some(compiler.compile(value)?),
            "input" => input = Some(compiler.compile(value)?),
            other => {
                return Err(Code::location(5_787_901)
                    .error(format!("Unknown argument for 'n' operator: {other}")));
            }
        }
    }
    let missing = |name, code| Code::location(code).error(format!("Missing value for '{name}'"));
    let n = n.ok_or_else(|| missing("n", 5_787_906))?;
    let input = input.ok_or_else(|| missing("input", 5_787_907))?;
    Ok((n, input))
}

/// Returns the number of values that an accumulator keeps.
///
/// # Errors
/// If `n` is not a positive integer.
pub(crate) fn count(n: &Value<'_>) -> Result<usize> {
    let not_integral = |code| {
        let found = shown(n);
        Code::location(code)
            .error(format!("Value for 'n' must be of integral type, but found {found}"))
    };
    if !n.is_number() {
        return Err(not_integral(5_787_902));
    }
    let number = n
        .get()
        .and_then(Number::of)
        .and_then(Number::exact_long)
        .ok_or_else(|| not_integral(5_787_903))?;
    match usize::try_from(number) {
        Ok(count) if count > 0 => Ok(count),
        _ => {
            Err(Code::location(5_787_908)
                .error(format!("'n' must be greater than 0, found {number}")))
        }
    }
}
