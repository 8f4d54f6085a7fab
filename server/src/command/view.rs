//! Views: collections that are a pipeline over another one.

use argon_core::model::CollectionName;
use argon_core::{CollectionInfo, State};
use argon_query::pipeline::Execution;
use bson::{Bson, Document};

use super::Call;
use crate::failure::{CommandError, Result};
use crate::place::Reading;
use crate::rights::{Right, covers_project};

/// The most views on the way to a collection, as in MongoDB.
const MAX_DEPTH: usize = 20;

/// What a view stands for.
pub(super) struct View {
    /// The collection.
    pub(super) base: String,
    /// The pipeline over it.
    pub(super) stages: Vec<Document>,
    /// The order of texts.
    pub(super) collation: Document,
}

/// The collection and the pipeline of a view; `None` for a name that is not one.
///
/// # Errors
/// `ViewDepthLimitExceeded` for views over views that do not end.
pub(super) fn resolve(state: Option<&State>, name: &str) -> Result<Option<View>> {
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
    Err(CommandError::new(
        165,
        format!(
            "View depth too deep or view cycle detected; maximum depth is {MAX_DEPTH}: '{name}'"
        ),
    ))
}

/// What the pipeline of a view runs with. It may name other states, which not all who read the view may read.
pub(super) fn execution(call: &Call<'_>, reading: &Reading) -> Result<Execution> {
    if call.held.is_enforced && !covers_project(call, Right::Read, call.database)? {
        return Ok(reading.execution_alone());
    }
    Ok(reading.execution.clone())
}

/// The order of texts of a collection, where a command says none.
pub(super) fn default_collation(state: Option<&State>, name: &str) -> Document {
    let info = state.and_then(|state| info_of(state, name));
    let collation = info.and_then(|info| info.options.get_document("collation").ok());
    collation.cloned().unwrap_or_default()
}

/// The stages of a view; none for a name that is not one.
///
/// # Errors
/// As of [`resolve`].
pub(crate) fn view_stages(state: Option<&State>, name: &str) -> Result<Vec<Document>> {
    Ok(resolve(state, name)?.map(|view| view.stages).unwrap_or_default())
}

/// Whether a name is a view.
pub(super) fn is_view(state: &State, name: &str) -> bool {
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
