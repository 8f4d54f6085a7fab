//! The values that the documents which match a filter have at a path.
//!
//! The bounds of a path hold for the entries of an index on it: each document that matches has an
//! entry with a value inside. They may be too wide, because the filter is evaluated again on each
//! document, but never too narrow.
//!
//! Where documents may have arrays, the conditions on one path may hold for different elements. Then
//! the narrowest condition bounds the path, and they are not intersected.

use bson::{Bson, Document};

use super::condition::{each_operator, is_on_values, is_operators, of_condition};
use super::interval::{Interval, Intervals, bracket, nullish};

/// What the bounds are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Whether a document may have several values at a path.
    pub(super) multikey: bool,
    /// Whether texts are compared by a collation, so that different ones may be equal.
    pub(super) collated: bool,
    /// Whether a condition is on a single element of an array, which is taken as it is.
    pub(super) element: bool,
}

/// The values at a path.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bounds {
    pub(super) intervals: Intervals,
    /// Whether a document that has one of the values in an index satisfies the condition.
    pub(super) exact: bool,
    /// Whether the condition needs a value, so that it fails for missing fields.
    pub(super) exists: bool,
}

impl Reading {
    pub(super) fn new(multikey: bool, collated: bool) -> Self {
        Self { multikey, collated, element: false }
    }

    /// Whether all conditions are on the same value.
    pub(super) fn is_single(self) -> bool {
        self.element || !self.multikey
    }
}

impl Bounds {
    /// No bounds.
    pub(super) fn all() -> Self {
        Self { intervals: Intervals::all(), exact: false, exists: false }
    }

    pub(super) fn exact(intervals: Intervals) -> Self {
        let (exists, exact) = (!intervals.meets(&nullish()), !intervals.is_all());
        Self { intervals, exact, exists }
    }

    pub(super) fn inexact(intervals: Intervals) -> Self {
        Self { exact: false, ..Self::exact(intervals) }
    }

    /// A condition that needs a value, of any type.
    pub(super) fn existing() -> Self {
        Self { exists: true, ..Self::all() }
    }
}

/// Returns the bounds that a filter gives for a path.
pub(super) fn of_filter(filter: &Document, path: &str, reading: Reading) -> Bounds {
    Bounds { exact: false, ..all_of(each_of_filter(filter, path, reading), reading) }
}

/// Returns the bounds of each condition that a filter has for a path; all of them hold.
pub(super) fn each_of_filter(filter: &Document, path: &str, reading: Reading) -> Vec<Bounds> {
    let mut found = Vec::new();
    for (name, condition) in filter {
        match (name.as_str(), condition) {
            ("$and", Bson::Array(queries)) => {
                let each = queries.iter().filter_map(Bson::as_document);
                found.extend(each.flat_map(|query| each_of_filter(query, path, reading)));
            }
            ("$or", Bson::Array(queries)) => {
                // A document satisfies one of the queries.
                let each = queries.iter().filter_map(Bson::as_document);
                found.push(any(each.map(|query| of_filter(query, path, reading))));
            }
            (name, Bson::Document(operators)) if name == path && is_operators(operators) => {
                found.extend(each_operator(operators, reading));
            }
            (name, condition) if name == path => found.push(of_condition(condition, reading)),
            (name, condition) => {
                if let Some(rest) = path.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'))
                {
                    found.extend(below(condition, rest, reading));
                }
            }
        }
    }
    found
}

/// Whether exactly the documents with a value in the bounds of a path satisfy what a filter says
/// about it.
pub(super) fn is_exact(filter: &Document, path: &str, reading: Reading) -> bool {
    reading.is_single() && all_of(each_of_filter(filter, path, reading), reading).exact
}

/// Collects the paths of a filter's conditions, also those below `$elemMatch`.
pub(super) fn paths(filter: &Document, above: &str, found: &mut Vec<String>) {
    for (name, condition) in filter {
        match (name.as_str(), condition) {
            ("$and", Bson::Array(queries)) => {
                queries.iter().filter_map(Bson::as_document).for_each(|q| paths(q, above, found));
            }
            (operator, _) if operator.starts_with('$') => {}
            (path, condition) => {
                let path = format!("{above}{path}");
                if let Bson::Document(operators) = condition
                    && let Ok(query) = operators.get_document("$elemMatch")
                    && !is_on_values(query)
                {
                    paths(query, &format!("{path}."), found);
                }
                if !found.contains(&path) {
                    found.push(path);
                }
            }
        }
    }
}

