//! `$bucket`.

use std::cmp::Ordering;
use std::sync::Arc;

use argon_core::Result;
use bson::raw::RawBson;
use bson::{Bson, Document, doc};

use super::group::{Group, field};
use super::sort::Sort;
use crate::expression::{Compiler, Expression, Form, Scope};
use crate::pipeline::stage::{Definition, Part, Position, StageCompiler, object};
use crate::sort::SortPattern;
use crate::{Code, Value};

pub(super) const STAGES: &[Definition] = &[Definition::new("$bucket", Position::Any, compile)];

/// The lower boundary of the bucket that a value is in, which is the `_id` of its group.
#[derive(Debug)]
struct BucketOf {
    group_by: Expression,
    /// Ascending; a bucket has the values from one boundary up to below the next.
    boundaries: Vec<RawBson>,
    default: Option<RawBson>,
}

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let fields = object(argument, || {
        Code::location(40201).error(format!(
            "Argument to $bucket stage must be an object, but found type: {}.",
            Compiler::type_name(argument)
        ))
    })?;
    let (mut group_by, mut given, mut default) = (None, None, None);
    let mut output = doc! { "count": { "$sum": 1 } };
    for (name, value) in fields {
        match name.as_str() {
            "groupBy" => group_by = Some(compile_group_by(value, &compiler.expressions)?),
            "boundaries" => given = Some(boundaries(value, &compiler.expressions)?),
            "default" => default = Some(compile_default(value, &compiler.expressions)?),
            "output" => output.clone_from(object(value, || {
                Code::location(40196).error(format!(
                    "The $bucket 'output' field must be an object, but found type: {}.",
                    Compiler::type_name(value)
                ))
            })?),
            other => {
                return Err(Code::location(40197)
                    .error(format!("Unrecognized option to $bucket: {other}.")));
            }
        }
    }
    let (Some(group_by), Some(boundaries)) = (group_by, given) else {
        return Err(Code::location(40198)
            .error("$bucket requires 'groupBy' and 'boundaries' to be specified."));
    };
    check_default(default.as_ref(), &boundaries)?;
    let id = Expression::Form(Box::new(BucketOf { group_by, boundaries, default }));
    parts(id, &output, &compiler.expressions)
}

fn parts(id: Expression, output: &Document, compiler: &Compiler<'_>) -> Result<Vec<Part>> {
    let fields = output.iter().map(|(name, value)| field(name, value, compiler));
    let group = Group { id, fields: fields.collect::<Result<_>>()? };
    let sort = Sort { pattern: SortPattern::ascending(vec!["_id".to_owned()]), limit: None };
    Ok(vec![Part::Stage(Arc::new(group)), Part::Stage(Arc::new(sort))])
}

fn compile_group_by(value: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let is_expression = match value {
        Bson::String(path) => path.starts_with('$'),
        Bson::Document(expression) => {
            expression.keys().next().is_some_and(|name| name.starts_with('$'))
        }
        _ => false,
    };
    if !is_expression {
        return Err(Code::location(40202).error(format!(
            "The $bucket 'groupBy' field must be defined as a $-prefixed path or an expression, \
             but found: {value}."
        )));
    }
    compiler.compile(value)
}

fn compile_default(value: &Bson, compiler: &Compiler<'_>) -> Result<RawBson> {
    constant(value, compiler).ok_or_else(|| {
        Code::location(40195).error(format!(
            "The $bucket 'default' field must be a constant expression, but found: {value}."
        ))
    })
}

fn constant(value: &Bson, compiler: &Compiler<'_>) -> Option<RawBson> {
    let expression = compiler.compile(value).ok()?;
    expression.constant().map(crate::value::to_owned)
}

fn boundaries(value: &Bson, compiler: &Compiler<'_>) -> Result<Vec<RawBson>> {
    let Bson::Array(given) = value else {
        return Err(Code::location(40200).error(format!(
            "The $bucket 'boundaries' field must be an array, but found type: {}.",
            Compiler::type_name(value)
        )));
    };
    let constants = given.iter().map(|value| {
        constant(value, compiler).ok_or_else(|| {
            Code::location(40191).error(format!(
                "The $bucket 'boundaries' field must be an array of constant values, but found \
                 value: {value}."
            ))
        })
    });
    let boundaries: Vec<_> = constants.collect::<Result<_>>()?;
    if boundaries.len() < 2 {
        return Err(Code::location(40192).error(format!(
            "The $bucket 'boundaries' field must have at least 2 values, but found {} value(s).",
            boundaries.len()
        )));
    }
    for pair in boundaries.windows(2) {
        let (lower, upper) = (&pair[0], &pair[1]);
        if !same_type(lower, upper) {
            return Err(Code::location(40193).error(
                "All values in the the 'boundaries' option to $bucket must have the same type.",
            ));
        }
        if !compare(lower, upper)?.is_lt() {
            return Err(Code::location(40194).error(
                "The 'boundaries' option to $bucket must be sorted, but elements are not in \
                 ascending order.",
            ));
        }
    }
    Ok(boundaries)
}

fn same_type(a: &RawBson, b: &RawBson) -> bool {
    let (a, b) = (Value::from(a.as_raw_bson_ref()), Value::from(b.as_raw_bson_ref()));
    (a.is_number() && b.is_number()) || a.type_name() == b.type_name()
}

fn compare(a: &RawBson, b: &RawBson) -> Result<Ordering> {
    Value::from(a.as_raw_bson_ref()).compare(&Value::from(b.as_raw_bson_ref()))
}

/// A default that is in a bucket would be two groups of one `_id`.
fn check_default(default: Option<&RawBson>, boundaries: &[RawBson]) -> Result<()> {
    if let (Some(default), Some(first), Some(last)) =
        (default, boundaries.first(), boundaries.last())
        && compare(default, first)?.is_ge()
        && compare(default, last)?.is_lt()
    {
        return Err(Code::location(40199).error(
            "The $bucket 'default' field must be less than the lowest boundary or greater than or \
             equal to the highest boundary.",
        ));
    }
    Ok(())
}

impl Form for BucketOf {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let value = self.group_by.evaluate(scope)?;
        let mut above = 0;
        for boundary in &self.boundaries {
            if value.compare(&boundary.as_raw_bson_ref().into())?.is_lt() {
                break;
            }
            above += 1;
        }
        let bucket = match above {
            0 => None,
            above if above == self.boundaries.len() => None,
            above => self.boundaries.get(above - 1),
        };
        match bucket.or(self.default.as_ref()) {
            Some(id) => Ok(id.as_raw_bson_ref().into()),
            // The server compiles the stage to a $switch.
            None => Err(Code::location(40066).error(
                "$switch could not find a matching branch for an input, and no default was \
                 specified.",
            )),
        }
    }
}
