//! The element of an array that made a query match: what `$` in an update or a projection stands
//! for.
//!
//! The rules are those of the server's `MatchDetails`. The position is the index in the first array
//! on the path of a condition. Of the conditions that must all hold, the last one with a position
//! decides, in the order in which the server normalizes queries (`MatchExpression::sortTree`).
//! Alternatives and negations have none; but alternatives that are equalities of one path are `$in`.

use bson::raw::{RawArray, RawBsonRef, RawDocument};

use super::predicate::{Predicate, Test};
use super::{Environment, Filter, Term, Undecided};
use crate::document::path::{Name, Path};
use crate::document::walk;

/// A condition that may have a position: one of some tests holds at a path.
struct Condition<'f> {
    order: Order,
    path: &'f Path,
    tests: Vec<&'f Test>,
}

/// The place of a condition by its operator, as in the server's `MatchType`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    ElementDocument,
    Element,
    Size,
    Equal,
    LessOrEqual,
    Less,
    Greater,
    GreaterOrEqual,
    Regex,
    Modulo,
    Exists,
    In,
    Other,
}

impl Filter {
    /// Returns the index of the array element that made the query match, for the positional `$`;
    /// `None` if no condition matched through an array, or the document does not match.
    /// O(document × query).
    ///
    /// ```
    /// # use argon_core::document::Filter;
    /// # use bson::{doc, rawdoc};
    /// # fn main() -> argon_core::Result<()> {
    /// let filter = Filter::parse(&doc! { "grades": { "$gte": 85 } })?;
    /// let document = rawdoc! { "grades": [80, 85, 90] };
    /// assert_eq!(filter.position(&document, &())?, Some(1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The reason why it is undecidable.
    pub fn position(
        &self,
        document: &RawDocument,
        environment: Environment<'_>,
    ) -> Result<Option<usize>, Undecided> {
        if !self.matches_in(document, environment)? {
            return Ok(None);
        }
        let mut conditions = Vec::new();
        self.0.conditions(&mut conditions);
        conditions.sort_by_cached_key(|condition| condition.path.to_dotted());
        conditions.sort_by(|left, right| left.order.cmp(&right.order));
        for condition in conditions.iter().rev() {
            if let Some(position) = condition.position(document, environment)? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }
}

impl Term {
    /// Collects the conditions that hold in each document that matches.
    fn conditions<'f>(&'f self, conditions: &mut Vec<Condition<'f>>) {
        match self {
            Self::All(terms) => {
                for term in terms {
                    term.conditions(conditions);
                }
            }
            Self::Any(terms) => match terms.as_slice() {
                [only] => only.conditions(conditions),
                _ => conditions.extend(in_one_path(terms)),
            },
            Self::At(path, predicate) => predicate.conditions(path, conditions),
            Self::Not(_) | Self::Condition(_) => {}
        }
    }

    /// The path and the test, if the term is one equality.
    fn as_equality(&self) -> Option<(&Path, &Test)> {
        match self {
            Self::All(terms) | Self::Any(terms) => match terms.as_slice() {
                [only] => only.as_equality(),
                _ => None,
            },
            Self::At(path, Predicate::Test(test)) if test.order() == Order::Equal => {
                Some((path, test))
            }
            _ => None,
        }
    }
}

/// Alternatives as one condition, if they are equalities of one path.
fn in_one_path(terms: &[Term]) -> Option<Condition<'_>> {
    let equalities: Vec<_> = terms.iter().map(Term::as_equality).collect::<Option<_>>()?;
    let (path, _) = *equalities.first()?;
    let same = equalities.iter().all(|(other, _)| *other == path);
    let tests = equalities.into_iter().map(|(_, test)| test).collect();
    same.then_some(Condition { order: Order::In, path, tests })
}

impl Predicate {
    fn conditions<'f>(&'f self, path: &'f Path, conditions: &mut Vec<Condition<'f>>) {
        match self {
            Self::All(predicates) => {
                for predicate in predicates {
                    predicate.conditions(path, conditions);
                }
            }
            Self::Test(test) => {
                conditions.push(Condition { order: test.order(), path, tests: vec![test] });
            }
            Self::Not(_) => {}
        }
    }
}

impl Condition<'_> {
    /// The index of the first element for which one of the tests holds.
    fn position(
        &self,
        document: &RawDocument,
        environment: Environment<'_>,
    ) -> Result<Option<usize>, Undecided> {
        let Some((RawBsonRef::Array(array), rest)) = walk::follow(document, self.path.as_slice())?
        else {
            return Ok(None);
        };
        let mut first = None;
        for test in &self.tests {
            let position = test.position(array, rest, environment)?;
            first = first.into_iter().chain(position).min();
        }
        Ok(first)
    }
}

