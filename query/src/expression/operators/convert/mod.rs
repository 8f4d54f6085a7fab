//! `$convert`, `$toBool`, `$toDate`, `$toDecimal`, `$toDouble`, `$toInt`, `$toLong`, `$toObjectId`,
//! `$toString`, `$toUUID`.
//!
//! The conversions, their errors and their order follow the server's `evaluate_math.cpp`.
//!
//! | file | content |
//! | --- | --- |
//! | `target.rs` | what to convert to |
//! | `number.rs` | conversions to numbers and booleans |
//! | `binary.rs` | conversions to and from binary data |
//! | `date.rs` | conversions to dates, and dates to text |
//! | `text.rs` | conversions to text and object identifiers |

mod binary;
mod date;
mod number;
mod target;
mod text;

use argon_core::{Error, Result};
use bson::raw::RawBsonRef;
use bson::spec::ElementType;
use bson::{Bson, doc};

use crate::Code;
use crate::expression::{Compiler, Definition, Expression, Form, Scope};
use crate::value::{Value, type_name};
use binary::{ByteOrder, Format};
use target::Target;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::form("$convert", convert),
    Definition::form("$toBool", |argument, compiler| alias("$toBool", "bool", argument, compiler)),
    Definition::form("$toDate", |argument, compiler| alias("$toDate", "date", argument, compiler)),
    Definition::form("$toDecimal", |argument, compiler| {
        alias("$toDecimal", "decimal", argument, compiler)
    }),
    Definition::form("$toDouble", |argument, compiler| {
        alias("$toDouble", "double", argument, compiler)
    }),
    Definition::form("$toInt", |argument, compiler| alias("$toInt", "int", argument, compiler)),
    Definition::form("$toLong", |argument, compiler| alias("$toLong", "long", argument, compiler)),
    Definition::form("$toObjectId", |argument, compiler| {
        alias("$toObjectId", "objectId", argument, compiler)
    }),
    Definition::form("$toString", |argument, compiler| {
        alias("$toString", "string", argument, compiler)
    }),
    Definition::form("$toUUID", |argument, compiler| {
        alias("$toUUID", "binData", argument, compiler)
    }),
];

/// A conversion of a value to a type.
#[derive(Debug)]
struct Convert {
    input: Expression,
    to: Expression,
    format: Option<Expression>,
    byte_order: Option<Expression>,
    on_error: Option<Expression>,
    on_null: Option<Expression>,
}

fn convert(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    const NAMES: &[&str] = &["input", "to", "format", "byteOrder", "onError", "onNull"];
    let Bson::Document(fields) = argument else {
        return Err(Code::FAILED_TO_PARSE.error(format!(
            "$convert expects an object of named arguments but found: {}",
            Compiler::type_name(argument)
        )));
    };
    if let Some(name) = fields.keys().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(
            Code::FAILED_TO_PARSE.error(format!("$convert found an unknown argument: {name}"))
        );
    }
    let optional = |name: &str| fields.get(name).map(|field| compiler.compile(field)).transpose();
    let required = |name: &str| {
        optional(name)?.ok_or_else(|| {
            Code::FAILED_TO_PARSE.error(format!("Missing '{name}' parameter to $convert"))
        })
    };
    Ok(Expression::Form(Box::new(Convert {
        input: required("input")?,
        to: required("to")?,
        format: optional("format")?,
        byte_order: optional("byteOrder")?,
        on_error: optional("onError")?,
        on_null: optional("onNull")?,
    })))
}

/// A conversion that has an operator of its own.
fn alias(name: &str, to: &str, argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let operands = compiler.list(argument)?;
    let count = operands.len();
    let mut operands = operands.into_iter();
    let (Some(input), None) = (operands.next(), operands.next()) else {
        return Err(
            Code::location(50723).error(format!("{name} requires a single argument, got {count}"))
        );
    };
    let (to, format) = match to {
        "string" => (Bson::from(to), Some("auto")),
        "binData" => (doc! { "type": to, "subtype": 4 }.into(), Some("uuid")),
        _ => (Bson::from(to), None),
    };
    let format = format.map(|format| Compiler::constant(&Bson::from(format))).transpose()?;
    let to = Compiler::constant(&to)?;
    Ok(Expression::Form(Box::new(Convert {
        input,
        to,
        format,
        byte_order: None,
        on_error: None,
        on_null: None,
    })))
}

