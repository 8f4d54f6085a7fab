//! Views: collections that are a pipeline over another one.
//!
//! A query of a view runs the stages of the view before its own. A stage that reads another collection, such as
//! `$lookup`, gets the documents of a view by [`ViewedCollections`].

mod collections;
mod definition;

pub(crate) use collections::ViewedCollections;
pub(crate) use definition::{default_collation, is_view, read_by_views, resolve};

/// The most views on the way to a collection, as in MongoDB.
const MAX_DEPTH: usize = 20;

/// The error for views that read each other.
fn too_deep(name: &str) -> argon_core::Error {
    argon_query::Code::location(165).error(format!(
        "View depth too deep or view cycle detected; maximum depth is {MAX_DEPTH}: '{name}'"
    ))
}
