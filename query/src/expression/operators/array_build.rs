//! `$arrayToObject`, `$concatArrays`, `$objectToArray`, `$range`, `$reverseArray`, `$zip`.

use argon_core::Result;
use bson::Bson;
use bson::raw::{RawArrayBuf, RawBsonRef, RawDocumentBuf, cstr};

use crate::Code;
use crate::expression::{Arguments, Compiler, Definition, Expression, Form, Scope};
use crate::fields::Fields;
use crate::message::Shown;
use crate::number::Number;
use crate::value::{Value, elements, malformed, to_owned, type_name};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$arrayToObject", Arguments::Exactly(1), |values, _| {
        array_to_object(&values[0])
    }),
    Definition::form("$concatArrays", |argument, compiler| {
        Ok(Expression::Form(Box::new(Concatenation(compiler.list(argument)?))))
    }),
    Definition::function("$objectToArray", Arguments::Exactly(1), |values, _| {
        object_to_array(&values[0])
    }),
    Definition::function("$range", Arguments::Between(2, 3), |values, _| range(&values)),
    Definition::function("$reverseArray", Arguments::Exactly(1), |values, _| reverse(&values[0])),
    Definition::form("$zip", zip),
];

/// The most bytes that `$range` makes: 100 MiB, as the server's
/// `internalQueryMaxRangeBytes`; a number counts as 16.
const MOST_IN_RANGE: i64 = 100 * 1024 * 1024 / 16;

fn array_to_object(value: &Value<'_>) -> Result<Value<'static>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let Some(array) = value.as_array() else {
        return Err(Code::location(40386).error(format!(
            "$arrayToObject requires an array input, found: {}",
            value.type_name()
        )));
    };
    let elements = elements(array)?;
    let mut fields = Fields::default();
    match elements.first() {
        None => {}
        Some(RawBsonRef::Array(_)) => {
            for element in elements {
                let (name, value) = pair(element)?;
                fields.set(name, to_owned(value));
            }
        }
        Some(RawBsonRef::Document(_)) => {
            for element in elements {
                let (name, value) = key_and_value(element)?;
                fields.set(name, to_owned(value));
            }
        }
        Some(other) => {
            return Err(Code::location(40398).error(format!(
                "Unrecognised input type format for $arrayToObject: {}",
                type_name(*other)
            )));
        }
    }
    Ok(fields.to_document()?.into())
}

/// The name and the value in `[name, value]`.
fn pair(element: RawBsonRef<'_>) -> Result<(&str, RawBsonRef<'_>)> {
    let RawBsonRef::Array(pair) = element else {
        return Err(Code::location(40396).error(format!(
            "$arrayToObject requires a consistent input format. Elements must all be arrays or all \
             be objects. Array was detected, now found: {}",
            type_name(element)
        )));
    };
    match elements(pair)?.as_slice() {
        [RawBsonRef::String(name), value] => Ok((checked_name(name, 4_940_400)?, *value)),
        [other, _] => Err(Code::location(40395).error(format!(
            "$arrayToObject requires an array of key-value pairs, where the key must be of type \
             string. Found key type: {}",
            type_name(*other)
        ))),
        others => Err(Code::location(40397).error(format!(
            "$arrayToObject requires an array of size 2 arrays,found array of size: {}",
            others.len()
        ))),
    }
}

/// The name and the value in `{k: name, v: value}`.
fn key_and_value(element: RawBsonRef<'_>) -> Result<(&str, RawBsonRef<'_>)> {
    let RawBsonRef::Document(document) = element else {
        return Err(Code::location(40391).error(format!(
            "$arrayToObject requires a consistent input format. Elements must all be arrays or all \
             be objects. Object was detected, now found: {}",
            type_name(element)
        )));
    };
    let count = document.into_iter().count();
    if count != 2 {
        return Err(Code::location(40392).error(format!(
            "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of \
             keys:{count}"
        )));
    }
    let field = |name| document.get(name).map_err(malformed);
    match (field("k")?, field("v")?) {
        (Some(RawBsonRef::String(name)), Some(value)) => {
            Ok((checked_name(name, 4_940_401)?, value))
        }
        (Some(other), Some(_)) => Err(Code::location(40394).error(format!(
            "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must \
             be of type string. Found type: {}",
            type_name(other)
        ))),
        _ => Err(Code::location(40393).error(format!(
            "$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both keys \
             from: {}",
            Shown::from(element)
        ))),
    }
}

fn checked_name(name: &str, code: u32) -> Result<&str> {
    if name.contains('\0') {
        return Err(Code::location(code).error("Key field cannot contain an embedded null byte"));
    }
    Ok(name)
}

fn object_to_array(value: &Value<'_>) -> Result<Value<'static>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let Some(document) = value.as_document() else {
        return Err(Code::location(40390).error(format!(
            "$objectToArray requires a document input, found: {}",
            value.type_name()
        )));
    };
    let mut array = RawArrayBuf::new();
    for field in document {
        let (name, value) = field.map_err(malformed)?;
        let mut pair = RawDocumentBuf::new();
        pair.append(cstr!("k"), name.as_str());
        pair.append(cstr!("v"), value);
        array.push(pair);
    }
    Ok(array.into())
}

/// The elements of arrays. A null among the operands decides before what follows is evaluated.
#[derive(Debug)]
struct Concatenation(Vec<Expression>);

