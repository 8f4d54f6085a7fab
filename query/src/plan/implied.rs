//! Whether a query only matches documents that are in a partial index.

use argon_core::definition::identical;
use bson::{Bson, Document, doc};

use super::bounds::{self, Bounds, Reading};
use super::condition::{has_text, is_operators, of_condition};
use super::interval::nullish;

/// Returns whether every document that a query matches also matches the filter of a partial index.
/// False if that is unknown.
pub(super) fn implies(query: &Document, filter: &Document, collated: bool) -> bool {
    filter.iter().all(|(name, condition)| implies_clause(query, name, condition, collated))
}

fn implies_clause(query: &Document, name: &str, condition: &Bson, collated: bool) -> bool {
    // The filter of an index compares texts byte by byte.
    if !(collated && has_text(condition)) && has_clause(query, name, condition) {
        return true;
    }
    let each = |conditions: &[Bson], holds: &mut dyn FnMut(&Document) -> bool, all: bool| {
        let mut results = conditions.iter().filter_map(Bson::as_document).map(holds);
        if all { results.all(|holds| holds) } else { results.any(|holds| holds) }
    };
    match (name, condition) {
        ("$comment", _) => true,
        ("$and", Bson::Array(filters)) => {
            each(filters, &mut |filter| implies(query, filter, collated), true)
        }
        ("$or", Bson::Array(filters)) => {
            each(filters, &mut |filter| implies(query, filter, collated), false)
        }
        (operator, _) if operator.starts_with('$') => false,
        (path, condition) => implies_condition(query, path, condition, collated),
    }
}

/// Returns whether a query has a condition as it is, among those that must all hold.
fn has_clause(query: &Document, name: &str, condition: &Bson) -> bool {
    query.iter().any(|(of_query, value)| match (of_query.as_str(), value) {
        ("$and", Bson::Array(queries)) => queries
            .iter()
            .filter_map(Bson::as_document)
            .any(|query| has_clause(query, name, condition)),
        (of_query, value) => of_query == name && is_same(value, condition),
    })
}

/// Returns whether two conditions are the same, with their fields in the same order.
fn is_same(one: &Bson, other: &Bson) -> bool {
    let [one, other] = [one, other].map(|value| doc! { "": value.clone() });
    identical(&one, &other)
}

/// Each operator of a condition must hold for the value that the query requires.
fn implies_condition(query: &Document, path: &str, condition: &Bson, collated: bool) -> bool {
    let required = bounds::each_of_filter(query, path, Reading::new(true, collated));
    match condition {
        Bson::Document(operators) if is_operators(operators) => {
            operators.iter().all(|(operator, argument)| {
                let one = Document::from_iter([(operator.clone(), argument.clone())]);
                is_required(&required, operator, &Bson::Document(one), collated)
            })
        }
        value => is_required(&required, "$eq", value, collated),
    }
}

fn is_required(required: &[Bounds], operator: &str, condition: &Bson, collated: bool) -> bool {
    if operator == "$exists" {
        let wanted = of_condition(condition, Reading::new(true, collated));
        return wanted.exists && required.iter().any(|one| one.exists);
    }
    let simple = matches!(operator, "$eq" | "$in" | "$gt" | "$gte" | "$lt" | "$lte");
    let wanted = of_condition(condition, Reading::new(true, collated));
    // Several conditions on one path may hold for different elements: one of them must suffice.
    let suffices = |one: &Bounds| {
        !one.intervals.meets(&nullish()) && one.intervals.is_within(&wanted.intervals)
    };
    simple && wanted.exact && required.iter().any(suffices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_implies_a_filter_that_every_match_satisfies() {
        for (query, filter, wanted) in [
            (doc! { "a": 6 }, doc! { "a": { "$gt": 5 } }, true),
            (doc! { "a": 5 }, doc! { "a": { "$gt": 5 } }, false),
            (doc! { "a": { "$gte": 6, "$lt": 9 } }, doc! { "a": { "$gt": 5 } }, true),
            (doc! { "a": { "$gte": 6, "$lte": 9 } }, doc! { "a": { "$lt": 20 } }, true),
            (doc! { "a": { "$in": [6, 7] } }, doc! { "a": { "$gt": 5, "$lt": 8 } }, true),
            (doc! { "a": { "$in": [6, "x"] } }, doc! { "a": { "$gt": 5 } }, false),
            (doc! { "a": 1, "b": 2 }, doc! { "b": 2 }, true),
            (doc! { "a": 1 }, doc! { "b": 2 }, false),
            (doc! { "a": 1 }, doc! { "a": { "$exists": true } }, true),
            (doc! { "a": null }, doc! { "a": { "$exists": true } }, false),
            (doc! { "a": { "$exists": true } }, doc! { "a": { "$exists": true } }, true),
            (doc! { "a": { "$ne": 1 } }, doc! { "a": { "$exists": true } }, false),
            (doc! { "a": { "$type": "int" } }, doc! { "a": { "$exists": true } }, true),
            (doc! { "a": { "$regex": "x" } }, doc! { "a": { "$regex": "x" } }, true),
            (doc! { "a": { "$regex": "x" } }, doc! { "a": { "$type": "string" } }, false),
            (doc! { "a": null }, doc! { "a": null }, true),
            (doc! { "a": { "$in": [null] } }, doc! { "a": null }, false),
            (doc! { "$and": [{ "b": 1 }, { "a": 7 }] }, doc! { "a": { "$gt": 5 } }, true),
            (doc! { "a": 7 }, doc! { "$or": [{ "a": 1 }, { "a": { "$gt": 5 } }] }, true),
            (doc! { "a": 7 }, doc! { "$and": [{ "a": { "$lt": 9 } }, { "b": 1 }] }, false),
            (doc! { "$or": [{ "a": 7 }, { "a": 9 }] }, doc! { "a": { "$gt": 5 } }, true),
            (doc! { "a": [7] }, doc! { "a": { "$gt": 5 } }, false),
            (doc! { "a": { "x": 1, "y": 2 } }, doc! { "a": { "x": 1, "y": 2 } }, true),
            (doc! { "a": { "x": 1, "y": 2 } }, doc! { "a": { "y": 2, "x": 1 } }, false),
            (doc! {}, doc! {}, true),
        ] {
            assert_eq!(implies(&query, &filter, false), wanted, "{query} {filter}");
        }
        assert!(!implies(&doc! { "a": "x" }, &doc! { "a": { "$gt": "b" } }, true));
        assert!(!implies(&doc! { "a": "x" }, &doc! { "a": "x" }, true));
        assert!(implies(&doc! { "a": 1 }, &doc! { "a": 1 }, true));
    }
}