/// Returns the queries of `$elemMatch` on the documents of arrays, each with the path of the array.
pub(super) fn element_queries(filter: &Document) -> Vec<(&str, &Document)> {
    let mut found = Vec::new();
    for (name, condition) in filter {
        match (name.as_str(), condition) {
            ("$and", Bson::Array(queries)) => {
                found
                    .extend(queries.iter().filter_map(Bson::as_document).flat_map(element_queries));
            }
            (path, Bson::Document(operators)) => {
                let query = operators.get_document("$elemMatch").ok();
                found.extend(query.filter(|query| !is_on_values(query)).map(|query| (path, query)));
            }
            _ => {}
        }
    }
    found
}

/// The bounds of a path in the documents of an array that `$elemMatch` selects.
fn below(condition: &Bson, rest: &str, reading: Reading) -> Vec<Bounds> {
    let Bson::Document(operators) = condition else { return Vec::new() };
    let mut found = Vec::new();
    for (operator, argument) in operators {
        match (operator.as_str(), argument) {
            ("$elemMatch", Bson::Document(query)) if !is_on_values(query) => {
                found.push(of_filter(query, rest, reading));
            }
            ("$all", Bson::Array(conditions)) => {
                found.extend(conditions.iter().flat_map(|inner| below(inner, rest, reading)));
            }
            _ => {}
        }
    }
    found
}

/// All of the conditions hold.
pub(super) fn all_of(mut found: Vec<Bounds>, reading: Reading) -> Bounds {
    if found.len() == 1 {
        return found.remove(0);
    }
    let exists = found.iter().any(|bounds| bounds.exists);
    if reading.is_single() {
        let exact = !found.is_empty() && found.iter().all(|bounds| bounds.exact);
        let each = found.iter().map(|bounds| &bounds.intervals);
        let intervals = each.fold(Intervals::all(), |all, one| all.intersection(one));
        return Bounds { intervals, exact, exists };
    }
    let narrowest = found.into_iter().min_by_key(|bounds| width(&bounds.intervals));
    let intervals = narrowest.map_or_else(Intervals::all, |narrowest| narrowest.intervals);
    Bounds { intervals, exact: false, exists }
}

/// One of the conditions holds.
pub(super) fn any(found: impl IntoIterator<Item = Bounds>) -> Bounds {
    let found: Vec<Bounds> = found.into_iter().collect();
    let (exact, exists) = found
        .iter()
        .fold((true, true), |(exact, exists), one| (exact && one.exact, exists && one.exists));
    Bounds {
        intervals: Intervals::union(found.into_iter().map(|one| one.intervals)),
        exact,
        exists,
    }
}

/// A condition does not hold: no value in an index is one that satisfies it.
pub(super) fn not(bounds: &Bounds, reading: Reading) -> Bounds {
    if !bounds.exact {
        return Bounds::all();
    }
    if reading.is_single() {
        return Bounds::exact(bounds.intervals.complement());
    }
    // A path through an array has null also where no condition is evaluated.
    let known = bounds.intervals.intersection(&nullish().complement());
    Bounds { exists: false, ..Bounds::inexact(known.complement()) }
}

/// How much of the values a set has, as a guess: few points, parts of a type, types, nearly all.
pub(super) fn width(intervals: &Intervals) -> (u8, usize) {
    let width_of = |interval: &Interval| {
        if interval.is_point() {
            return 1;
        }
        let whole = bracket(interval.low.value()).or_else(|| bracket(interval.high.value()));
        match whole {
            Some(whole) if interval.low >= whole.low && interval.high <= whole.high => {
                let ends = [interval.low == whole.low, interval.high == whole.high];
                2 + u8::from(ends[0]) + u8::from(ends[1])
            }
            _ => 5,
        }
    };
    let widest = intervals.iter().map(width_of).max().unwrap_or(0);
    (if intervals.is_all() { 6 } else { widest }, intervals.iter().len())
}
