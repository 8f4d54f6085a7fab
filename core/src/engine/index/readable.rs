//! The indexes that a state can be read by.

use std::sync::Arc;

use bson::Document as BsonDocument;

use crate::Result;
use crate::document::Index;
use crate::engine::catalog::CollectionInfo;
use crate::engine::index::kept;
use crate::model::{Lsn, View};
use crate::storage::{BuildId, BuildStatus, IndexBuild, Indexes};

/// An index whose entries are complete at a state.
#[derive(Debug, Clone)]
pub struct ReadableIndex {
    /// The compiled definition.
    pub index: Arc<Index>,
    /// Whether a document had an array in the index, at any time on the timeline.
    pub multikey: bool,
    /// Whether every entry is that of a document in the state. Otherwise an entry may be outdated,
    /// and its document must be compared.
    pub exact: bool,
    pub(crate) build: BuildId,
}

/// An index that a state can't be read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableIndex {
    /// The name.
    pub name: String,
    /// The reason as the rest of a sentence: `is not built at this state`.
    pub reason: String,
}

/// An index that a state does not have entries of, but later states do.
#[derive(Debug, Clone, PartialEq)]
pub struct LaterIndex {
    /// The key of its definition.
    pub key: BsonDocument,
    /// The first state that can be read by it.
    pub from: Lsn,
    /// The last one; `None` if the index is kept for all since.
    pub until: Option<Lsn>,
}

/// The indexes of a collection in a state.
#[derive(Debug, Clone, Default)]
pub struct StateIndexes {
    /// Those that queries can use.
    pub readable: Vec<ReadableIndex>,
    /// Those that they can't, except for the one of `_id`, which every read uses.
    pub unreadable: Vec<UnreadableIndex>,
}

/// Finds the builds that cover a view. Reads nothing but the records of builds.
pub(crate) async fn indexes_of(
    indexes: Option<&dyn Indexes>,
    view: &View,
    info: &CollectionInfo,
) -> Result<StateIndexes> {
    let mut found = StateIndexes::default();
    let compiled: Vec<Index> = info
        .indexes
        .iter()
        .filter_map(|definition| found.compile(definition, info))
        .filter(|index| !index.is_id_index())
        .collect();
    if compiled.is_empty() {
        return Ok(found);
    }
    let Some(indexes) = indexes else {
        for index in compiled {
            found.refuse(index.name(), "has no entries: the store keeps none".to_owned());
        }
        return Ok(found);
    };
    let Some(leaf) = view.segments().first() else { return Ok(found) };
    let builds = indexes.builds(leaf.timeline).await?;
    let built: Vec<(&IndexBuild, Index)> = builds
        .iter()
        .filter(|build| build.collection == info.id)
        .map(|build| Ok((build, kept::compile(&build.definition)?)))
        .collect::<Result<_>>()?;
    for index in compiled {
        let same = |(_, built): &&(&IndexBuild, Index)| built.identity() == index.identity();
        let mut known = built.iter().filter(same).map(|(build, _)| *build);
        match known.clone().find(|build| build.status.covers(leaf.upto)) {
            Some(build) => found.readable.push(ReadableIndex {
                multikey: build.multikey,
                exact: !build.inherited,
                build: build.id,
                index: Arc::new(index),
            }),
            None => {
                let last = known.next_back();
                found.refuse(index.name(), reason(last.map(|build| build.status)));
            }
        }
    }
    Ok(found)
}

/// Finds the indexes that are kept for states after that of a view, and that its collection does not
/// define.
pub(crate) async fn later_indexes(
    indexes: &dyn Indexes,
    view: &View,
    info: &CollectionInfo,
) -> Result<Vec<LaterIndex>> {
    let Some(leaf) = view.segments().first() else { return Ok(Vec::new()) };
    let defined = info.indexes.iter();
    let defined: Vec<_> = defined
        .filter_map(|definition| Index::compile(definition, &info.options).ok())
        .map(|index| index.identity())
        .collect();
    let mut later = Vec::new();
    for build in indexes.builds(leaf.timeline).await?.iter() {
        let (from, until) = match build.status {
            BuildStatus::Maintained { from } => (from, None),
            BuildStatus::Closed { from, until } => (from, Some(until)),
            BuildStatus::Building => continue,
        };
        if build.collection != info.id || from <= leaf.upto {
            continue;
        }
        let index = kept::compile(&build.definition)?;
        if !defined.contains(&index.identity()) {
            // The last build of an index that was dropped and came back.
            later.retain(|known: &LaterIndex| known.key != *index.key_pattern());
            later.push(LaterIndex { key: index.key_pattern().clone(), from, until });
        }
    }
    Ok(later)
}

/// Why the last build of an index does not cover a state.
fn reason(status: Option<BuildStatus>) -> String {
    match status {
        Some(BuildStatus::Building) => "is being built".to_owned(),
        Some(BuildStatus::Maintained { from }) => {
            format!("is built for the states from LSN {from} on")
        }
        Some(BuildStatus::Closed { from, until }) => {
            format!("is built for the states from LSN {from} to {until} only")
        }
        None => "is not built at this state".to_owned(),
    }
}

impl StateIndexes {
    /// No index can be used, for one reason.
    pub(crate) fn none(info: &CollectionInfo, reason: &str) -> Self {
        let mut found = Self::default();
        for definition in &info.indexes {
            match definition.get_str("name") {
                Ok(name) if name != "_id_" => found.refuse(name, reason.to_owned()),
                _ => {}
            }
        }
        found
    }

    fn refuse(&mut self, name: &str, reason: String) {
        self.unreadable.push(UnreadableIndex { name: name.to_owned(), reason });
    }

    fn compile(&mut self, definition: &BsonDocument, info: &CollectionInfo) -> Option<Index> {
        match Index::compile(definition, &info.options) {
            Ok(index) => Some(index),
            Err(problem) => {
                let name = definition.get_str("name").unwrap_or_default();
                self.refuse(name, format!("has no entries: it has {problem}"));
                None
            }
        }
    }
}
