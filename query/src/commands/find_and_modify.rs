//! A change of one document that is returned.

use argon_core::model::CollectionName;
use argon_core::write::WriteRequest;
use argon_core::{Branch, Result};
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

use super::{CompiledUpdate, evaluation, selection};
use crate::Code;
use crate::expression::{Compiler, Evaluation};
use crate::find::{Selection, collation_of};
use crate::modify::{Change, Modified, Modify};
use crate::projection::Projection;
use crate::sort::SortPattern;

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
        let evaluation = evaluation(branch.environment());
        let selection =
            selection(&self.filter, &self.collation, self.hint.as_ref(), evaluation.clone())?;
        let sort = self.sort()?;
        let (update, may_insert) = match &self.change {
            FoundChange::Update { update, upsert, array_filters } => {
                let filter = &self.filter;
                let evaluation = evaluation.clone();
                let update =
                    CompiledUpdate::compile(update, array_filters, false, filter, evaluation)?;
                (Some(update), *upsert)
            }
            FoundChange::Delete => (None, false),
        };
        let returns_new = self.returns_new && update.is_some();
        let returned = Returned::compile(&self.projection, &selection, evaluation, returns_new)?;
        let change = |document: &RawDocument| {
            let change = match &update {
                Some(update) => update.change(document, &selection)?,
                None => Change::Delete,
            };
            match &change {
                Change::Replace(after) if returns_new => returned.fields_of(after)?,
                _ => returned.fields_of(document)?,
            };
            Ok(change)
        };
        let upsert = || -> Result<RawDocumentBuf> {
            // Nothing is inserted without an update.
            let inserted = update.as_ref().map(|update| update.inserted(branch.environment()));
            let inserted = inserted.transpose()?.unwrap_or_default();
            if returns_new {
                returned.fields_of(&inserted)?;
            }
            Ok(inserted)
        };
        let modify = Modify {
            collection,
            selection: &selection,
            many: false,
            sort: sort.as_ref(),
            state: None,
            change: &change,
            upsert: may_insert.then_some(&upsert),
            request,
        };
        let modified = modify.run(branch).await?;
        let (before, after) = modified.image.clone().unwrap_or_default();
        let image = if returns_new { after } else { before };
        let document = image.map(|image| returned.fields_of(image.as_raw())).transpose()?;
        Ok(FoundAndModified { modified, document })
    }

    fn sort(&self) -> Result<Option<SortPattern>> {
        if self.sort.is_empty() {
            return Ok(None);
        }
        let collation = collation_of(&self.collation)?;
        Ok(Some(SortPattern::compile(&self.sort)?.with_collation(collation)))
    }
}

/// The fields of the document that are given.
struct Returned<'s> {
    projection: Option<Projection>,
    selection: &'s Selection,
    evaluation: Evaluation,
}

impl<'s> Returned<'s> {
    fn compile(
        projection: &Document,
        selection: &'s Selection,
        evaluation: Evaluation,
        returns_new: bool,
    ) -> Result<Self> {
        let projection = (!projection.is_empty())
            .then(|| Projection::find(projection, &Compiler::default()))
            .transpose()?;
        if returns_new && projection.as_ref().is_some_and(Projection::is_positional) {
            return Err(Code::BAD_VALUE.error(
                "a positional projection can't give the document after the change: the filter matched the \
                 one before",
            ));
        }
        Ok(Self { projection, selection, evaluation })
    }

    fn fields_of(&self, document: &RawDocument) -> Result<RawDocumentBuf> {
        let Some(projection) = &self.projection else { return Ok(document.to_owned()) };
        let position =
            if projection.is_positional() { self.selection.position(document)? } else { None };
        projection.apply(document, position, &self.evaluation.scope(document))
    }
}
