//! Chooses the plan of a query, by rules.
//!
//! Documents named by `_id` come first, then the index with the most equalities from its first field
//! on; a unique one with an equality for each field beats all. Among those with as many, one that is
//! in the order of the sort is better if there is a limit, then one with narrower ranges. A `$or` of
//! which each query has an index reads one after the other. An index without bounds is used for its
//! order alone if there is a limit.

use std::cmp::Reverse;

use argon_core::{Error, Result};
use bson::{Bson, Document, doc};

use super::candidate::Candidate;
use super::reason::{NO_ENTRIES, why};
use super::{Direction, Hint, IndexScan, Indexes, Plan, Query};
use crate::Code;
use crate::find::Access;
use crate::sort::SortPattern;

/// A plan, with what was considered.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The plan.
    pub plan: Plan,
    /// Whether the documents come in the order of the query's sort.
    pub is_sorted: bool,
    /// Other plans, the better first.
    pub rejected: Vec<Plan>,
}

impl Choice {
    fn of(plan: Plan, query: &Query<'_>) -> Self {
        let is_sorted = match (&plan, query.sort) {
            (_, None) => true,
            (Plan::IndexScan(scan), Some(_)) => scan.provides_sort,
            (Plan::Or(_), Some(_)) => false,
            (Plan::CollectionScan { .. }, Some(_)) if query.is_capped => false,
            (_, Some(sort)) => !query.is_collated() && is_by_id(sort),
        };
        Self { plan, is_sorted, rejected: Vec::new() }
    }

    /// The plan for a collection that does not exist.
    pub(crate) fn none() -> Self {
        let why = "the collection does not exist".to_owned();
        let plan = Plan::CollectionScan { direction: Direction::Ascending, why };
        Self { plan, is_sorted: true, rejected: Vec::new() }
    }

    /// The same for a collection that can only be scanned.
    pub(crate) fn scan(&self) -> Self {
        let why = match &self.plan {
            Plan::CollectionScan { why, .. } => why.clone(),
            _ => "the collection has no indexes".to_owned(),
        };
        let plan = Plan::CollectionScan { direction: Direction::Ascending, why };
        Self { plan, is_sorted: false, rejected: Vec::new() }
    }
}

/// Whether a sort is the order in which collections are stored: nothing is equal by `_id`.
fn is_by_id(sort: &SortPattern) -> bool {
    sort.fields().next().is_some_and(|(path, descending)| path == ["_id"] && !descending)
}

/// Chooses the plan of a query.
///
/// # Errors
/// `BadValue` if the hint names no index; `NoQueryExecutionPlans` if it names a partial index whose
/// filter the query does not imply, or a sparse or partial one without entries: a scan would give
/// documents that the index leaves out.
pub fn choose(query: &Query<'_>, indexes: Indexes<'_>) -> Result<Choice> {
    match query.hint {
        None => Ok(best(query, indexes, true)),
        Some(Hint::Natural(_)) => Ok(scan(query, "the hint is $natural".to_owned())),
        Some(hint) => hinted(hint, query, indexes),
    }
}

fn best(query: &Query<'_>, indexes: Indexes<'_>, may_split: bool) -> Choice {
    let access = Access::of(query.filter, query.collation);
    if let Access::Points(keys) = access {
        return Choice::of(Plan::IdPoints(keys), query);
    }
    let by_id = (access != Access::ALL).then(|| Plan::IdRange(access));
    let (mut candidates, refused) = candidates(query, indexes);
    let by_id_order = query.sort.is_some_and(is_by_id);
    candidates.retain(|candidate| {
        let sorts = candidate.sort.is_some() && query.limit.is_some() && !by_id_order;
        candidate.is_bounded() || sorts
    });
    candidates.sort_by_cached_key(|candidate| rank(candidate, query));
    let mut candidates = candidates.into_iter().peekable();
    let first = candidates.peek();
    let has_equality = first.is_some_and(|first| first.equalities() > 0);
    let is_sorted = first
        .is_some_and(|first| first.is_bounded() && first.sort.is_some() && query.limit.is_some());
    if !has_equality {
        let split = if may_split { split(query, indexes) } else { None };
        // The bounds of one index may have those of all queries of the `$or`.
        if let Some(plan) = split.filter(|plan| !first.is_some_and(|first| first.replaces(plan))) {
            return Choice::of(plan, query);
        }
        if let Some(plan) = by_id.filter(|_| !is_sorted) {
            return Choice::of(plan, query);
        }
    }
    let mut plans = candidates.map(|candidate| Plan::IndexScan(IndexScan::of(candidate, query)));
    match plans.next() {
        Some(plan) => Choice { rejected: plans.collect(), ..Choice::of(plan, query) },
        None if query.is_capped && by_id_order => Choice::of(Plan::IdRange(Access::ALL), query),
        None => scan(query, why(query, indexes, &refused)),
    }
}

impl Candidate {
    /// Whether a plan of a `$or` reads nothing but this index, which is bounded.
    fn replaces(&self, plan: &Plan) -> bool {
        let same = |plan: &Plan| matches!(plan, Plan::IndexScan(scan) if scan.at == self.at);
        self.is_bounded() && matches!(plan, Plan::Or(plans) if plans.iter().all(same))
    }
}

