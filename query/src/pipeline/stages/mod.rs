//! The stages, a file each or a few of a kind.

mod bucket;
mod bucket_auto;
mod count;
mod densify;
mod documents;
mod facet;
mod fields;
mod from;
mod granularity;
mod graph_lookup;
mod group;
mod history;
mod join_table;
mod limit;
mod lookup;
mod r#match;
mod merge;
mod project;
mod redact;
mod set_window_fields;
mod sort;
mod statistics;
mod union_with;
pub(super) mod unwind;

use std::collections::BTreeMap;
use std::sync::OnceLock;

pub(super) use from::From;
pub(super) use sort::Sort;

use super::stage::Definition;

const FAMILIES: &[&[Definition]] = &[
    bucket::STAGES,
    bucket_auto::STAGES,
    count::STAGES,
    densify::STAGES,
    documents::STAGES,
    facet::STAGES,
    graph_lookup::STAGES,
    group::STAGES,
    history::STAGES,
    limit::STAGES,
    lookup::STAGES,
    r#match::STAGES,
    merge::STAGES,
    project::STAGES,
    redact::STAGES,
    set_window_fields::STAGES,
    sort::STAGES,
    statistics::STAGES,
    union_with::STAGES,
    unwind::STAGES,
    REFUSED,
];

/// The stages of MongoDB that are refused.
const REFUSED: &[Definition] = &[
    Definition::refused("$changeStream", "is not a stage of a pipeline over a state"),
    Definition::refused("$changeStreamSplitLargeEvent", "needs a change stream"),
    Definition::refused("$currentOp", "is about the operations of a server"),
    Definition::refused("$geoNear", "needs an index of places"),
    Definition::refused("$listClusterCatalog", "is about a cluster"),
    Definition::refused("$listLocalSessions", "is about the sessions of a server"),
    Definition::refused("$listSampledQueries", "is about a cluster"),
    Definition::refused("$listSearchIndexes", "needs a search index"),
    Definition::refused("$listSessions", "is about the sessions of a server"),
    Definition::refused("$planCacheStats", "is about the plans of a server"),
    Definition::refused("$querySettings", "is about the settings of a cluster"),
    Definition::refused("$queryStats", "is about the queries of a server"),
    Definition::refused("$rankFusion", "needs a search index"),
    Definition::refused("$search", "needs a search index"),
    Definition::refused("$searchMeta", "needs a search index"),
    Definition::refused("$shardedDataDistribution", "is about a cluster"),
    Definition::refused("$vectorSearch", "needs a search index"),
];

fn definitions() -> &'static BTreeMap<&'static str, &'static Definition> {
    static DEFINITIONS: OnceLock<BTreeMap<&'static str, &'static Definition>> = OnceLock::new();
    DEFINITIONS.get_or_init(|| {
        let all = FAMILIES.iter().flat_map(|family| family.iter());
        all.map(|definition| (definition.name(), definition)).collect()
    })
}

/// The stage of a name.
pub(super) fn definition(name: &str) -> Option<&'static Definition> {
    definitions().get(name).copied()
}

/// The stages that are refused, by name, each with the reason, which follows the name: `needs a
/// search index`.
pub fn refused_stages() -> impl Iterator<Item = (&'static str, &'static str)> {
    definitions().values().filter_map(|definition| match definition {
        Definition::Refused { name, reason } => Some((*name, *reason)),
        Definition::Supported { .. } => None,
    })
}

/// The names of the stages that run, in order.
pub fn stage_names() -> impl Iterator<Item = &'static str> {
    definitions()
        .iter()
        .filter(|(_, definition)| matches!(definition, Definition::Supported { .. }))
        .map(|(name, _)| *name)
}