impl Form for Convert {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let optional = |expression: &'a Option<Expression>| match expression {
            Some(expression) => expression.evaluate(scope),
            None => Ok(Value::Missing),
        };
        let to = self.to.evaluate(scope)?;
        let input = self.input.evaluate(scope)?;
        let format = optional(&self.format)?;
        let byte_order = optional(&self.byte_order)?;
        let target = Target::parse(&to)?;
        if input.is_nullish() {
            return match &self.on_null {
                Some(on_null) => on_null.evaluate(scope),
                None => Ok(Value::NULL),
            };
        }
        let Some(target) = target else { return Ok(Value::NULL) };
        let options =
            Options { format: Format::parse(&format)?, byte_order: ByteOrder::parse(&byte_order)? };
        match (convert_value(input, &target, &options), &self.on_error) {
            (Err(error), Some(on_error)) if Code::of(&error) == Some(Code::CONVERSION_FAILURE) => {
                on_error.evaluate(scope)
            }
            (result, _) => result,
        }
    }
}

/// What conversions to and from binary data need to know.
struct Options {
    format: Option<Format>,
    byte_order: ByteOrder,
}

fn convert_value<'a>(input: Value<'a>, target: &Target, options: &Options) -> Result<Value<'a>> {
    let Some(value) = input.get() else { return Ok(input) };
    let from = value.element_type();
    let to = target.element_type;
    if to == Some(ElementType::Boolean) {
        return Ok(input.is_true().into());
    }
    if to == Some(from) && is_convertible(from) {
        if from == ElementType::Binary {
            binary::check_subtype(value, target)?;
        }
        return Ok(input);
    }
    let converted = match to {
        Some(ElementType::Double) => number::to_double(value, options.byte_order)?,
        Some(ElementType::Int32) => number::to_int(value, options.byte_order)?,
        Some(ElementType::Int64) => number::to_long(value, options.byte_order)?,
        Some(ElementType::Decimal128) => number::to_decimal(value)?,
        Some(ElementType::DateTime) => date::to_date(value)?,
        Some(ElementType::String) => text::to_string(value, options)?,
        Some(ElementType::ObjectId) => text::to_object_id(value)?,
        Some(ElementType::Binary) => binary::to_binary(value, target, options)?,
        _ => None,
    };
    converted.ok_or_else(|| {
        Code::CONVERSION_FAILURE.error(format!(
            "Unsupported conversion from {} to {} in $convert with no onError value",
            type_name(value),
            target.name
        ))
    })
}

/// Whether values of the type can be converted to their own.
fn is_convertible(element_type: ElementType) -> bool {
    matches!(
        element_type,
        ElementType::Double
            | ElementType::Int32
            | ElementType::Int64
            | ElementType::Decimal128
            | ElementType::DateTime
            | ElementType::String
            | ElementType::ObjectId
            | ElementType::Binary
    )
}

/// The error for a value that has no equivalent of the type.
fn failure(message: impl Into<String>) -> Error {
    Code::CONVERSION_FAILURE.error(message)
}

/// The error for a text that can't be read as the type.
fn unreadable(kind: &str, text: &str, reason: &str) -> Error {
    failure(format!("Failed to parse {kind} '{text}' in $convert with no onError value: {reason}"))
}

/// The error for a number out of range.
fn overflow(number: impl std::fmt::Display) -> Error {
    failure(format!(
        "Conversion would overflow target type in $convert with no onError value: {number}"
    ))
}

/// The text of a value of text.
fn text_of(value: RawBsonRef<'_>) -> Option<&str> {
    match value {
        RawBsonRef::String(text) => Some(text),
        _ => None,
    }
}
