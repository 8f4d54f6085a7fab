//! Which documents are shown: a small part of MongoDB's query language.
//!
//! Meant as the server means it: a path goes through arrays, a test of an array holds if it holds for
//! an element, `null` is what is missing too, and the order tests compare values of one type only.

use std::cmp::Ordering;

use bson::raw::{RawBsonRef, RawDocument};
use bson::{Bson, Document as BsonDocument, RawBson};

use crate::key::{compare, same_type};
use crate::value::malformed;
use crate::{Error, Result};

/// How deep a query may be nested.
const MOST_LEVELS: usize = 32;

const OPERATORS: &str = "$eq, $ne, $in, $nin, $gt, $gte, $lt, $lte, $exists and $not";

/// A query.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Field(Vec<String>, Test),
}

/// What must hold of a value.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Equals(Bson),
    In(Vec<Bson>),
    Exists(bool),
    /// It compares so with this.
    Order(&'static [Ordering], Bson),
}

impl Filter {
    /// Reads a query.
    ///
    /// # Errors
    /// `Invalid`, naming what is not understood and what would be.
    pub(super) fn parse(query: &BsonDocument) -> Result<Self> {
        parse_query(query, MOST_LEVELS)
    }

    /// Whether a document matches.
    ///
    /// # Errors
    /// `Corrupt` if the document does not decode.
    pub(super) fn matches(&self, document: &RawDocument) -> Result<bool> {
        Ok(match self {
            Self::All(filters) => {
                for filter in filters {
                    if !filter.matches(document)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Any(filters) => {
                for filter in filters {
                    if filter.matches(document)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(filter) => !filter.matches(document)?,
            Self::Field(path, test) => {
                let mut found = Vec::new();
                collect(document, path, &mut found)?;
                test.holds(&found)?
            }
        })
    }
}

impl Test {
    /// Whether it holds for one of the values at its path.
    fn holds(&self, found: &[RawBsonRef<'_>]) -> Result<bool> {
        let wanted = match self {
            Self::Exists(wanted) => return Ok(found.is_empty() != *wanted),
            Self::Equals(wanted) | Self::Order(_, wanted) => std::slice::from_ref(wanted),
            Self::In(wanted) => wanted,
        };
        let orders =
            if let Self::Order(orders, _) = self { orders } else { &[Ordering::Equal][..] };
        if found.is_empty() {
            return Ok(wanted.contains(&Bson::Null) && orders.contains(&Ordering::Equal));
        }
        for value in found {
            let value = Bson::try_from(RawBson::from(*value)).map_err(malformed)?;
            let elements =
                if let Bson::Array(elements) = &value { elements.as_slice() } else { &[] };
            for value in std::iter::once(&value).chain(elements) {
                let holds = |wanted: &Bson| {
                    same_type(value, wanted) && orders.contains(&compare(value, wanted))
                };
                if wanted.iter().any(holds) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// The values at a path of a document.
fn collect<'a>(
    document: &'a RawDocument,
    path: &[String],
    found: &mut Vec<RawBsonRef<'a>>,
) -> Result<()> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    match document.get(name).map_err(malformed)? {
        Some(value) => collect_value(value, rest, found),
        None => Ok(()),
    }
}

fn collect_value<'a>(
    value: RawBsonRef<'a>,
    path: &[String],
    found: &mut Vec<RawBsonRef<'a>>,
) -> Result<()> {
    match value {
        _ if path.is_empty() => {
            found.push(value);
            Ok(())
        }
        RawBsonRef::Document(document) => collect(document, path, found),
        RawBsonRef::Array(array) => {
            for (index, element) in array.into_iter().enumerate() {
                let element = element.map_err(malformed)?;
                if path[0] == index.to_string() {
                    collect_value(element, &path[1..], found)?;
                }
                if let RawBsonRef::Document(document) = element {
                    collect(document, path, found)?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn parse_query(query: &BsonDocument, levels_left: usize) -> Result<Filter> {
    let inner = deeper(levels_left)?;
    let filters = query.iter().map(|(name, value)| match name.as_str() {
        "$and" => Ok(Filter::All(list(name, value, inner)?)),
        "$or" => Ok(Filter::Any(list(name, value, inner)?)),
        "$nor" => Ok(Filter::Not(Box::new(Filter::Any(list(name, value, inner)?)))),
        _ if name.starts_with('$') => Err(Error::invalid(format!(
            "keep has '{name}' where a field is expected, or one of $and, $or and $nor"
        ))),
        _ => field(name, value, inner),
    });
    Ok(Filter::All(filters.collect::<Result<_>>()?))
}

fn list(operator: &str, value: &Bson, levels_left: usize) -> Result<Vec<Filter>> {
    let wrong = || Error::invalid(format!("keep: '{operator}' takes a list of queries, not empty"));
    let items = value.as_array().filter(|items| !items.is_empty()).ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| parse_query(item.as_document().ok_or_else(wrong)?, levels_left))
        .collect()
}

fn field(name: &str, value: &Bson, levels_left: usize) -> Result<Filter> {
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(Error::invalid(format!("keep: '{name}' is no path to a field")));
    }
    match value {
        Bson::Document(tests) if tests.keys().next().is_some_and(|name| name.starts_with('$')) => {
            tests_of(&path, tests, levels_left)
        }
        value => Ok(Filter::Field(path, Test::Equals(literal(name, value)?))),
    }
}

fn tests_of(path: &[String], tests: &BsonDocument, levels_left: usize) -> Result<Filter> {
    let inner = deeper(levels_left)?;
    let at = path.join(".");
    let is = |test| Filter::Field(path.to_vec(), test);
    let not = |filter| Filter::Not(Box::new(filter));
    let values = |operator: &str, value: &Bson| match value {
        Bson::Array(values) => values.iter().map(|value| literal(&at, value)).collect(),
        _ => Err(Error::invalid(format!("keep: {operator} of '{at}' takes a list"))),
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
            _ => Err(Error::invalid(format!("keep: $exists of '{at}' takes true or false"))),
        },
        "$not" => match value {
            Bson::Document(tests) => Ok(not(tests_of(path, tests, inner)?)),
            _ => {
                Err(Error::invalid(format!("keep: $not of '{at}' takes tests, such as {{$gt: 5}}")))
            }
        },
        other => {
            Err(Error::invalid(format!("keep: '{other}' of '{at}' is not known; {OPERATORS} are")))
        }
    });
    Ok(Filter::All(filters.collect::<Result<_>>()?))
}

/// A value to compare with.
fn literal(at: &str, value: &Bson) -> Result<Bson> {
    match value {
        Bson::RegularExpression(_) => {
            Err(Error::invalid(format!("keep: '{at}' has a regular expression; $in lists values")))
        }
        value => Ok(value.clone()),
    }
}

fn deeper(levels_left: usize) -> Result<usize> {
    levels_left.checked_sub(1).ok_or_else(|| {
        Error::invalid(format!(
            "keep is nested deeper than {MOST_LEVELS} levels, which is the most"
        ))
    })
}

#[cfg(test)]
mod tests {
    use bson::{bson, doc, rawdoc};

    use super::*;

    fn matches(query: &BsonDocument, document: &RawDocument) -> bool {
        Filter::parse(query).unwrap().matches(document).unwrap()
    }

    #[test]
    fn queries_mean_what_they_mean_in_mongodb() {
        let document = rawdoc! {
            "_id": 1, "n": 5, "s": "b", "tags": ["x", "y"], "nothing": null,
            "in": { "n": 2.5 }, "items": [{ "price": 3 }, { "price": 9, "free": true }],
        };
        for (holds, query) in [
            (true, doc! {}),
            (true, doc! { "n": 5_i64, "s": "b" }),
            (false, doc! { "n": 5, "s": "c" }),
            (true, doc! { "n": { "$gt": 4, "$lte": 5.0 } }),
            (false, doc! { "n": { "$lt": 5 } }),
            (false, doc! { "s": { "$gt": 4 } }),
            (true, doc! { "s": { "$gte": "b", "$lt": "c" } }),
            (true, doc! { "tags": "y" }),
            (true, doc! { "tags": ["x", "y"] }),
            (true, doc! { "tags.1": "y" }),
            (false, doc! { "tags.0": "y" }),
            (false, doc! { "tags": { "$nin": ["y", "z"] } }),
            (true, doc! { "tags": { "$in": ["y", "z"] } }),
            (true, doc! { "in.n": { "$ne": 2 } }),
            (true, doc! { "items.price": 9 }),
            (true, doc! { "items.1.price": { "$gt": 3 } }),
            (false, doc! { "items.0.price": { "$gt": 3 } }),
            (true, doc! { "items.free": { "$exists": true } }),
            (true, doc! { "gone": { "$exists": false } }),
            (true, doc! { "nothing": { "$exists": true } }),
            (true, doc! { "nothing": null, "gone": null }),
            (false, doc! { "n": null }),
            (true, doc! { "n": { "$not": { "$gt": 5 } } }),
            (true, doc! { "$or": [{ "n": 6 }, { "s": "b" }] }),
            (false, doc! { "$and": [{ "n": 6 }, { "s": "b" }] }),
            (true, doc! { "$nor": [{ "n": 6 }, { "s": "c" }] }),
        ] {
            assert_eq!(matches(&query, &document), holds, "{query}");
        }
    }

    #[test]
    fn a_query_that_is_not_understood_is_refused_with_what_is() {
        for query in [
            doc! { "$where": "x" },
            doc! { "n": { "$regex": "x" } },
            doc! { "n": { "$in": 5 } },
            doc! { "n": { "$exists": 1 } },
            doc! { "n": { "$not": 1 } },
            doc! { "$or": [] },
            doc! { "$and": [1] },
            doc! { "a..b": 1 },
            doc! { "n": { "$gt": 1, "b": 2 } },
        ] {
            let error = Filter::parse(&query).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{query}");
        }
        let deep = (0..40).fold(bson!({ "n": 1 }), |inner, _| bson!({ "$and": [inner] }));
        assert!(Filter::parse(deep.as_document().unwrap()).is_err());
    }
}
