//! `$filter`, `$map`, `$reduce`.

use argon_core::Result;
use bson::raw::{RawArrayBuf, RawBsonRef};
use bson::{Bson, Document};

use crate::Code;
use crate::accumulator::size_of;
use crate::expression::{Compiler, Definition, Expression, Form, Scope, Variable};
use crate::message::shown;
use crate::number::Number;
use crate::value::{Value, elements};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::form("$filter", compile_filter),
    Definition::form("$map", compile_map),
    Definition::form("$reduce", compile_reduce),
];

/// The most bytes of a result, as the server's `internalQueryMaxMapFilterReduceBytes`.
const MOST_BYTES: usize = 100 * 1024 * 1024;

/// The elements for which a condition is true.
#[derive(Debug)]
struct Filter {
    input: Expression,
    element: Variable,
    condition: Expression,
    limit: Option<Expression>,
}

/// The values of an expression for each element.
#[derive(Debug)]
struct Map {
    input: Expression,
    element: Variable,
    result: Expression,
}

/// The value that an expression makes of its value for the elements before, and an element.
#[derive(Debug)]
struct Reduce {
    input: Expression,
    initial: Expression,
    element: Variable,
    value: Variable,
    result: Expression,
}

/// Returns the fields of the argument.
fn fields<'d>(
    argument: &'d Bson,
    not_an_object: impl FnOnce() -> argon_core::Error,
    known: &[&str],
    unknown: impl FnOnce(&str) -> argon_core::Error,
) -> Result<&'d Document> {
    let Bson::Document(fields) = argument else { return Err(not_an_object()) };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(unknown(name)),
        None => Ok(fields),
    }
}

fn required<'d>(fields: &'d Document, operator: &str, name: &str, code: u32) -> Result<&'d Bson> {
    fields.get(name).ok_or_else(|| {
        Code::location(code).error(format!("Missing '{name}' parameter to {operator}"))
    })
}

/// Returns the name of the variable for the element.
fn element_name(fields: &Document) -> Result<&str> {
    match fields.get("as") {
        None => Ok("this"),
        Some(Bson::String(name)) => Ok(name),
        Some(other) => Err(Code::TYPE_MISMATCH.error(format!(
            "Wrong type for 'as': expected a string, found {}",
            Compiler::type_name(other)
        ))),
    }
}

fn compile_filter(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let fields = fields(
        argument,
        || Code::location(28646).error("$filter only supports an object as its argument"),
        &["input", "as", "cond", "limit"],
        |name| Code::location(28647).error(format!("Unrecognized parameter to $filter: {name}")),
    )?;
    let input = required(fields, "$filter", "input", 28648)?;
    let condition = required(fields, "$filter", "cond", 28650)?;
    let name = element_name(fields)?;
    let element = compiler.variable(name)?;
    Ok(Expression::Form(Box::new(Filter {
        input: compiler.compile(input)?,
        element,
        condition: compiler.with(&[(name, element)]).compile(condition)?,
        // The limit does not depend on an element.
        limit: fields.get("limit").map(|limit| compiler.compile(limit)).transpose()?,
    })))
}

fn compile_map(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let fields = fields(
        argument,
        || Code::location(16878).error("$map only supports an object as its argument"),
        &["input", "as", "in"],
        |name| Code::location(16879).error(format!("Unrecognized parameter to $map: {name}")),
    )?;
    let input = required(fields, "$map", "input", 16880)?;
    let result = required(fields, "$map", "in", 16882)?;
    let name = element_name(fields)?;
    let element = compiler.variable(name)?;
    Ok(Expression::Form(Box::new(Map {
        input: compiler.compile(input)?,
        element,
        result: compiler.with(&[(name, element)]).compile(result)?,
    })))
}

