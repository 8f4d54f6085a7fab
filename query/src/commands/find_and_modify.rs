//! A change of one document that is returned.

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::write::WriteRequest;
use argon_core::{Branch, Environment, Result};
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

use super::{CompiledUpdate, first, select, sort_of};
use crate::Code;
use crate::expression::{Context, Evaluation};
use crate::find::{FindCommand, Selection};
use crate::modify::{Change, Modified, Modify};
use crate::plan::Hint;
use crate::projection::Projection;
use crate::sort::SortPattern;
use crate::update::UpdateOptions;

/// A change of one document of a collection that gives the document.
#[derive(Debug, Clone)]
pub struct FindAndModifyCommand {
    /// The filter; empty for all documents.
    pub filter: Document,
    /// What becomes of the document.
    pub change: FoundChange,
    /// The order in which the first document is changed; empty for that in which they are read.
    pub sort: Document,
    /// The fields to give; empty for all.
    pub projection: Document,
    /// The order of texts; empty for byte by byte.
    pub collation: Document,
    /// The index to read by, as in a [`FindCommand`](crate::find::FindCommand::hint).
    pub hint: Option<Bson>,
    /// Whether the document after an update is given, or the one before.
    pub returns_new: bool,
    /// The variables of its expressions: `let`.
    pub variables: Document,
}

/// What becomes of a document that is found.
#[derive(Debug, Clone)]
pub enum FoundChange {
    /// It is updated or replaced.
    Update {
        /// The update, as in an [`UpdateCommand`](super::UpdateCommand::update).
        update: Bson,
        /// Whether a document is inserted if none matches.
        upsert: bool,
        /// The filters for `$[identifier]`.
        array_filters: Vec<Document>,
    },
    /// It is deleted.
    Delete,
}

/// The outcome of a [`FindAndModifyCommand`].
#[derive(Debug, Clone, Default)]
pub struct FoundAndModified {
    /// What was changed.
    pub modified: Modified,
    /// The fields of the document; `None` if none matched, or there was none before.
    pub document: Option<RawDocumentBuf>,
}

impl FindAndModifyCommand {
    /// Makes the change in one commit; `request` makes an empty request with its signature. The document
    /// is projected before the commit, so an error of the projection changes nothing.
    ///
    /// # Errors
    /// MongoDB's error of the filter, the sort, the projection or the update, with its code; see
    /// [`Modify::run`].
    pub async fn run(
        &self,
        branch: &Branch,
        collection: &CollectionName,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<FoundAndModified> {
        let context = Arc::new(Context::of(branch.environment()));
        self.run_in(&context, branch, collection, request).await
    }

    /// The same, evaluated in a context, which may be [interrupted](crate::Interrupt).
    ///
    /// # Errors
    /// As of [`run`](Self::run); that of the interrupt, and nothing is changed.
    pub async fn run_in(
        &self,
        context: &Arc<Context>,
        branch: &Branch,
        collection: &CollectionName,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<FoundAndModified> {
        let compiled = self.compile(context, branch.environment())?;
        let sort = self.sort()?;
        let change = |document: &RawDocument| compiled.change(document);
        let upsert = || compiled.inserted();
        let modify = Modify {
            collection,
            selection: &compiled.selection,
            many: false,
            sort: sort.as_ref(),
            state: None,
            change: &change,
            upsert: compiled.may_insert.then_some(&upsert),
            request,
        };
        compiled.found(modify.run(branch).await?)
    }

    /// Compiles all but the sort.
    pub(crate) fn compile(
        &self,
        context: &Arc<Context>,
        environment: &Environment,
    ) -> Result<CompiledFindAndModify<'_>> {
        let Self { filter, variables, sort, collation, hint, .. } = self;
        let hint = Hint::of_query(hint.as_ref(), sort)?;
        let (variables, evaluation, selection) =
            select(filter, variables, collation, hint, context)?;
        let compiler = variables.compiler();
        let (update, may_insert) = match &self.change {
            FoundChange::Update { update, upsert, array_filters } => {
                let evaluation = evaluation.clone();
                let compiler = compiler.clone();
                let options = UpdateOptions { array_filters, multi: false, compiler };
                let update = CompiledUpdate::compile(update, &options, filter, evaluation)?;
                (Some(update), *upsert)
            }
            FoundChange::Delete => (None, false),
        };
        let returns_new = self.returns_new && update.is_some();
        let projection = (!self.projection.is_empty())
            .then(|| Projection::find(&self.projection, &compiler))
            .transpose()?;
        if returns_new && projection.as_ref().is_some_and(Projection::is_positional) {
            return Err(Code::BAD_VALUE.error(
                "a positional projection can't give the document after the change: the filter matched the \
                 one before",
            ));
        }
        Ok(CompiledFindAndModify {
            selection,
            may_insert,
            update,
            returns_new,
            projection,
            evaluation,
            environment: environment.clone(),
        })
    }

    /// The query of the document that is changed.
    pub(crate) fn find(&self) -> FindCommand {
        let Self { filter, sort, collation, hint, variables, .. } = self;
        first(filter, sort, collation, hint.as_ref(), variables)
    }

    fn sort(&self) -> Result<Option<SortPattern>> {
        sort_of(&self.sort, &self.collation)
    }
}

/// A compiled [`FindAndModifyCommand`].
pub(crate) struct CompiledFindAndModify<'c> {
    pub(crate) selection: Selection,
    pub(crate) may_insert: bool,
    /// `None` deletes the document.
    update: Option<CompiledUpdate<'c>>,
    returns_new: bool,
    projection: Option<Projection>,
    evaluation: Evaluation,
    environment: Environment,
}

impl CompiledFindAndModify<'_> {
    /// The change of the document, whose fields to give can be computed.
    pub(crate) fn change(&self, document: &RawDocument) -> Result<Change> {
        let change = match &self.update {
            Some(update) => update.change(document, &self.selection)?,
            None => Change::Delete,
        };
        match &change {
            Change::Replace(after) if self.returns_new => self.fields_of(after)?,
            _ => self.fields_of(document)?,
        };
        Ok(change)
    }

    /// The document that is inserted if none matches.
    pub(crate) fn inserted(&self) -> Result<RawDocumentBuf> {
        // Nothing is inserted without an update.
        let inserted = self.update.as_ref().map(|update| update.inserted(&self.environment));
        let inserted = inserted.transpose()?.unwrap_or_default();
        if self.returns_new {
            self.fields_of(&inserted)?;
        }
        Ok(inserted)
    }

    /// The outcome, by what was changed.
    pub(crate) fn found(&self, modified: Modified) -> Result<FoundAndModified> {
        let (before, after) = modified.image.clone().unwrap_or_default();
        let image = if self.returns_new { after } else { before };
        let document = image.map(|image| self.fields_of(image.as_raw())).transpose()?;
        Ok(FoundAndModified { modified, document })
    }

    fn fields_of(&self, document: &RawDocument) -> Result<RawDocumentBuf> {
        let Some(projection) = &self.projection else { return Ok(document.to_owned()) };
        let position =
            if projection.is_positional() { self.selection.position(document)? } else { None };
        projection.apply(document, position, &self.evaluation.scope(document))
    }
}
