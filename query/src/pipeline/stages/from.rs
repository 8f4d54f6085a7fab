//! The other collections that stages read.

use std::sync::Arc;

use argon_core::Result;
use bson::Bson;

use crate::Code;
use crate::expression::Compiler;
use crate::pipeline::execution::Execution;
use crate::pipeline::source::Collection;

/// A collection, in the state of the pipeline or at a revision.
#[derive(Debug, Clone)]
pub(crate) struct From {
    pub(crate) collection: String,
    /// The revision of `at`, such as `main~3`.
    pub(crate) revision: Option<String>,
}

impl From {
    pub(crate) async fn open(&self, execution: &Execution) -> Result<Arc<dyn Collection>> {
        execution.collections.open(&self.collection, self.revision.as_deref()).await
    }
}

/// An argument of a stage that must be a string.
pub(super) fn string(stage: &str, name: &str, value: &Bson, code: Code) -> Result<String> {
    match value {
        Bson::String(text) => Ok(text.clone()),
        other => Err(code.error(format!(
            "{stage} argument '{name}' must be a string, found {}",
            Compiler::type_name(other)
        ))),
    }
}

/// The name of a collection in the argument `from`.
pub(super) fn collection(stage: &str, value: &Bson) -> Result<String> {
    match value {
        Bson::String(name) if name.is_empty() => {
            Err(Code::INVALID_NAMESPACE.error(format!("{stage} needs the name of a collection")))
        }
        Bson::String(name) => Ok(name.clone()),
        other => Err(Code::FAILED_TO_PARSE.error(format!(
            "{stage} 'from' field must be a string, but found {}",
            Compiler::type_name(other)
        ))),
    }
}
