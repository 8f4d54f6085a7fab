use argon_core::State;
use argon_core::model::CollectionName;
use argon_formats::extjson::Mode;
use bson::{Bson, Document};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::json::ExtJson;

/// List the collections of a state.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListCollections {
    /// Whether each gets a digest of its name, options, indexes and documents, for which every document
    /// is read.
    #[serde(default)]
    pub digest: bool,
}

/// A collection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedCollection {
    /// Its name.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Its options.
    pub options: ExtJson,
    /// The definitions of its indexes.
    pub indexes: Vec<ExtJson>,
    /// A digest of all that, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The names of its options.
    #[serde(skip)]
    pub option_names: Vec<String>,
    /// The names of its indexes; an index without one has its keys.
    #[serde(skip)]
    pub index_names: Vec<String>,
}

/// Lists the collections by name, each as soon as it is known.
pub fn list<'a>(
    state: &'a State,
    request: &ListCollections,
) -> impl Stream<Item = Result<ListedCollection, Failure>> + Send + use<'a> {
    let with_digest = request.digest;
    let listed = stream::iter(state.collections()).then(move |info| async move {
        let digest = if with_digest {
            Some(state.collection(&info.name)?.digest().await?.to_string())
        } else {
            None
        };
        let indexes = info.listed_indexes();
        Ok(ListedCollection {
            collection: info.name.clone(),
            options: value(&info.options),
            indexes: indexes.iter().map(value).collect(),
            digest,
            option_names: info.options.keys().cloned().collect(),
            index_names: indexes.iter().map(index_name).collect(),
        })
    });
    listed.map_err(|error: argon_core::Error| error.into())
}

fn value(document: &Document) -> ExtJson {
    ExtJson::bson(&Bson::Document(document.clone()), Mode::Relaxed)
}

/// The name of an index; its keys if it has none.
fn index_name(index: &Document) -> String {
    match index.get("name") {
        Some(Bson::String(name)) => name.clone(),
        _ => index.get("key").map_or_else(
            || value(index).as_str().to_owned(),
            |key| ExtJson::bson(key, Mode::Relaxed).as_str().to_owned(),
        ),
    }
}
