//! Queries as they are written.

use std::cmp::Ordering;

use bson::{Bson, Document as BsonDocument};

use super::{Term, Test};
use crate::{Error, Result};

/// How deep a query may be nested.
pub(super) const MOST_LEVELS: usize = 32;

const OPERATORS: &str = "$eq, $ne, $in, $nin, $gt, $gte, $lt, $lte, $exists and $not";

/// Reads a query that may be nested so deep.
pub(super) fn parse_query(query: &BsonDocument, levels_left: usize) -> Result<Term> {
    let inner = deeper(levels_left)?;
    let filters = query.iter().map(|(name, value)| match name.as_str() {
        "$and" => Ok(Term::All(list(name, value, inner)?)),
        "$or" => Ok(Term::Any(list(name, value, inner)?)),
        "$nor" => Ok(Term::Not(Box::new(Term::Any(list(name, value, inner)?)))),
        _ if name.starts_with('$') => Err(Error::invalid(format!(
            "the query has '{name}' where a field is expected, or one of $and, $or and $nor"
        ))),
        _ => field(name, value, inner),
    });
    Ok(Term::All(filters.collect::<Result<_>>()?))
}

fn list(operator: &str, value: &Bson, levels_left: usize) -> Result<Vec<Term>> {
    let wrong =
        || Error::invalid(format!("the query: '{operator}' takes a list of queries, not empty"));
    let items = value.as_array().filter(|items| !items.is_empty()).ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| parse_query(item.as_document().ok_or_else(wrong)?, levels_left))
        .collect()
}

fn field(name: &str, value: &Bson, levels_left: usize) -> Result<Term> {
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(Error::invalid(format!("the query: '{name}' is no path to a field")));
    }
    match value {
        Bson::Document(tests) if tests.keys().next().is_some_and(|name| name.starts_with('$')) => {
            tests_of(&path, tests, levels_left)
        }
        value => Ok(Term::Field(path, Test::Equals(literal(name, value)?))),
    }
}

fn tests_of(path: &[String], tests: &BsonDocument, levels_left: usize) -> Result<Term> {
    let inner = deeper(levels_left)?;
    let at = path.join(".");
    let is = |test| Term::Field(path.to_vec(), test);
    let not = |filter| Term::Not(Box::new(filter));
    let values = |operator: &str, value: &Bson| match value {
        Bson::Array(values) => values.iter().map(|value| literal(&at, value)).collect(),
        _ => Err(Error::invalid(format!("the query: {operator} of '{at}' takes a list"))),
    };
    let order = |orders, value| Ok(is(Test::Order(orders, literal(&at, value)?)));
    let filters = tests.iter().map(|(operator, value)| match operator.as_str() {
        "$eq" => Ok(is(Test::Equals(literal(&at, value)?))),
        "$ne" => Ok(not(is(Test::Equals(literal(&at, value)?)))),
        "$in" => Ok(is(Test::In(values(operator, value)?))),
        "$nin" => Ok(not(is(Test::In(values(operator, value)?)))),
        "$gt" => order(&[Ordering::Greater], value),
        "$gte" => order(&[Ordering::Greater, Ordering::Equal], value),
        "$lt" => order(&[Ordering::Less], value),
        "$lte" => order(&[Ordering::Less, Ordering::Equal], value),
        "$exists" => match value {
            Bson::Boolean(wanted) => Ok(is(Test::Exists(*wanted))),
            _ => Err(Error::invalid(format!("the query: $exists of '{at}' takes true or false"))),
        },
        "$not" => match value {
            Bson::Document(tests) => Ok(not(tests_of(path, tests, inner)?)),
            _ => Err(Error::invalid(format!(
                "the query: $not of '{at}' takes tests, such as {{$gt: 5}}"
            ))),
        },
        other => Err(Error::invalid(format!(
            "the query: '{other}' of '{at}' is not known; {OPERATORS} are"
        ))),
    });
    Ok(Term::All(filters.collect::<Result<_>>()?))
}

/// A value to compare with.
fn literal(at: &str, value: &Bson) -> Result<Bson> {
    match value {
        Bson::RegularExpression(_) => Err(Error::invalid(format!(
            "the query: '{at}' has a regular expression; $in lists values"
        ))),
        value => Ok(value.clone()),
    }
}

fn deeper(levels_left: usize) -> Result<usize> {
    levels_left.checked_sub(1).ok_or_else(|| {
        Error::invalid(format!(
            "the query is nested deeper than {MOST_LEVELS} levels, which is the most"
        ))
    })
}
