//! `$allElementsTrue`, `$anyElementTrue`, `$setDifference`, `$setEquals`, `$setIntersection`,
//! `$setIsSubset`, `$setUnion`.
//!
//! Unions and intersections come out sorted, because the server keeps them in ordered sets. Of
//! equal values one stays: which one follows the server too.

use std::collections::HashSet;

use argon_core::Result;
use bson::Bson;
use bson::raw::{RawArray, RawArrayBuf, RawBson, RawBsonRef};

use crate::Code;
use crate::accumulator::sort_by::sort;
use crate::expression::{Arguments, Compiler, Definition, Expression, Form, Scope};
use crate::value::{Value, elements, malformed};
use crate::value_set::{ValueSet, set_key};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$allElementsTrue", Arguments::Exactly(1), |values, _| {
        let array = single_array("$allElementsTrue", &values[0], 17040)?;
        Ok(elements(array)?.into_iter().all(|element| Value::Ref(element).is_true()).into())
    }),
    Definition::function("$anyElementTrue", Arguments::Exactly(1), |values, _| {
        let array = single_array("$anyElementTrue", &values[0], 17041)?;
        Ok(elements(array)?.into_iter().any(|element| Value::Ref(element).is_true()).into())
    }),
    Definition::function("$setDifference", Arguments::Exactly(2), |values, _| difference(&values)),
    Definition::form("$setEquals", compile_equals),
    Definition::form("$setIntersection", |argument, compiler| {
        Ok(Expression::Form(Box::new(Intersection(compiler.list(argument)?))))
    }),
    Definition::function("$setIsSubset", Arguments::Exactly(2), |values, _| is_subset(&values)),
    Definition::form("$setUnion", |argument, compiler| {
        Ok(Expression::Form(Box::new(Union(compiler.list(argument)?))))
    }),
];

fn single_array<'v>(name: &str, value: &'v Value<'_>, code: u32) -> Result<&'v RawArray> {
    value.as_array().ok_or_else(|| {
        Code::location(code)
            .error(format!("{name}'s argument must be an array, but is {}", value.type_name()))
    })
}

/// An operand of two; `code` for what is no array.
fn operand<'v>(
    name: &str,
    value: &'v Value<'_>,
    which: &str,
    code: u32,
) -> Result<Vec<RawBsonRef<'v>>> {
    match value.as_array() {
        Some(array) => elements(array),
        None => Err(Code::location(code).error(format!(
            "both operands of {name} must be arrays. {which} argument is of type: {}",
            value.type_name()
        ))),
    }
}

fn difference(values: &[Value<'_>]) -> Result<Value<'static>> {
    if values[0].is_nullish() || values[1].is_nullish() {
        return Ok(Value::NULL);
    }
    let minuend = operand("$setDifference", &values[0], "First", 17048)?;
    let subtrahend = operand("$setDifference", &values[1], "Second", 17049)?;
    // Has what is to be left out: the elements of the other array, and those that came already.
    let mut excluded: HashSet<Vec<u8>> =
        subtrahend.into_iter().map(set_key).collect::<Result<_>>()?;
    let mut rest = RawArrayBuf::new();
    for element in minuend {
        if excluded.insert(set_key(element)?) {
            rest.push(element);
        }
    }
    Ok(rest.into())
}

fn is_subset(values: &[Value<'_>]) -> Result<Value<'static>> {
    let part = operand("$setIsSubset", &values[0], "First", 17046)?;
    let whole = operand("$setIsSubset", &values[1], "Second", 17042)?;
    let whole: HashSet<Vec<u8>> = whole.into_iter().map(set_key).collect::<Result<_>>()?;
    for element in part {
        if !whole.contains(&set_key(element)?) {
            return Ok(false.into());
        }
    }
    Ok(true.into())
}

/// Whether all arrays have the same elements, up to the first that does not.
#[derive(Debug)]
struct Equality(Vec<Expression>);

fn compile_equals(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let operands = compiler.list(argument)?;
    if operands.len() < 2 {
        return Err(Code::location(17045)
            .error(format!("$setEquals needs at least two arguments had: {}", operands.len())));
    }
    Ok(Expression::Form(Box::new(Equality(operands))))
}

impl Form for Equality {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let mut first: Option<HashSet<Vec<u8>>> = None;
        for (place, operand) in self.0.iter().enumerate() {
            let value = operand.evaluate(scope)?;
            let Some(array) = value.as_array() else {
                return Err(Code::location(17044).error(format!(
                    "All operands of $setEquals must be arrays. {}-th argument is of type: {}",
                    place + 1,
                    value.type_name()
                )));
            };
            let set = elements(array)?.into_iter().map(set_key).collect::<Result<_>>()?;
            match &first {
                None => first = Some(set),
                Some(first) if *first != set => return Ok(false.into()),
                Some(_) => {}
            }
        }
        Ok(true.into())
    }
}

/// The elements of all arrays. A null among the operands decides before what follows is evaluated.
#[derive(Debug)]
struct Union(Vec<Expression>);

/// The elements that all arrays have. A null among the operands decides before what follows is
/// evaluated.
#[derive(Debug)]
struct Intersection(Vec<Expression>);

/// Returns the set of the elements of an operand; `None` if it is null.
fn operand_set(name: &str, value: &Value<'_>, code: u32) -> Result<Option<ValueSet>> {
    if value.is_nullish() {
        return Ok(None);
    }
    let Some(array) = value.as_array() else {
        return Err(Code::location(code).error(format!(
            "All operands of {name} must be arrays. One argument is of type: {}",
            value.type_name()
        )));
    };
    let mut set = ValueSet::default();
    for element in array {
        set.insert(element.map_err(malformed)?)?;
    }
    Ok(Some(set))
}

impl Form for Union {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let mut union = ValueSet::default();
        for operand in &self.0 {
            match operand_set("$setUnion", &operand.evaluate(scope)?, 17043)? {
                None => return Ok(Value::NULL),
                Some(set) => {
                    for value in set.iter() {
                        union.insert(value)?;
                    }
                }
            }
        }
        sorted(&union)
    }
}

impl Form for Intersection {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let mut common: Option<ValueSet> = None;
        for operand in &self.0 {
            let Some(set) = operand_set("$setIntersection", &operand.evaluate(scope)?, 17047)?
            else {
                return Ok(Value::NULL);
            };
            common = Some(match common {
                None => set,
                // The values that stay are those of the smaller set.
                Some(common) if common.len() > set.len() => retained(&set, &common)?,
                Some(common) => retained(&common, &set)?,
            });
        }
        sorted(&common.unwrap_or_default())
    }
}

/// The values of a set that another has too.
fn retained(set: &ValueSet, other: &ValueSet) -> Result<ValueSet> {
    let mut kept = ValueSet::default();
    for value in set.iter() {
        if other.contains(value)? {
            kept.insert(value)?;
        }
    }
    Ok(kept)
}

fn sorted(set: &ValueSet) -> Result<Value<'static>> {
    let mut values: Vec<_> = set.iter().collect();
    sort(&mut values, |a, b| argon_core::key::compare(*a, *b).map_err(malformed))?;
    Ok(Value::Owned(RawBson::Array(values.into_iter().collect())))
}
