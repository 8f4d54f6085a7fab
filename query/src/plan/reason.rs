//! Why a query reads no index.

use argon_core::LaterIndex;
use argon_core::document::{FieldKind, IndexField};
use bson::Document;

use super::bounds::{self, Reading};
use super::candidate::Candidate;
use super::choose::is_id_index;
use super::{Choice, Indexes, Plan, Query, ReadableIndex};

/// The reason why a defined index can't be read, if its source gives none.
pub(super) const NO_ENTRIES: &str = "has no entries at this state";

/// The fields that a query is about.
struct Asked {
    filtered: Vec<String>,
    sorted: Vec<String>,
}

impl Asked {
    fn by(query: &Query<'_>) -> Self {
        let mut filtered = Vec::new();
        bounds::paths(query.filter, "", &mut filtered);
        let sorted = query.sort.map(|sort| sort.fields().map(|(path, _)| path.join(".")));
        Self { filtered, sorted: sorted.into_iter().flatten().collect() }
    }

    /// Whether the key of an index has one of the fields, or stands for all.
    fn has_of(&self, key: &Document) -> bool {
        key.keys().any(|field| {
            field.contains("$**") || self.filtered.contains(field) || self.sorted.contains(field)
        })
    }
}

/// Why no index is used; `refused` are readable ones, each with the reason.
pub(super) fn why(query: &Query<'_>, indexes: Indexes<'_>, refused: &[(String, String)]) -> String {
    let asked = Asked::by(query);
    let concerns = |definition: &&Document| {
        definition.get_document("key").is_ok_and(|key| asked.has_of(key))
            && !is_id_index(definition)
    };
    let reasons = indexes.definitions.iter().filter(concerns).map(|definition| {
        let name = definition.get_str("name").unwrap_or_default();
        let mut known = indexes.unreadable.iter().chain(refused);
        let readable = indexes.readable.iter().find(|index| index.index.name() == name);
        let reason = match (known.find(|(known, _)| known == name), readable) {
            (Some((_, reason)), _) => reason,
            (None, Some(readable)) => unused(query, &asked, readable),
            (None, None) => NO_ENTRIES,
        };
        format!("index '{name}' {reason}")
    });
    let reasons: Vec<String> = reasons.collect();
    if !reasons.is_empty() {
        reasons.join("; ")
    } else if query.filter.is_empty() {
        "the query has no filter".to_owned()
    } else if asked.filtered.is_empty() {
        "the filter has no condition that an index answers".to_owned()
    } else {
        format!("no index with bounds on {}", asked.filtered.join(", "))
    }
}

/// Why an index that can be read is not, in words that follow its name.
fn unused(query: &Query<'_>, asked: &Asked, readable: &ReadableIndex) -> &'static str {
    let fields = readable.index.fields();
    let has = |field: &IndexField, paths: &[String]| paths.iter().any(|path| path == field.path());
    let is_filtered = fields.iter().any(|field| has(field, &asked.filtered));
    let is_hashed = |field: &IndexField| {
        field.kind() == FieldKind::Hashed
            && (has(field, &asked.filtered) || has(field, &asked.sorted))
    };
    if fields.iter().any(is_hashed) {
        "is hashed, which serves equality only"
    } else if query.is_collated() && is_used_without_collation(query, readable) {
        "has texts byte by byte, not in the order of the collation"
    } else if is_filtered {
        "has no bounds for what the filter asks"
    } else if readable.multikey {
        "has arrays, so it gives no order of documents"
    } else if query.limit.is_none() {
        "is read for its order alone only with a limit"
    } else {
        "is not in the order of the sort"
    }
}

/// Whether nothing but the collation is in the way of an index.
fn is_used_without_collation(query: &Query<'_>, readable: &ReadableIndex) -> bool {
    // Of a sort without its own collation: that of the query is the same.
    let sort = query.sort.map(|sort| sort.clone().with_collation(None));
    let plain = Query { collation: None, sort: sort.as_ref(), ..*query };
    Candidate::of(&plain, 0, readable).is_ok_and(|candidate| {
        candidate.is_bounded() || (candidate.sort.is_some() && query.limit.is_some())
    })
}

/// Whether a query can be read by an index with a key: one that is hashed serves equalities only.
fn may_serve(query: &Query<'_>, asked: &Asked, key: &Document) -> bool {
    let has_equality = |path: &str| {
        let reading = Reading::new(false, query.is_collated());
        bounds::of_filter(query.filter, path, reading).intervals.is_points()
    };
    asked.has_of(key)
        && key.iter().all(|(path, kind)| kind.as_str() != Some("hashed") || has_equality(path))
}

impl Choice {
    /// Adds to the reason of a scan the indexes that only later states can be read by.
    pub(crate) fn note_later(&mut self, query: &Query<'_>, later: &[LaterIndex]) {
        let Plan::CollectionScan { why, .. } = &mut self.plan else { return };
        let asked = Asked::by(query);
        for index in later.iter().filter(|index| may_serve(query, &asked, &index.key)) {
            let LaterIndex { key, from, until } = index;
            let until = until.map_or_else(|| "on".to_owned(), |until| format!("to {until}"));
            why.push_str(&format!(
                "; the index on {key} serves the states from LSN {from} {until}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use argon_core::model::Lsn;
    use bson::doc;

    use super::*;

    #[test]
    fn a_hashed_index_of_later_states_is_named_for_an_equality_only() {
        let key = doc! { "a": "hashed" };
        let later = [LaterIndex { key, from: Lsn::new(5), until: None }];
        for (filter, is_named) in [
            (doc! { "a": 1 }, true),
            (doc! { "a": { "$in": [1, 2] } }, true),
            (doc! { "a": { "$gt": 1 } }, false),
            (doc! { "b": 1 }, false),
        ] {
            let mut choice = Choice::none();
            choice.note_later(&Query::of(&filter), &later);
            let Plan::CollectionScan { why, .. } = choice.plan else { panic!("{filter}") };
            assert_eq!(
                why.contains("serves the states from LSN 5 on"),
                is_named,
                "{filter}: {why}"
            );
        }
    }
}
