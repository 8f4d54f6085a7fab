//! Plans as documents of MongoDB's `explain`.

use bson::{Bson, Document, doc};

use super::{Choice, Counters, Direction, IndexScan, Plan, bounds, shown};

/// A query that is explained.
#[derive(Debug, Clone, Copy)]
pub struct Explained<'e> {
    /// The database and the collection: `shop.boats`.
    pub namespace: &'e str,
    /// The name of the state that is read.
    pub state: &'e str,
    /// The filter.
    pub filter: &'e Document,
    /// The fields to give; empty for all.
    pub projection: &'e Document,
    /// The order; empty for none.
    pub sort: &'e Document,
    /// The number of documents to leave out first.
    pub skip: u64,
    /// The maximum number of documents; 0 for all.
    pub limit: u64,
    /// The plan.
    pub choice: &'e Choice,
}

/// Returns the `queryPlanner` of a query. Beyond MongoDB, `argon` has the state, and why no index is
/// used.
pub fn query_planner(explained: &Explained<'_>) -> Document {
    let Explained { namespace, state, filter, choice, .. } = *explained;
    let rejected: Vec<Bson> = choice
        .rejected
        .iter()
        .map(|plan| {
            let is_sorted = match plan {
                Plan::IndexScan(scan) => explained.sort.is_empty() || scan.provides_sort,
                _ => explained.sort.is_empty(),
            };
            stages(explained, plan, is_sorted).into()
        })
        .collect();
    let mut argon = doc! { "state": state };
    if let Plan::CollectionScan { why, .. } = &choice.plan {
        argon.insert("why", why);
    }
    doc! {
        "namespace": namespace,
        "parsedQuery": filter.clone(),
        "indexFilterSet": false,
        "winningPlan": stages(explained, &choice.plan, choice.is_sorted),
        "rejectedPlans": rejected,
        "argon": argon,
    }
}

/// Returns the `executionStats` of a query that was run.
pub fn execution_stats(returned: u64, millis: u64, counters: &Counters) -> Document {
    let number = |number: u64| Bson::Int64(i64::try_from(number).unwrap_or(i64::MAX));
    doc! {
        "executionSuccess": true,
        "nReturned": number(returned),
        "executionTimeMillis": number(millis),
        "totalKeysExamined": number(counters.keys()),
        "totalDocsExamined": number(counters.documents()),
    }
}

/// The stages, the last one outermost.
fn stages(explained: &Explained<'_>, plan: &Plan, is_sorted: bool) -> Document {
    let Explained { projection, sort, skip, limit, .. } = *explained;
    let number = |number: u64| Bson::Int64(i64::try_from(number).unwrap_or(i64::MAX));
    let mut stage = reading(explained, plan);
    let mut over = |name: &str, fields: Document| {
        let mut outer = doc! { "stage": name };
        outer.extend(fields);
        outer.insert("inputStage", std::mem::take(&mut stage));
        stage = outer;
    };
    if !is_sorted {
        let mut fields = doc! { "sortPattern": sort.clone(), "type": "simple" };
        if limit > 0 {
            fields.insert("limitAmount", number(limit.saturating_add(skip)));
        }
        over("SORT", fields);
    }
    if skip > 0 {
        over("SKIP", doc! { "skipAmount": number(skip) });
    }
    if !projection.is_empty() {
        over(projection_stage(projection), doc! { "transformBy": projection.clone() });
    }
    if limit > 0 && (is_sorted || skip > 0) {
        over("LIMIT", doc! { "limitAmount": number(limit) });
    }
    stage
}

fn projection_stage(projection: &Document) -> &'static str {
    let is_plain = |(name, value): (&String, &Bson)| {
        let is_switch =
            matches!(value, Bson::Boolean(_) | Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_));
        is_switch && !name.contains('.')
    };
    if projection.iter().all(is_plain) { "PROJECTION_SIMPLE" } else { "PROJECTION_DEFAULT" }
}

