//! Projections: which fields of a document are given, and which are computed.
//!
//! The projection of a query ([`Projection::find`]) also knows `$slice`, `$elemMatch` and the
//! positional `$`. The stages `$project`, `$addFields`, `$set`, `$unset`, `$replaceRoot` and
//! `$replaceWith` make a document of each ([`Transform`]).
//!
//! The order of fields is the server's (`projection_node.cpp`): fields of the document stay in its
//! order, and computed ones follow in the order of the specification; if the projection excludes or
//! adds fields, a computed field takes the place of the field that it replaces.
//!
//! | file | content |
//! | --- | --- |
//! | `compile.rs`, `specification.rs` | compiles projections; the specification as a tree |
//! | `node.rs` | the fields of a projection, and one pass by them over a document |
//! | `array.rs` | `$slice` and the positional `$` |
//! | `add_fields.rs`, `replace_root.rs` | the other stages |
//! | `stage.rs` | the stages by their names |

mod add_fields;
mod array;
mod compile;
mod node;
mod replace_root;
mod specification;
mod stage;

use std::fmt::Debug;

use argon_core::Result;
use bson::Document;
use bson::raw::{RawDocument, RawDocumentBuf};

pub use add_fields::AddFields;
pub use replace_root::ReplaceRoot;
pub use stage::transform;

use self::array::ArrayStep;
use self::node::{Mode, Node};
use crate::expression::{Compiler, Scope};

/// A stage that makes one document of each.
pub trait Transform: Debug + Send + Sync {
    /// Returns the new document. The scope has the variables; its document is ignored.
    ///
    /// # Errors
    /// MongoDB's error of an expression, with its code.
    fn transform(&self, document: &RawDocument, scope: &Scope<'_>) -> Result<RawDocumentBuf>;
}

/// A compiled projection.
///
/// ```
/// use argon_query::expression::{Compiler, Context, Scope};
/// use argon_query::projection::Projection;
/// use bson::{DateTime, doc, rawdoc};
///
/// # fn main() -> argon_core::Result<()> {
/// let fields = doc! { "items": { "$slice": 1 }, "total": 1 };
/// let projection = Projection::find(&fields, &Compiler::default())?;
/// let context = Context::new(DateTime::from_millis(0), 1);
/// let document = rawdoc! { "_id": 1, "items": [1, 2], "note": "x", "total": 3 };
/// let scope = Scope::new(&context, &document);
/// let projected = projection.apply(&document, None, &scope)?;
/// assert_eq!(projected, rawdoc! { "_id": 1, "items": [1], "total": 3 });
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Projection {
    mode: Mode,
    root: Node,
    /// What follows, one after the other.
    steps: Vec<ArrayStep>,
}

impl Projection {
    /// Compiles the projection of a query.
    ///
    /// # Errors
    /// MongoDB's error, with its code.
    pub fn find(fields: &Document, compiler: &Compiler<'_>) -> Result<Self> {
        compile::find(fields, compiler)
    }

    /// Compiles the argument of `$project`.
    ///
    /// # Errors
    /// MongoDB's error, with its code.
    pub fn stage(fields: &Document, compiler: &Compiler<'_>) -> Result<Self> {
        compile::stage(fields, compiler)
    }

    /// Whether the projection has a positional `$`, and so needs the position of the match.
    pub fn is_positional(&self) -> bool {
        self.steps.iter().any(ArrayStep::is_positional)
    }

    /// Projects a document. `matched` is the [position](argon_core::document::Filter::position) of
    /// the query in it, for the positional `$`. The scope has the variables; its document is
    /// ignored. Cost: the size of the document.
    ///
    /// # Errors
    /// MongoDB's error of an expression, with its code; one of the positional `$` if no element
    /// matched.
    pub fn apply(
        &self,
        document: &RawDocument,
        matched: Option<usize>,
        scope: &Scope<'_>,
    ) -> Result<RawDocumentBuf> {
        let mut projected = self.root.document(self.mode, document, &scope.of(document))?;
        for step in &self.steps {
            projected = step.apply(&projected, matched)?;
        }
        Ok(projected)
    }
}

impl Transform for Projection {
    fn transform(&self, document: &RawDocument, scope: &Scope<'_>) -> Result<RawDocumentBuf> {
        self.apply(document, None, scope)
    }
}
