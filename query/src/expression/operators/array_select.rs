//! `$firstN`, `$lastN`, `$maxN`, `$minN`, `$sortArray`.

use std::cmp::Ordering;

use argon_core::Result;
use bson::raw::{RawArrayBuf, RawBsonRef};
use bson::{Bson, Document};

use crate::Code;
use crate::accumulator::Accumulator;
use crate::accumulator::arguments::n_and_input;
use crate::accumulator::extremes::Extremes;
use crate::accumulator::position::Several;
use crate::accumulator::sort_by::{is_descending, sort};
use crate::expression::{Compiler, Definition, Expression, Form, Scope, field_path};
use crate::value::{Value, elements, malformed};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::form("$firstN", |argument, compiler| {
        several(argument, compiler, 5_787_801, |n| Ok(Box::new(Several::new(n, true)?)))
    }),
    Definition::form("$lastN", |argument, compiler| {
        several(argument, compiler, 5_787_801, |n| Ok(Box::new(Several::new(n, false)?)))
    }),
    Definition::form("$maxN", |argument, compiler| {
        several(argument, compiler, 5_787_900, |n| Ok(Box::new(Extremes::new(n, false)?)))
    }),
    Definition::form("$minN", |argument, compiler| {
        several(argument, compiler, 5_787_900, |n| Ok(Box::new(Extremes::new(n, true)?)))
    }),
    Definition::form("$sortArray", compile_sort),
];

/// The elements that an accumulator keeps.
#[derive(Debug)]
struct Selection {
    n: Expression,
    input: Expression,
    start: fn(&Value<'_>) -> Result<Box<dyn Accumulator>>,
}

fn several(
    argument: &Bson,
    compiler: &Compiler<'_>,
    not_an_object: u32,
    start: fn(&Value<'_>) -> Result<Box<dyn Accumulator>>,
) -> Result<Expression> {
    let (n, input) = n_and_input(argument, compiler, Code::location(not_an_object))?;
    Ok(Expression::Form(Box::new(Selection { n, input, start })))
}

impl Form for Selection {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let mut kept = (self.start)(&self.n.evaluate(scope)?)?;
        let input = self.input.evaluate(scope)?;
        let Some(array) = input.as_array() else {
            return Err(Code::location(5_788_200).error("Input must be an array"));
        };
        for element in elements(array)? {
            kept.add(Value::Ref(element))?;
        }
        kept.finish()
    }
}

/// The sorted elements.
#[derive(Debug)]
struct SortArray {
    input: Expression,
    order: ElementOrder,
}

/// What elements are sorted by.
#[derive(Debug)]
enum ElementOrder {
    /// By their values.
    Value { descending: bool },
    /// By fields; a missing one counts as null.
    Fields(Vec<(Vec<String>, bool)>),
}

fn compile_sort(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let Bson::Document(fields) = argument else {
        return Err(Code::location(2_942_500).error(format!(
            "$sortArray requires an object as an argument, found: {}",
            Compiler::type_name(argument)
        )));
    };
    if let Some(name) = fields.keys().find(|name| !matches!(name.as_str(), "input" | "sortBy")) {
        return Err(Code::location(2_942_501)
            .error(format!("$sortArray found an unknown argument: {name}")));
    }
    let required = |name, code| {
        fields.get(name).ok_or_else(|| {
            Code::location(code).error(format!("$sortArray requires '{name}' to be specified"))
        })
    };
    let input = compiler.compile(required("input", 2_942_502)?)?;
    let order = match required("sortBy", 2_942_503)? {
        Bson::Document(pattern) => ElementOrder::Fields(compile_pattern(pattern)?),
        direction => ElementOrder::Value { descending: element_direction(direction)? },
    };
    Ok(Expression::Form(Box::new(SortArray { input, order })))
}

fn compile_pattern(pattern: &Document) -> Result<Vec<(Vec<String>, bool)>> {
    if pattern.is_empty() {
        return Err(
            Code::BAD_VALUE.error("The sort pattern is empty when it should be a set of fields.")
        );
    }
    let parts = pattern.iter().map(|(path, direction)| {
        let descending = element_direction(direction)?;
        if path.is_empty() {
            return Err(Code::BAD_VALUE.error("The sort field cannot be empty"));
        }
        let path = field_path(path).map_err(|_| {
            Code::BAD_VALUE
                .error(format!("The sort field is a dotted field but has an empty part: {path}"))
        })?;
        Ok((path, descending))
    });
    parts.collect()
}

fn element_direction(direction: &Bson) -> Result<bool> {
    is_descending(direction)
        .map_err(|_| Code::BAD_VALUE.error("The sort element value must be either 1 or -1"))
}

impl Form for SortArray {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let input = self.input.evaluate(scope)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(array) = input.as_array() else {
            return Err(Code::location(2_942_504).error(format!(
                "The input argument to $sortArray must be an array, but was of type: {}",
                input.type_name()
            )));
        };
        let elements = elements(array)?;
        let mut keyed = elements
            .into_iter()
            .map(|e| Ok((self.order.key(e)?, e)))
            .collect::<Result<Vec<_>>>()?;
        sort(&mut keyed, |(a, _), (b, _)| self.order.compare(a, b))?;
        Ok(keyed.into_iter().map(|(_, element)| element).collect::<RawArrayBuf>().into())
    }
}

impl ElementOrder {
    fn key<'a>(&self, element: RawBsonRef<'a>) -> Result<Vec<RawBsonRef<'a>>> {
        match self {
            Self::Value { .. } => Ok(vec![element]),
            Self::Fields(parts) => parts.iter().map(|(path, _)| field_at(element, path)).collect(),
        }
    }

    fn compare(&self, a: &[RawBsonRef<'_>], b: &[RawBsonRef<'_>]) -> Result<Ordering> {
        for (place, (a, b)) in a.iter().zip(b).enumerate() {
            let order = argon_core::key::compare(*a, *b).map_err(malformed)?;
            let descending = match self {
                Self::Value { descending } => *descending,
                Self::Fields(parts) => parts[place].1,
            };
            if order.is_ne() {
                return Ok(if descending { order.reverse() } else { order });
            }
        }
        Ok(Ordering::Equal)
    }
}

/// The value at a path of names and of indexes into arrays; null if there is none.
fn field_at<'a>(element: RawBsonRef<'a>, path: &[String]) -> Result<RawBsonRef<'a>> {
    // An element that is no document has no fields, not even if it is an array.
    if element.as_document().is_none() {
        return Ok(RawBsonRef::Null);
    }
    let mut value = element;
    for name in path {
        let found = match value {
            RawBsonRef::Document(document) => document.get(name).map_err(malformed)?,
            RawBsonRef::Array(array) => {
                let index = name.parse::<usize>().ok();
                let index = index.filter(|index| index.to_string() == *name);
                index
                    .and_then(|index| array.into_iter().nth(index))
                    .transpose()
                    .map_err(malformed)?
            }
            _ => None,
        };
        match found {
            Some(found) => value = found,
            None => return Ok(RawBsonRef::Null),
        }
    }
    Ok(value)
}
