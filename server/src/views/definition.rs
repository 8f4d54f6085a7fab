//! What the name of a view stands for.

use std::collections::HashSet;

use argon_core::model::CollectionName;
use argon_core::{CollectionInfo, Result, State};
use bson::{Bson, Document};

use super::{MAX_DEPTH, too_deep};

/// What a view stands for.
pub(crate) struct View {
    /// The collection.
    pub(crate) base: String,
    /// The pipeline over it.
    pub(crate) stages: Vec<Document>,
    /// The order of texts.
    pub(crate) collation: Document,
}

/// The collection and the pipeline of a view; `None` for a name that is not one.
///
/// # Errors
/// `ViewDepthLimitExceeded` for views over views that do not end.
pub(crate) fn resolve(state: Option<&State>, name: &str) -> Result<Option<View>> {
    let Some(state) = state else { return Ok(None) };
    let mut view: Option<View> = None;
    for _ in 0..MAX_DEPTH {
        let current = view.as_ref().map_or(name, |view| &view.base);
        let Some(options) = options_of_view(state, current) else { return Ok(view) };
        let base = options.get_str("viewOn").unwrap_or_default().to_owned();
        let mut stages = stages_of(options);
        let mut collation = options.get_document("collation").cloned().unwrap_or_default();
        if let Some(outer) = view {
            stages.extend(outer.stages);
            collation = outer.collation;
        }
        view = Some(View { base, stages, collation });
    }
    Err(too_deep(name))
}

/// The order of texts of a collection, where a command says none.
pub(crate) fn default_collation(state: Option<&State>, name: &str) -> Document {
    let info = state.and_then(|state| info_of(state, name));
    let collation = info.and_then(|info| info.options.get_document("collation").ok());
    collation.cloned().unwrap_or_default()
}

/// The stages of the views that a collection and the stages over it read, and of those that these read.
///
/// # Errors
/// As of [`resolve`].
pub(crate) fn read_by_views(
    state: Option<&State>,
    collection: &str,
    stages: &[Document],
) -> Result<Vec<Document>> {
    let (mut all, mut known) = (Vec::new(), HashSet::new());
    let mut names = vec![collection.to_owned()];
    names.extend(stages.iter().flat_map(collections_of));
    while let Some(name) = names.pop() {
        if !known.insert(name.clone()) {
            continue;
        }
        if let Some(View { stages, .. }) = resolve(state, &name)? {
            names.extend(stages.iter().flat_map(collections_of));
            all.extend(stages);
        }
    }
    Ok(all)
}

/// The collections of the same state that a stage names, wherever in it.
fn collections_of(stage: &Document) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in stage {
        let field = match name.as_str() {
            "$lookup" | "$graphLookup" => "from",
            "$unionWith" => "coll",
            _ => "",
        };
        match value {
            Bson::String(coll) if name == "$unionWith" => names.push(coll.clone()),
            Bson::Document(inner) => {
                names.extend(inner.get_str(field).ok().map(str::to_owned));
                names.extend(collections_of(inner));
            }
            Bson::Array(values) => {
                let inner = values.iter().filter_map(Bson::as_document);
                names.extend(inner.flat_map(collections_of));
            }
            _ => {}
        }
    }
    names
}

/// Whether a name is a view.
pub(crate) fn is_view(state: &State, name: &str) -> bool {
    options_of_view(state, name).is_some()
}

fn options_of_view<'s>(state: &'s State, name: &str) -> Option<&'s Document> {
    let info = info_of(state, name)?;
    info.options.contains_key("viewOn").then_some(&info.options)
}

/// The properties of a collection; `None` if there is none, or the name is not one that a collection can have.
fn info_of<'s>(state: &'s State, name: &str) -> Option<&'s CollectionInfo> {
    state.info(&CollectionName::new(name).ok()?)
}

fn stages_of(options: &Document) -> Vec<Document> {
    let stages = options.get_array("pipeline").map(Vec::as_slice).unwrap_or_default();
    stages.iter().filter_map(Bson::as_document).cloned().collect()
}
