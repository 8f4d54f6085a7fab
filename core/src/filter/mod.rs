//! Which documents match: a small part of MongoDB's query language.
//!
//! Meant as the server means it: a path goes through arrays, a test of an array holds if it holds for
//! an element, `null` is what is missing too, and the order tests compare values of one type only.

mod parse;

use std::cmp::Ordering;

use bson::raw::{RawBsonRef, RawDocument};
use bson::{Bson, Document as BsonDocument, RawBson};

use self::parse::{MOST_LEVELS, parse_query};
use crate::document::filter::sight::is_unambiguous;
use crate::key::{compare, same_type};
use crate::value::malformed;
use crate::{Error, Result};

/// A query, of equality, `$eq`, `$ne`, `$in`, `$nin`, `$gt`, `$gte`, `$lt`, `$lte`, `$exists`, `$not`,
/// `$and`, `$or` and `$nor`.
#[derive(Debug, Clone)]
pub struct Filter(Term);

#[derive(Debug, Clone)]
enum Term {
    All(Vec<Term>),
    Any(Vec<Term>),
    Not(Box<Term>),
    Field(Vec<String>, Test),
}

/// What must hold of a value.
#[derive(Debug, Clone)]
enum Test {
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
    pub fn parse(query: &BsonDocument) -> Result<Self> {
        parse_query(query, MOST_LEVELS).map(Self)
    }

    /// Whether a document matches.
    ///
    /// # Errors
    /// `Corrupt` if the document does not decode.
    pub fn matches(&self, document: &RawDocument) -> Result<bool> {
        self.0.matches(document)
    }

    /// Whether each path of the query can mean one field of the document only. It can mean several
    /// where two fields have one name, or a dot in a field's name could stand between two names:
    /// the query does not see such a field, and `$ne` would hold of a value that it never looked at.
    ///
    /// # Errors
    /// `Corrupt` if the document does not decode.
    pub(crate) fn sees(&self, document: &RawDocument) -> Result<bool> {
        self.0.sees(document)
    }

    /// Refuses paths that no field can be found by: a query has no way to write a dot or `$` in a name.
    ///
    /// # Errors
    /// `Invalid`, naming the path.
    pub(crate) fn check_paths(&self) -> Result<()> {
        self.0.check_paths()
    }
}

impl Term {
    fn matches(&self, document: &RawDocument) -> Result<bool> {
        Ok(match self {
            Self::All(terms) => {
                for term in terms {
                    if !term.matches(document)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Any(terms) => {
                for term in terms {
                    if term.matches(document)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(term) => !term.matches(document)?,
            Self::Field(path, test) => {
                let mut found = Vec::new();
                collect(document, path, &mut found)?;
                test.holds(&found)?
            }
        })
    }

    fn sees(&self, document: &RawDocument) -> Result<bool> {
        match self {
            Self::All(terms) | Self::Any(terms) => {
                for term in terms {
                    if !term.sees(document)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Not(term) => term.sees(document),
            Self::Field(path, _) => is_unambiguous(document, path),
        }
    }

    fn check_paths(&self) -> Result<()> {
        match self {
            Self::All(terms) | Self::Any(terms) => terms.iter().try_for_each(Self::check_paths),
            Self::Not(term) => term.check_paths(),
            Self::Field(path, _) => {
                let unseen = |name: &str| {
                    name.contains(['\\', '\0'])
                        || name.starts_with('$') && !matches!(name, "$ref" | "$id" | "$db")
                };
                match path.iter().find(|name| unseen(name)) {
                    None => Ok(()),
                    Some(_) => Err(Error::invalid(format!(
                        "invalid path '{}' in the query: expected names with dots between, such as \
                         address.city; a query can't name a field with '.', '\\' or '$' in its name",
                        path.join(".").escape_debug()
                    ))),
                }
            }
        }
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
                    let raw = |value: &Bson| RawBson::try_from(value.clone());
                    let (Ok(value), Ok(wanted)) = (raw(value), raw(wanted)) else { return false };
                    let (value, wanted) = (value.as_raw_bson_ref(), wanted.as_raw_bson_ref());
                    same_type(value, wanted)
                        && compare(value, wanted).is_ok_and(|order| orders.contains(&order))
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
    fn a_document_is_seen_only_if_each_path_means_one_field_of_it() {
        let query = Filter::parse(&doc! { "a.b": { "$ne": 1 }, "$or": [{ "c": 1 }] }).unwrap();
        let mut twice = rawdoc! { "a": { "b": 1 } };
        twice.append(bson::cstr!("a"), 2);
        let mut inside = rawdoc! { "x": 1 };
        inside.append(bson::cstr!("x"), 2);
        for (seen, document) in [
            (true, rawdoc! {}),
            (true, rawdoc! { "a": { "b": 1, "x.y": 1 }, "a.c": 1, "": 1, "x.c": 1 }),
            (true, rawdoc! { "a": [{ "b": 1 }, 5] }),
            (false, rawdoc! { "a": [[{ "b": 1 }]] }),
            (false, rawdoc! { "a.b": 1 }),
            (false, rawdoc! { "a.b.c": 1 }),
            (false, rawdoc! { "a.0.b": 1 }),
            (false, rawdoc! { "a": [{ "b.c": 1 }] }),
            (false, rawdoc! { "c": 1, "c.x": 1 }),
            (false, twice),
            (false, rawdoc! { "a": { "b": inside } }),
        ] {
            assert_eq!(query.sees(&document).unwrap(), seen, "{document:?}");
        }
        for path in ["a\\.b", "$a", "items.$.n", "items.$[].n"] {
            assert!(
                Filter::parse(&doc! { path: 1 }).and_then(|f| f.check_paths()).is_err(),
                "{path}"
            );
        }
        assert!(Filter::parse(&doc! { "owner.$id": 1 }).unwrap().check_paths().is_ok());
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