fn reading(explained: &Explained<'_>, plan: &Plan) -> Document {
    let filter = explained.filter;
    match plan {
        Plan::CollectionScan { direction, .. } => {
            let mut stage = doc! { "stage": "COLLSCAN" };
            if !filter.is_empty() {
                stage.insert("filter", filter.clone());
            }
            stage.insert("direction", shown_direction(*direction));
            stage
        }
        Plan::IdPoints(keys) if keys.len() == 1 && filter.len() == 1 => doc! { "stage": "IDHACK" },
        Plan::Or(plans) => {
            let inputs: Vec<Bson> =
                plans.iter().map(|plan| entries(explained, plan).into()).collect();
            let or = doc! { "stage": "OR", "inputStages": inputs };
            let fetch = doc! { "stage": "FETCH", "filter": filter.clone(), "inputStage": or };
            doc! { "stage": "SUBPLAN", "inputStage": fetch }
        }
        Plan::IndexScan(scan) if scan.covers_filter => {
            doc! { "stage": "FETCH", "inputStage": index_scan(scan) }
        }
        plan => {
            let input = entries(explained, plan);
            doc! { "stage": "FETCH", "filter": filter.clone(), "inputStage": input }
        }
    }
}

/// The stage that gives the `_id`s of documents.
fn entries(explained: &Explained<'_>, plan: &Plan) -> Document {
    match plan {
        Plan::IndexScan(scan) => index_scan(scan),
        Plan::IdPoints(keys) => {
            let points = keys.iter().map(|key| shown::value(&key.to_bson()));
            let points = points.map(|point| Bson::from(format!("[{point}, {point}]")));
            id_scan(points.collect())
        }
        plan => {
            let reading = bounds::Reading::new(false, true);
            let of_id = match plan {
                Plan::IdRange(_) => bounds::of_filter(explained.filter, "_id", reading).intervals,
                _ => bounds::Bounds::all().intervals,
            };
            id_scan(
                shown::intervals(&of_id, Direction::Ascending)
                    .into_iter()
                    .map(Bson::from)
                    .collect(),
            )
        }
    }
}

fn shown_direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "forward",
        Direction::Descending => "backward",
    }
}

impl Plan {
    /// The plan in a few words, as MongoDB's log has it.
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::CollectionScan { .. } => "COLLSCAN".to_owned(),
            Self::IdPoints(keys) if keys.len() == 1 => "IDHACK".to_owned(),
            Self::IdPoints(_) | Self::IdRange(_) => "IXSCAN { _id: 1 }".to_owned(),
            Self::IndexScan(scan) => {
                let key: Bson = scan.index.key_pattern().clone().into();
                format!("IXSCAN {}", shown::value(&key))
            }
            Self::Or(plans) => plans.iter().map(Self::summary).collect::<Vec<_>>().join(", "),
        }
    }
}

fn id_scan(bounds: Vec<Bson>) -> Document {
    doc! {
        "stage": "IXSCAN",
        "keyPattern": { "_id": 1 },
        "indexName": "_id_",
        "isMultiKey": false,
        "isUnique": true,
        "isSparse": false,
        "isPartial": false,
        "direction": "forward",
        "indexBounds": { "_id": bounds },
    }
}

fn index_scan(scan: &IndexScan) -> Document {
    doc! {
        "stage": "IXSCAN",
        "keyPattern": scan.index.key_pattern().clone(),
        "indexName": scan.index.name(),
        "isMultiKey": scan.multikey,
        "isUnique": scan.index.is_unique(),
        "isSparse": scan.index.is_sparse(),
        "isPartial": scan.index.filter().is_some(),
        "direction": shown_direction(scan.direction),
        "indexBounds": scan.shown_bounds(),
    }
}

impl IndexScan {
    /// The values that are read of each field, as MongoDB shows them.
    pub fn shown_bounds(&self) -> Document {
        let descending = |path: &str| {
            let direction = self.index.key_pattern().get(path);
            direction.is_some_and(|direction| match direction {
                Bson::Int32(number) => *number < 0,
                Bson::Int64(number) => *number < 0,
                Bson::Double(number) => *number < 0.0,
                _ => false,
            })
        };
        let fields = self.bounds.iter().map(|field| {
            // A descending field is read from its greatest value, and from the least backward.
            let backward = descending(&field.path) != (self.direction == Direction::Descending);
            let direction = if backward { Direction::Descending } else { Direction::Ascending };
            let shown = shown::intervals(&field.intervals, direction);
            (field.path.clone(), Bson::from(shown))
        });
        fields.collect()
    }
}
