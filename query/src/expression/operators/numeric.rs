//! Arguments that must be numbers.

use argon_core::Result;

use crate::Code;
use crate::number::Number;
use crate::value::Value;

/// Applies a function to the only argument, which must be a number. Null gives null.
pub(super) fn apply<'a>(
    name: &str,
    arguments: &[Value<'a>],
    function: impl FnOnce(Number) -> Result<Number>,
) -> Result<Value<'a>> {
    let argument = &arguments[0];
    if argument.is_nullish() {
        return Ok(Value::NULL);
    }
    let number = of(argument).ok_or_else(|| {
        Code::location(28765)
            .error(format!("{name} only supports numeric types, not {}", argument.type_name()))
    })?;
    function(number).map(Value::from)
}

/// The number that a value is; `None` if it is of another type.
pub(super) fn of(value: &Value<'_>) -> Option<Number> {
    value.get().and_then(Number::of)
}