fn compile_reduce(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let fields = fields(
        argument,
        || {
            Code::location(40075).error(format!(
                "$reduce requires an object as an argument, found: {}",
                Compiler::type_name(argument)
            ))
        },
        &["input", "initialValue", "in"],
        |name| Code::location(40076).error(format!("$reduce found an unknown argument: {name}")),
    )?;
    let required = |name, code| {
        fields.get(name).ok_or_else(|| {
            Code::location(code).error(format!("$reduce requires '{name}' to be specified"))
        })
    };
    let input = required("input", 40077)?;
    let initial = required("initialValue", 40078)?;
    let result = required("in", 40079)?;
    let (element, value) = (compiler.variable("this")?, compiler.variable("value")?);
    Ok(Expression::Form(Box::new(Reduce {
        input: compiler.compile(input)?,
        initial: compiler.compile(initial)?,
        element,
        value,
        result: compiler.with(&[("this", element), ("value", value)]).compile(result)?,
    })))
}

/// Evaluates for an element.
fn for_element(
    expression: &Expression,
    variable: Variable,
    element: RawBsonRef<'_>,
    scope: Scope<'_>,
) -> Result<Value<'static>> {
    let binding = scope.bind(variable, Value::Ref(element));
    Ok(expression.evaluate(&scope.with(&binding))?.into_owned())
}

fn too_large(operator: &str) -> argon_core::Error {
    Code::EXCEEDED_MEMORY_LIMIT
        .error(format!("{operator} would use too much memory and cannot spill"))
}

impl Form for Filter {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let input = self.input.evaluate(scope)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(array) = input.as_array() else {
            return Err(Code::location(28651)
                .error(format!("input to $filter must be an array not {}", input.type_name())));
        };
        let array = elements(array)?;
        if array.is_empty() {
            return Ok(RawArrayBuf::new().into());
        }
        let limit = self.limit(scope)?;
        let mut kept = RawArrayBuf::new();
        let mut count = 0;
        for element in array {
            if for_element(&self.condition, self.element, element, *scope)?.is_true() {
                kept.push(element);
                count += 1;
                if count == limit {
                    break;
                }
            }
        }
        Ok(kept.into())
    }
}

impl Filter {
    /// The most elements of the result.
    fn limit(&self, scope: &Scope<'_>) -> Result<usize> {
        let Some(limit) = &self.limit else { return Ok(usize::MAX) };
        let limit = limit.evaluate(scope)?;
        if limit.is_nullish() {
            return Ok(usize::MAX);
        }
        let number = limit.get().and_then(Number::of).and_then(Number::exact_int);
        let number = number.ok_or_else(|| {
            Code::location(327_391).error(format!(
                "$filter: limit must be represented as a 32-bit integral value: {}",
                shown(&limit)
            ))
        })?;
        usize::try_from(number).ok().filter(|limit| *limit > 0).ok_or_else(|| {
            Code::location(327_392)
                .error(format!("$filter: limit must be greater than 0: {number}"))
        })
    }
}

impl Form for Map {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let input = self.input.evaluate(scope)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(array) = input.as_array() else {
            return Err(Code::location(16883)
                .error(format!("input to $map must be an array not {}", input.type_name())));
        };
        let mut results = RawArrayBuf::new();
        for element in elements(array)? {
            let result = for_element(&self.result, self.element, element, *scope)?;
            results.push(result.get().unwrap_or(RawBsonRef::Null));
            if results.as_bytes().len() > MOST_BYTES {
                return Err(too_large("$map"));
            }
        }
        Ok(results.into())
    }
}

impl Form for Reduce {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let input = self.input.evaluate(scope)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(array) = input.as_array() else {
            return Err(Code::location(40080).error(format!(
                "$reduce requires that 'input' be an array, found: {}",
                shown(&input)
            )));
        };
        let mut value = self.initial.evaluate(scope)?.into_owned();
        for element in elements(array)? {
            value = self.step(element, &value, *scope)?;
            if value.get().is_some_and(|value| size_of(value) > MOST_BYTES) {
                return Err(too_large("$reduce"));
            }
        }
        Ok(value)
    }
}

impl Reduce {
    fn step(
        &self,
        element: RawBsonRef<'_>,
        value: &Value<'static>,
        scope: Scope<'_>,
    ) -> Result<Value<'static>> {
        let binding = scope.bind(self.value, value.borrowed());
        for_element(&self.result, self.element, element, scope.with(&binding))
    }
}
