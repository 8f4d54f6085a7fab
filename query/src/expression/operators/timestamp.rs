//! `$tsIncrement`, `$tsSecond`.

use argon_core::Result;
use bson::Timestamp;
use bson::raw::RawBsonRef;

use crate::Code;
use crate::expression::{Arguments, Definition};
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$tsIncrement", Arguments::Exactly(1), |values, _| {
        part("$tsIncrement", 5_687_302, &values[0], |timestamp| timestamp.increment)
    }),
    Definition::function("$tsSecond", Arguments::Exactly(1), |values, _| {
        part("$tsSecond", 5_687_301, &values[0], |timestamp| timestamp.time)
    }),
];

fn part<'a>(
    name: &str,
    code: u32,
    value: &Value<'a>,
    part: fn(Timestamp) -> u32,
) -> Result<Value<'a>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let Some(RawBsonRef::Timestamp(timestamp)) = value.get() else {
        return Err(Code::location(code).error(format!(
            " Argument to {name} must be a timestamp, but is {}",
            value.type_name()
        )));
    };
    Ok(i64::from(part(timestamp)).into())
}
