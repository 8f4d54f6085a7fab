//! `$getField`, `$mergeObjects`, `$setField`, `$unsetField`.

use argon_core::Result;
use bson::raw::RawBsonRef;
use bson::{Bson, Document};

use crate::Code;
use crate::accumulator::Accumulator;
use crate::accumulator::merge_objects::Merged;
use crate::expression::{Arguments, Compiler, Definition, Expression, Form, Scope};
use crate::fields::with_field;
use crate::value::{Value, malformed, type_name};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::form("$getField", compile_get),
    Definition::function("$mergeObjects", Arguments::AtLeast(0), |values, _| {
        let mut merged = Merged::default();
        values.into_iter().try_for_each(|value| merged.add(value))?;
        merged.finish()
    }),
    Definition::form("$setField", |argument, compiler| {
        compile_set("$setField", argument, compiler)
    }),
    Definition::form("$unsetField", |argument, compiler| {
        compile_set("$unsetField", argument, compiler)
    }),
];

/// The field of a document whose name may contain dots and dollars.
#[derive(Debug)]
struct GetField {
    field: Expression,
    input: Expression,
}

/// A document with another value of a field whose name may contain dots and dollars.
#[derive(Debug)]
struct SetField {
    field: String,
    input: Expression,
    /// `None` removes the field.
    value: Option<Expression>,
}

/// Whether the argument is a document of named arguments, and not an expression.
fn named(argument: &Bson) -> Option<&Document> {
    argument
        .as_document()
        .filter(|fields| !fields.keys().next().is_some_and(|n| n.starts_with('$')))
}

fn compile_get(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let current = Bson::String("$$CURRENT".into());
    let (field, input) = match named(argument) {
        None => (argument, &current),
        Some(fields) => {
            if let Some(name) =
                fields.keys().find(|name| !matches!(name.as_str(), "field" | "input"))
            {
                return Err(Code::location(3_041_701)
                    .error(format!("$getField found an unknown argument: {name}")));
            }
            let required = |name, code| {
                fields.get(name).ok_or_else(|| {
                    Code::location(code)
                        .error(format!("$getField requires '{name}' to be specified"))
                })
            };
            (required("field", 3_041_702)?, required("input", 3_041_703)?)
        }
    };
    let field = compiler.compile(field)?;
    if let Some(constant) = field.constant()
        && !matches!(constant, RawBsonRef::String(_))
    {
        return Err(Code::location(5_654_602).error(format!(
            "$getField requires 'field' to evaluate to a constant String, but got {}",
            type_name(constant)
        )));
    }
    let input = compiler.compile(input)?;
    Ok(Expression::Form(Box::new(GetField { field, input })))
}

impl Form for GetField {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let field = self.field.evaluate(scope)?;
        let Some(name) = field.as_str() else {
            return Err(Code::location(3_041_704).error(format!(
                "$getField requires 'field' to evaluate to type String, but got {}",
                field.type_name()
            )));
        };
        match self.input.evaluate(scope)? {
            Value::Ref(RawBsonRef::Document(document)) => {
                Ok(document.get(name).map_err(malformed)?.into())
            }
            value if value.is_missing() => Ok(Value::Missing),
            value if value.is_nullish() => Ok(Value::NULL),
            value => match value.as_document() {
                None => Ok(Value::Missing),
                Some(document) => {
                    Ok(Value::from(document.get(name).map_err(malformed)?).into_owned())
                }
            },
        }
    }
}

fn compile_set(name: &str, argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let Bson::Document(fields) = argument else {
        return Err(Code::location(4_161_100)
            .error(format!("{name} only supports an object as its argument")));
    };
    let unset = name == "$unsetField";
    let known = |field: &str| matches!(field, "field" | "input") || field == "value" && !unset;
    if let Some(field) = fields.keys().find(|field| !known(field)) {
        return Err(
            Code::location(4_161_101).error(format!("{name} found an unknown argument: {field}"))
        );
    }
    let required = |field: &str, code| {
        fields.get(field).ok_or_else(|| {
            Code::location(code).error(format!("{name} requires '{field}' to be specified"))
        })
    };
    let field = required("field", 4_161_102)?;
    let value = if unset { None } else { Some(required("value", 4_161_103)?) };
    let input = required("input", 4_161_109)?;
    Ok(Expression::Form(Box::new(SetField {
        field: constant_name(name, field, compiler)?,
        input: compiler.compile(input)?,
        value: value.map(|value| compiler.compile(value)).transpose()?,
    })))
}

/// The name of a field, which must be written as a constant.
fn constant_name(operator: &str, field: &Bson, compiler: &Compiler<'_>) -> Result<String> {
    if matches!(field, Bson::String(path) if path.starts_with('$')) {
        return Err(Code::location(4_161_108).error(format!(
            "'{field}' is not a valid value for 'field' in {operator}: a field path reference is \
             not allowed in this context. Did you mean {{$literal: '{field}'}}?"
        )));
    }
    let is_literal = |fields: &Document| {
        fields.len() == 1 && fields.keys().all(|name| name == "$literal" || name == "$const")
    };
    if matches!(field, Bson::Document(fields) if !is_literal(fields)) || field.as_array().is_some()
    {
        return Err(Code::location(4_161_106)
            .error(format!("{operator} requires 'field' to evaluate to a constant")));
    }
    match compiler.compile(field)?.constant() {
        Some(RawBsonRef::String(name)) => Ok(name.to_owned()),
        constant => Err(Code::location(4_161_107).error(format!(
            "{operator} requires 'field' to evaluate to type String, but got {}",
            constant.map_or("missing", type_name)
        ))),
    }
}

impl Form for SetField {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let input = self.input.evaluate(scope)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(document) = input.as_document() else {
            return Err(Code::location(4_161_105)
                .error("$setField requires 'input' to evaluate to type Object"));
        };
        let value = match &self.value {
            Some(value) => value.evaluate(scope)?,
            None => Value::Missing,
        };
        Ok(with_field(document, &self.field, value.get())?.into())
    }
}