impl Test {
    fn order(&self) -> Order {
        match self {
            Self::Document(_) => Order::ElementDocument,
            Self::Element(_) => Order::Element,
            Self::Size(_) => Order::Size,
            Self::In(options) if options.is_one_value() => Order::Equal,
            Self::In(_) => Order::In,
            Self::Less(_, true) => Order::LessOrEqual,
            Self::Less(_, false) => Order::Less,
            Self::Greater(_, true) => Order::GreaterOrEqual,
            Self::Greater(_, false) => Order::Greater,
            Self::Matches(_) => Order::Regex,
            Self::Modulo { .. } => Order::Modulo,
            Self::Exists => Order::Exists,
            _ => Order::Other,
        }
    }

    /// The index of the first element of an array for which the test holds.
    fn position(
        &self,
        array: &RawArray,
        path: &[Name],
        environment: Environment<'_>,
    ) -> Result<Option<usize>, Undecided> {
        let is_end = path.is_empty();
        if is_end && !self.asks_elements() {
            return self.inner_position(array, environment);
        }
        for (index, element) in array.into_iter().enumerate() {
            let element = element?;
            let holds = if is_end {
                self.holds(Some(element), environment)?
            } else {
                let ask = &mut |value| self.holds(value, environment);
                walk::any_of_element((index, element), path, self.asks_elements(), ask)?
            };
            if holds {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The index of the first element that matches the query of `$elemMatch`.
    fn inner_position(
        &self,
        array: &RawArray,
        environment: Environment<'_>,
    ) -> Result<Option<usize>, Undecided> {
        if !matches!(self, Self::Element(_) | Self::Document(_)) {
            return Ok(None);
        }
        for (index, element) in array.into_iter().enumerate() {
            if self.holds_for_element(element?, environment)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use bson::{Document, doc, rawdoc};

    use super::*;

    #[track_caller]
    fn check(query: &Document, document: &RawDocument, expected: Option<usize>) {
        let position = Filter::parse(query).unwrap().position(document, &()).unwrap();
        assert_eq!(position, expected, "{query}");
    }

    #[test]
    fn the_position_is_the_index_in_the_first_array_on_the_path() {
        let document = rawdoc! {
            "a": [1, 5, 9],
            "b": { "c": [{ "d": 1 }, { "d": [2, 3] }] },
            "e": [[1], [2]],
            "f": 5,
        };
        for (query, expected) in [
            (doc! { "a": 5 }, Some(1)),
            (doc! { "a": { "$gt": 5 } }, Some(2)),
            (doc! { "a": { "$gt": 5, "$lt": 5 } }, Some(2)),
            (doc! { "a": { "$lt": 5, "$gt": 5 } }, Some(2)),
            (doc! { "b.c.d": 3 }, Some(1)),
            (doc! { "b.c": { "d": 1 } }, Some(0)),
            (doc! { "e": [2] }, Some(1)),
            (doc! { "a.1": 5 }, Some(1)),
            (doc! { "b.c.1.d": 2 }, Some(1)),
            (doc! { "a": [1, 5, 9] }, None),
            (doc! { "a": { "$size": 3 } }, None),
            (doc! { "f": 5 }, None),
            (doc! { "a": { "$ne": 4 } }, None),
            (doc! { "a": 4 }, None),
        ] {
            check(&query, &document, expected);
        }
    }

    #[test]
    fn conditions_are_combined_as_in_the_server() {
        let document = rawdoc! { "a": [1, 5, 9], "b": [{ "c": 1, "d": 2 }, { "c": 1, "d": 3 }] };
        for (query, expected) in [
            (doc! { "a": 9, "b.c": 1 }, Some(0)),
            (doc! { "b.c": 1, "a": 9 }, Some(0)),
            (doc! { "a": { "$gt": 5 }, "b.c": 1 }, Some(2)),
            (doc! { "$or": [{ "a": 4 }, { "a": 9 }, { "a": 5 }] }, Some(1)),
            (doc! { "$or": [{ "a": 9 }] }, Some(2)),
            (doc! { "$or": [{ "a": 9 }, { "b.c": 1 }] }, None),
            (doc! { "$nor": [{ "a": 4 }] }, None),
            (doc! { "a": 5, "$nor": [{ "a": 4 }] }, Some(1)),
            (doc! { "b": { "$elemMatch": { "c": 1, "d": 3 } } }, Some(1)),
            (doc! { "a": { "$elemMatch": { "$gt": 1, "$lt": 9 } } }, Some(1)),
            (doc! { "a": { "$all": [1, 9] } }, Some(2)),
        ] {
            check(&query, &document, expected);
        }
    }
}