/// The indexes that can be used, and the others with the reason.
fn candidates(query: &Query<'_>, indexes: Indexes<'_>) -> (Vec<Candidate>, Vec<(String, String)>) {
    let (mut candidates, mut refused) = (Vec::new(), Vec::new());
    for (at, readable) in indexes.readable.iter().enumerate() {
        let name = readable.index.name();
        if readable.index.is_hidden() {
            refused.push((name.to_owned(), "is hidden".to_owned()));
            continue;
        }
        match Candidate::of(query, at, readable) {
            Ok(candidate) => candidates.push(candidate),
            Err(reason) => refused.push((name.to_owned(), reason)),
        }
    }
    (candidates, refused)
}

/// The better candidate has the lower rank.
fn rank(candidate: &Candidate, query: &Query<'_>) -> impl Ord + use<> {
    let sorts = query.sort.is_some() && candidate.sort.is_some();
    (
        !candidate.is_unique_point(),
        Reverse(candidate.equalities()),
        !candidate.is_bounded(),
        !(sorts && query.limit.is_some()),
        candidate.points(),
        candidate.range_width(),
        !sorts,
        !candidate.covers_filter,
        candidate.bounds.len(),
        candidate.index.name().to_owned(),
    )
}

/// A plan for each query of a `$or`, if each has an index.
fn split(query: &Query<'_>, indexes: Indexes<'_>) -> Option<Plan> {
    let mut alternatives = Vec::new();
    collect_alternatives(query.filter, &mut alternatives);
    alternatives.into_iter().find_map(|queries| {
        let plans = queries.iter().map(|one| {
            let filter = doc! { "$and": [query.filter.clone(), one.as_document()?.clone()] };
            let part = Query { filter: &filter, sort: None, limit: None, ..*query };
            match best(&part, indexes, false).plan {
                Plan::CollectionScan { .. } => None,
                plan => Some(plan),
            }
        });
        plans.collect::<Option<Vec<_>>>().map(Plan::Or)
    })
}

/// The lists of the `$or`s that must hold.
fn collect_alternatives<'q>(filter: &'q Document, found: &mut Vec<&'q [Bson]>) {
    for (name, value) in filter {
        match (name.as_str(), value) {
            ("$or", Bson::Array(queries)) => found.push(queries),
            ("$and", Bson::Array(queries)) => {
                let each = queries.iter().filter_map(Bson::as_document);
                each.for_each(|query| collect_alternatives(query, found));
            }
            _ => {}
        }
    }
}

fn hinted(hint: &Hint, query: &Query<'_>, indexes: Indexes<'_>) -> Result<Choice> {
    let definition = indexes.definitions.iter().find(|definition| hint.names(definition));
    let definition = definition.ok_or_else(|| Hint::unknown(indexes.definitions))?;
    let name = definition.get_str("name").unwrap_or_default();
    if is_id_index(definition) {
        return Ok(match Access::of(query.filter, query.collation) {
            Access::Points(keys) => Choice::of(Plan::IdPoints(keys), query),
            range @ Access::Range { .. } => Choice::of(Plan::IdRange(range), query),
        });
    }
    let position = indexes.readable.iter().position(|index| index.index.name() == name);
    let Some(at) = position else {
        let reason = indexes.unreadable.iter().find(|(unreadable, _)| unreadable == name);
        let reason = reason.map_or(NO_ENTRIES, |(_, reason)| reason);
        if leaves_out_documents(definition) {
            return Err(unusable(&format!(
                "index '{name}' {reason}, and a scan would give documents that the index leaves out"
            )));
        }
        return Ok(scan(query, format!("index '{name}' {reason}")));
    };
    let readable = &indexes.readable[at];
    if readable.index.is_hidden() {
        return Err(Hint::unknown(indexes.definitions));
    }
    match Candidate::of(query, at, readable) {
        Ok(candidate) => Ok(Choice::of(Plan::IndexScan(IndexScan::of(candidate, query)), query)),
        Err(reason) => Err(unusable(&format!("index '{name}' {reason}"))),
    }
}

fn unusable(reason: &str) -> Error {
    Code::location(291).error(format!("the hint can't be used: {reason}"))
}

/// Whether an index is sparse or partial by its definition.
fn leaves_out_documents(definition: &Document) -> bool {
    let is_sparse = definition.get("sparse").is_some_and(|sparse| match sparse {
        Bson::Boolean(is) => *is,
        Bson::Int32(number) => *number != 0,
        Bson::Int64(number) => *number != 0,
        Bson::Double(number) => *number != 0.0,
        _ => false,
    });
    is_sparse || definition.contains_key("partialFilterExpression")
}

pub(super) fn is_id_index(definition: &Document) -> bool {
    let key = definition.get_document("key");
    key.is_ok_and(|key| {
        key.len() == 1 && key.get("_id").is_some_and(|kind| kind.as_str().is_none())
    })
}

fn scan(query: &Query<'_>, why: String) -> Choice {
    let direction = match query.hint {
        Some(Hint::Natural(direction)) if query.is_capped => *direction,
        _ => Direction::Ascending,
    };
    Choice::of(Plan::CollectionScan { direction, why }, query)
}

impl IndexScan {
    fn of(candidate: Candidate, query: &Query<'_>) -> Self {
        let Candidate { at, index, multikey, bounds, ranges, sort, covers_filter } = candidate;
        let direction = sort.unwrap_or(Direction::Ascending);
        let provides_sort = query.sort.is_some() && sort.is_some();
        Self { at, index, multikey, bounds, ranges, direction, provides_sort, covers_filter }
    }
}
