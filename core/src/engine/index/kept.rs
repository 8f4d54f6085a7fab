//! The indexes whose entries the appends to a timeline keep.

use std::collections::HashMap;
use std::sync::Arc;

use bson::Document as BsonDocument;

use crate::document::Index;
use crate::model::CollectionId;
use crate::storage::{BuildId, IndexBuild, maintained};
use crate::{Error, Result};

/// The fields of a definition that determine the entries, and its name, for messages.
const DETERMINING: [&str; 6] =
    ["name", "key", "sparse", "partialFilterExpression", "wildcardProjection", "collation"];

/// An index whose entries are kept.
#[derive(Debug, Clone)]
pub(crate) struct KeptIndex {
    pub(crate) build: BuildId,
    pub(crate) index: Arc<Index>,
    /// Whether a document had an array in the index.
    pub(crate) multikey: bool,
}

/// The indexes that appends to a timeline keep.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptIndexes {
    /// Their builds before the append, ascending.
    pub(crate) builds: Vec<BuildId>,
    by_collection: HashMap<CollectionId, Vec<KeptIndex>>,
}

impl KeptIndexes {
    /// # Errors
    /// `Corrupt` if a stored definition can't be compiled.
    pub(crate) fn of(builds: &[IndexBuild]) -> Result<Self> {
        let mut kept = Self { builds: maintained(builds), ..Self::default() };
        for build in builds.iter().filter(|build| build.status.is_maintained()) {
            kept.add(build)?;
        }
        Ok(kept)
    }

    fn add(&mut self, build: &IndexBuild) -> Result<()> {
        let index = compile(&build.definition)?;
        let kept = KeptIndex { build: build.id, index: Arc::new(index), multikey: build.multikey };
        self.by_collection.entry(build.collection).or_default().push(kept);
        Ok(())
    }

    /// The indexes with those of builds that a commit begins; `None` if it begins none.
    pub(crate) fn with(&self, begun: &[IndexBuild]) -> Result<Option<Self>> {
        if begun.is_empty() {
            return Ok(None);
        }
        let mut kept = self.clone();
        begun.iter().try_for_each(|build| kept.add(build))?;
        Ok(Some(kept))
    }

    /// The kept indexes of a collection.
    pub(crate) fn of_collection(&self, collection: CollectionId) -> &[KeptIndex] {
        self.by_collection.get(&collection).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn of_collection_mut(&mut self, collection: CollectionId) -> &mut [KeptIndex] {
        self.by_collection.get_mut(&collection).map_or(&mut [], Vec::as_mut_slice)
    }

    /// The indexes after an append that began the builds `begun`.
    pub(crate) fn after(mut self, begun: &[IndexBuild]) -> Self {
        self.builds.extend(begun.iter().map(|build| build.id));
        self.builds.sort_unstable();
        self
    }
}

/// Compiles the stored definition of a build.
///
/// # Errors
/// `Corrupt` if it can't be compiled.
pub(crate) fn compile(definition: &BsonDocument) -> Result<Index> {
    Index::compile(definition, &BsonDocument::new()).map_err(|problem| {
        Error::corrupt(format!("the stored definition of an index can't be read: {problem}"))
    })
}

/// The part of an index's definition that determines its entries, with the collation of its
/// collection if it has none.
pub(crate) fn determining(definition: &BsonDocument, collection: &BsonDocument) -> BsonDocument {
    let mut part = BsonDocument::new();
    for field in DETERMINING {
        let inherited = collection.get(field).filter(|_| field == "collation");
        if let Some(value) = definition.get(field).or(inherited) {
            part.insert(field, value.clone());
        }
    }
    part
}