impl Form for Concatenation {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let mut all = RawArrayBuf::new();
        for operand in &self.0 {
            let value = operand.evaluate(scope)?;
            if value.is_nullish() {
                return Ok(Value::NULL);
            }
            let Some(array) = value.as_array() else {
                return Err(Code::location(28664).error(format!(
                    "$concatArrays only supports arrays, not {}",
                    value.type_name()
                )));
            };
            elements(array)?.into_iter().for_each(|element| all.push(element));
        }
        Ok(all.into())
    }
}

fn range(values: &[Value<'_>]) -> Result<Value<'static>> {
    let start = range_argument(&values[0], "starting", 34443)?;
    let end = range_argument(&values[1], "ending", 34445)?;
    let step = match values.get(2) {
        Some(step) => range_argument(step, "step", 34447)?,
        None => 1,
    };
    if step == 0 {
        return Err(Code::location(34449).error("$range requires a non-zero step value"));
    }
    let (start, end, step) = (i64::from(start), i64::from(end), i64::from(step));
    if (end - start) / step > MOST_IN_RANGE {
        return Err(
            Code::EXCEEDED_MEMORY_LIMIT.error("$range would use too much memory and cannot spill")
        );
    }
    let mut numbers = RawArrayBuf::new();
    let mut next = start;
    while (step > 0 && next < end) || (step < 0 && next > end) {
        // Within 32 bits, because it lies between the start and the end.
        numbers.push(i32::try_from(next).unwrap_or_default());
        next += step;
    }
    Ok(numbers.into())
}

/// A number of a range; `code` for what is no number, and the next for what does not fit.
fn range_argument(value: &Value<'_>, which: &str, code: u32) -> Result<i32> {
    let Some(number) = value.get().and_then(Number::of) else {
        return Err(Code::location(code).error(format!(
            "$range requires a numeric {which} value, found value of type: {}",
            value.type_name()
        )));
    };
    number.exact_int().ok_or_else(|| {
        Code::location(code + 1).error(format!(
            "$range requires a {which} value that can be represented as a 32-bit integer, found \
             value: {}",
            number.to_double()
        ))
    })
}

fn reverse(value: &Value<'_>) -> Result<Value<'static>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let Some(array) = value.as_array() else {
        return Err(Code::location(34435).error(format!(
            "The argument to $reverseArray must be an array, but was of type: {}",
            value.type_name()
        )));
    };
    Ok(elements(array)?.into_iter().rev().collect::<RawArrayBuf>().into())
}

/// Arrays of the first elements, of the second and so on.
#[derive(Debug)]
struct Zip {
    inputs: Vec<Expression>,
    /// What takes the place of the elements of shorter arrays; null if it is empty.
    defaults: Vec<Expression>,
    longest: bool,
}

fn zip(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let Bson::Document(fields) = argument else {
        return Err(Code::location(34460).error(format!(
            "$zip only supports an object as an argument, found {}",
            Compiler::type_name(argument)
        )));
    };
    let mut zip = Zip { inputs: Vec::new(), defaults: Vec::new(), longest: false };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("inputs", Bson::Array(_)) => zip.inputs = compiler.list(value)?,
            ("inputs", other) => return Err(not_expressions("inputs", other, 34461)),
            ("defaults", Bson::Array(_)) => zip.defaults = compiler.list(value)?,
            ("defaults", other) => return Err(not_expressions("defaults", other, 34462)),
            ("useLongestLength", Bson::Boolean(longest)) => zip.longest = *longest,
            ("useLongestLength", other) => {
                return Err(Code::location(34463).error(format!(
                    "useLongestLength must be a bool, found {}",
                    Compiler::type_name(other)
                )));
            }
            (other, _) => {
                return Err(
                    Code::location(34464).error(format!("$zip found an unknown argument: {other}"))
                );
            }
        }
    }
    if zip.inputs.is_empty() {
        return Err(Code::location(34465).error("$zip requires at least one input array"));
    }
    if !zip.defaults.is_empty() && !zip.longest {
        return Err(
            Code::location(34466).error("cannot specify defaults unless useLongestLength is true")
        );
    }
    if !zip.defaults.is_empty() && zip.defaults.len() != zip.inputs.len() {
        return Err(Code::location(34467).error("defaults and inputs must have the same length"));
    }
    Ok(Expression::Form(Box::new(zip)))
}

fn not_expressions(name: &str, found: &Bson, code: u32) -> argon_core::Error {
    Code::location(code).error(format!(
        "{name} must be an array of expressions, found {}",
        Compiler::type_name(found)
    ))
}

impl Form for Zip {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let mut values = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let value = input.evaluate(scope)?;
            if value.is_nullish() {
                return Ok(Value::NULL);
            }
            if value.as_array().is_none() {
                return Err(Code::location(34468).error(format!(
                    "$zip found a non-array expression in input: {}",
                    value.type_name()
                )));
            }
            values.push(value);
        }
        let arrays: Vec<_> =
            values.iter().filter_map(Value::as_array).map(elements).collect::<Result<_>>()?;
        let lengths = arrays.iter().map(Vec::len);
        let length = if self.longest { lengths.max() } else { lengths.min() }.unwrap_or(0);
        let defaults: Vec<_> =
            self.defaults.iter().map(|default| default.evaluate(scope)).collect::<Result<_>>()?;
        let mut zipped = RawArrayBuf::new();
        for index in 0..length {
            let mut row = RawArrayBuf::new();
            for (column, array) in arrays.iter().enumerate() {
                let default = || defaults.get(column).and_then(Value::get);
                let element = array.get(index).copied().or_else(default);
                row.push(element.unwrap_or(RawBsonRef::Null));
            }
            zipped.push(row);
        }
        Ok(zipped.into())
    }
}
