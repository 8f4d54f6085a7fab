//! Updates: operators, replacements and pipelines.
//!
//! An update compiles once, and makes the new image of a document. The semantics are those of the
//! server's `src/mongo/db/update`: the paths of all operators form a tree, which is applied in the
//! order of its names; so the order of new fields does not depend on the order of the operators.
//!
//! | file | content |
//! | --- | --- |
//! | `compile.rs` | compiles operators |
//! | `path.rs`, `node.rs` | the paths of operators, and the tree of all |
//! | `array_filter.rs` | the filters of `$[identifier]` |
//! | `operators/` | what operators do with a value |
//! | `apply.rs` | applies operators to a document |
//! | `tree.rs` | a document that is edited |
//! | `replacement.rs` | replaces a document |
//! | `pipeline.rs` | updates by stages |
//! | `upsert.rs` | the document that is inserted if none matched |
//! | `storable.rs` | what can't be stored |
//! | `text.rs` | values in messages |

mod apply;
mod array_filter;
mod compile;
mod node;
mod operators;
mod path;
mod pipeline;
mod replacement;
mod storable;
mod text;
mod tree;
mod upsert;

use argon_core::Result;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

use self::apply::Application;
use self::array_filter::ArrayFilters;
use self::compile::Operators;
use self::pipeline::UpdatePipeline;
use self::replacement::Replacement;
use crate::Code;
use crate::expression::{Compiler, Scope};

/// A compiled update.
///
/// ```
/// use argon_query::expression::{Context, Scope};
/// use argon_query::update::{Target, Update, UpdateOptions};
/// use bson::{DateTime, bson, rawdoc};
///
/// # fn main() -> argon_core::Result<()> {
/// let update = bson!({ "$inc": { "stock": -1 }, "$set": { "sold.last": "today" } });
/// let update = Update::compile(&update, &UpdateOptions::default())?;
/// let context = Context::new(DateTime::from_millis(0), 1);
/// let document = rawdoc! { "_id": 1, "stock": 5 };
/// let scope = Scope::new(&context, &document);
/// let updated = update.apply(&document, Target::default(), &scope)?;
/// assert_eq!(updated, Some(rawdoc! { "_id": 1, "stock": 4, "sold": { "last": "today" } }));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Update(Kind);

#[derive(Debug)]
enum Kind {
    Operators(Operators),
    Replacement(Replacement),
    Pipeline(UpdatePipeline),
}

/// The names of the operators of updates, in order.
pub fn update_operators() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<_> = operators::OPERATORS.iter().map(|(name, _)| *name).collect();
    names.push("$rename");
    names.sort_unstable();
    names.into_iter()
}

/// What an update is compiled with.
#[derive(Debug, Default)]
pub struct UpdateOptions<'o> {
    /// The filters for `$[identifier]`.
    pub array_filters: &'o [Document],
    /// Whether several documents are updated; a replacement can't do that.
    pub multi: bool,
    /// The variables that a pipeline may use.
    pub compiler: Compiler<'o>,
}

/// What an update is applied to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target {
    /// The index that `$` stands for: the [`position`](argon_core::document::Filter::position) of the query in the document.
    pub matched: Option<usize>,
    /// Whether the document is a new one, for `$setOnInsert`. It is validated by
    /// [`Update::upsert`] then.
    pub is_insert: bool,
}

impl Update {
    /// Compiles an update: a document of operators, another document as a replacement, or an array
    /// of stages.
    ///
    /// # Errors
    /// MongoDB's error, with its code.
    pub fn compile(update: &Bson, options: &UpdateOptions<'_>) -> Result<Self> {
        let filters = ArrayFilters::compile(options.array_filters)?;
        match update {
            Bson::Document(update)
                if update.keys().next().is_some_and(|name| name.starts_with('$')) =>
            {
                Operators::compile(update, filters).map(Kind::Operators).map(Self)
            }
            Bson::Document(_) if options.multi => Err(Code::FAILED_TO_PARSE
                .error("multi update is not supported for replacement-style update")),
            Bson::Document(replacement) => {
                Replacement::compile(replacement).map(Kind::Replacement).map(Self)
            }
            Bson::Array(_) if !filters.is_empty() => Err(Code::FAILED_TO_PARSE
                .error("arrayFilters may not be specified for pipeline-style updates")),
            Bson::Array(stages) => {
                UpdatePipeline::compile(stages, &options.compiler).map(Kind::Pipeline).map(Self)
            }
            _ => {
                Err(Code::FAILED_TO_PARSE
                    .error("Update argument must be either an object or an array"))
            }
        }
    }

    /// Whether the update replaces a whole document.
    pub fn is_replacement(&self) -> bool {
        matches!(self.0, Kind::Replacement(_))
    }

    /// Whether the update has a positional `$`, and so needs the position of the match.
    pub fn is_positional(&self) -> bool {
        matches!(&self.0, Kind::Operators(operators) if operators.is_positional)
    }

    /// Returns the new image of a document, with `_id` first; `None` if nothing changes. The scope
    /// has the variables of a pipeline. Cost: the size of the document.
    ///
    /// # Errors
    /// MongoDB's error, with its code: a value of the wrong type, a path through a value that has
    /// no fields, a change of `_id`, a name that can't be stored, a document that becomes too large
    /// or too deep.
    pub fn apply(
        &self,
        document: &RawDocument,
        target: Target,
        scope: &Scope<'_>,
    ) -> Result<Option<RawDocumentBuf>> {
        let updated = match &self.0 {
            Kind::Operators(operators) => {
                Application::new(operators, document, target, scope.context()).run()?
            }
            Kind::Replacement(replacement) => {
                replacement.apply(document, target, scope.context())?
            }
            Kind::Pipeline(pipeline) => pipeline.apply(document, target, scope)?,
        };
        let updated =
            updated.map(|updated| replacement::with_id_first(updated, None)).transpose()?;
        if let Some(updated) = updated.as_deref().filter(|_| !target.is_insert) {
            storable::check_size(updated, false)?;
        }
        Ok(updated)
    }
}
