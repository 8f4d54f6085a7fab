//! The values that are read of each field of an index.

use std::collections::BTreeMap;

use argon_core::document::{FieldKind, Index, IndexField, index_hash};
use bson::raw::RawBson;
use bson::{Bson, Document};

use super::Query;
use super::bounds::{self, Bounds, Reading};
use super::interval::{Interval, Intervals, bracket, nullish};

/// The values that are read of a field of an index.
#[derive(Debug, Clone)]
pub(super) struct FieldBounds {
    /// The path; for a wildcard index, the one that is read.
    pub(super) path: String,
    pub(super) kind: FieldKind,
    pub(super) intervals: Intervals,
    /// Whether exactly the documents with these values satisfy what the filter says about the path.
    pub(super) exact: bool,
}

/// Returns the values that a query reads of each field of an index.
///
/// # Errors
/// The reason why the index can't be used, in words that follow its name.
pub(super) fn of_index(
    query: &Query<'_>,
    index: &Index,
    multikey: bool,
) -> Result<Vec<FieldBounds>, String> {
    match index.fields() {
        [field] if field.kind() == FieldKind::Wildcard => of_wildcard(query, index),
        fields => of_fields(query, index, fields, multikey),
    }
}

fn of_fields(
    query: &Query<'_>,
    index: &Index,
    fields: &[IndexField],
    multikey: bool,
) -> Result<Vec<FieldBounds>, String> {
    let reading = Reading::new(multikey, query.is_collated());
    let together = if multikey { of_one_element(query.filter, fields, reading) } else { None };
    let (mut found, mut exists) = (Vec::with_capacity(fields.len()), false);
    let mut bounded: Vec<&str> = Vec::new();
    for field in fields {
        let path = field.path();
        let of_path = bounds::of_filter(query.filter, path, reading);
        exists |= of_path.exists;
        let first = first_name(path);
        let intervals = match &together {
            Some(together) if first_name(&together.array) == first => {
                together.bounds.get(path).cloned().unwrap_or_else(Intervals::all)
            }
            // Conditions on two paths through one array may hold for different elements.
            _ if multikey && bounded.contains(&first) => Intervals::all(),
            _ => of_path.intervals,
        };
        let intervals = readable(field.kind(), intervals, multikey && index.is_sparse());
        if !intervals.is_all() {
            bounded.push(first);
        }
        found.push(FieldBounds {
            path: path.to_owned(),
            kind: field.kind(),
            intervals,
            exact: bounds::is_exact(query.filter, path, reading),
        });
    }
    if index.is_sparse() && !exists && !query.is_hinted() {
        return Err("is sparse, and a document without its fields may match".to_owned());
    }
    Ok(found)
}

/// The part of the values of a field that its index can read.
fn readable(kind: FieldKind, values: Intervals, sparse_with_arrays: bool) -> Intervals {
    match kind {
        FieldKind::Hashed => hashed(&values),
        // An element without any of the fields has no entry.
        _ if sparse_with_arrays && values.meets(&nullish()) => Intervals::all(),
        _ => values,
    }
}

fn first_name(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// The values that one element of an array has at several paths.
struct OneElement {
    array: String,
    bounds: BTreeMap<String, Intervals>,
}

/// Returns the bounds that one `$elemMatch` gives for several fields: they hold for one element.
fn of_one_element(
    filter: &Document,
    fields: &[IndexField],
    reading: Reading,
) -> Option<OneElement> {
    let each = bounds::element_queries(filter).into_iter().map(|(array, query)| {
        let (mut bounds, mut names) = (BTreeMap::new(), Vec::new());
        for field in fields {
            let rest = field.path().strip_prefix(array).and_then(|rest| rest.strip_prefix('.'));
            // Two paths with the same name may go on through another array.
            let Some(rest) = rest.filter(|rest| !names.contains(&first_name(rest))) else {
                continue;
            };
            let Bounds { intervals, .. } = bounds::of_filter(query, rest, reading);
            if !intervals.is_all() {
                names.push(first_name(rest));
                bounds.insert(field.path().to_owned(), intervals);
            }
        }
        OneElement { array: array.to_owned(), bounds }
    });
    each.filter(|one| one.bounds.len() > 1).max_by_key(|one| one.bounds.len())
}

/// The hashes of a list of values; all if the set is not a list.
fn hashed(values: &Intervals) -> Intervals {
    let hash = |interval: &Interval| {
        let value = RawBson::try_from(interval.low.value().clone()).ok()?;
        index_hash(value.as_raw_bson_ref()).ok()
    };
    let hashes: Option<Vec<i64>> =
        if values.is_points() { values.iter().map(hash).collect() } else { None };
    match hashes {
        Some(hashes) => {
            Intervals::union(hashes.into_iter().map(|hash| Intervals::point(hash.into())))
        }
        None => Intervals::all(),
    }
}

/// The bounds of the one path of a wildcard index that a query bounds best.
fn of_wildcard(query: &Query<'_>, index: &Index) -> Result<Vec<FieldBounds>, String> {
    // The entries have no missing values, and documents only if they are empty.
    let absent = [
        nullish(),
        bracket(&Bson::Document(Document::new()))
            .map_or_else(Intervals::all, |bracket| Intervals::of(vec![bracket])),
    ];
    let absent = Intervals::union(absent);
    let reading = Reading::new(true, query.is_collated());
    let mut paths = Vec::new();
    bounds::paths(query.filter, "", &mut paths);
    paths.retain(|path| index.covers(path) && !has_number(path));
    let bounded = paths.into_iter().filter_map(|path| {
        let intervals = bounds::of_filter(query.filter, &path, reading).intervals;
        (!intervals.meets(&absent)).then_some((path, intervals))
    });
    let best = bounded.min_by_key(|(_, intervals)| bounds::width(intervals));
    let (path, intervals) = best.ok_or("has no entries for what the query asks")?;
    Ok(vec![FieldBounds { path, kind: FieldKind::Wildcard, intervals, exact: false }])
}

fn has_number(path: &str) -> bool {
    path.split('.').any(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
}
