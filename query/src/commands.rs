//! Changes as drivers send them: insertions, and updates and deletions of the documents that match a
//! filter.

mod find_and_modify;

use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::CollectionName;
use argon_core::write::{ConflictReason, Outcome, Precondition, Receipt, WriteRequest};
use argon_core::{Branch, DetailKey, Environment, Error, ErrorKind, Result, State};
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};

pub use find_and_modify::{FindAndModifyCommand, FoundAndModified, FoundChange};

use crate::Code;
use crate::expression::{Context, Declared, Evaluation};
use crate::filter::FilterOptions;
use crate::find::{FindCommand, Selection, collation_of};
use crate::modify::{Change, Modified, Modify};
use crate::plan::Hint;
use crate::sort::SortPattern;
use crate::update::{Target, Update, UpdateOptions};

/// Inserts documents in one commit, all of them or none; one without an `_id` gets an `ObjectId`.
/// Returns the keys of their `_id`s in order. `request` is empty, with its signature.
///
/// # Errors
/// `AlreadyExists` with MongoDB's code 11000 if an `_id` is in use or occurs twice; `Invalid` if there
/// is no document, one can't be stored, or they are too large for one commit.
pub async fn insert(
    branch: &Branch,
    name: &CollectionName,
    documents: impl IntoIterator<Item = RawDocumentBuf>,
    mut request: WriteRequest,
) -> Result<(Vec<Key>, Receipt)> {
    let collection = branch.collection(name);
    let mut keys = Vec::new();
    for document in documents {
        let (key, document) = collection.with_id(document)?;
        request.put(name.clone(), key.clone(), document, Precondition::Absent)?;
        keys.push(key);
    }
    if keys.is_empty() {
        return Err(Error::invalid("no documents to insert: expected at least one"));
    }
    match branch.commit(request).await? {
        Outcome::Conflict(conflict) if conflict.reason == ConflictReason::Exists => {
            Err(match &conflict.key {
                Some(key) => duplicate_id(name, key),
                None => conflict.into(),
            })
        }
        outcome => Ok((keys, outcome.committed()?)),
    }
}

/// MongoDB's error for an `_id` that is in use.
pub(crate) fn duplicate_id(collection: &CollectionName, key: &Key) -> Error {
    duplicate_id_as(ErrorKind::AlreadyExists, collection, key)
}

/// [`duplicate_id`] of another kind.
pub(crate) fn duplicate_id_as(kind: ErrorKind, collection: &CollectionName, key: &Key) -> Error {
    let message = format!(
        "E11000 duplicate key error collection: {collection} index: _id_ dup key: {{ _id: {key} }}"
    );
    Error::new(kind, message)
        .with_code(11000, "DuplicateKey")
        .with_detail(DetailKey::Collection, collection.as_str())
        .with_detail(DetailKey::Id, key.to_string())
        .with_detail(DetailKey::KeyPattern, doc! { "_id": 1 })
        .with_detail(DetailKey::KeyValue, doc! { "_id": key.to_bson() })
}

/// An update of documents of a collection.
#[derive(Debug, Clone)]
pub struct UpdateCommand {
    /// The filter; empty for all documents.
    pub filter: Document,
    /// The update: a document of operators, another document as a replacement, or an array of stages.
    pub update: Bson,
    /// Whether all documents that match are updated, or only the first that is read: by `_id`, or in the
    /// order of the index that is used.
    pub many: bool,
    /// Whether a document is inserted if none matches.
    pub upsert: bool,
    /// The filters for `$[identifier]`.
    pub array_filters: Vec<Document>,
    /// The order in which the first document is updated; empty for that in which they are read. It
    /// is for an update of one document.
    pub sort: Document,
    /// The order of texts; empty for byte by byte.
    pub collation: Document,
    /// The index to read by, as in a [`FindCommand`](crate::find::FindCommand::hint).
    pub hint: Option<Bson>,
    /// The variables of its expressions: `let`.
    pub variables: Document,
}

/// A deletion of documents of a collection.
#[derive(Debug, Clone, Default)]
pub struct DeleteCommand {
    /// The filter; empty for all documents.
    pub filter: Document,
    /// Whether all documents that match are deleted, or only the first that is read: by `_id`, or in the
    /// order of the index that is used.
    pub many: bool,
    /// The order of texts; empty for byte by byte.
    pub collation: Document,
    /// The index to read by, as in a [`FindCommand`](crate::find::FindCommand::hint).
    pub hint: Option<Bson>,
    /// The variables of its expressions: `let`.
    pub variables: Document,
}

impl UpdateCommand {
    /// An update of the first document.
    pub fn new(update: Bson) -> Self {
        Self {
            filter: Document::new(),
            update,
            many: false,
            upsert: false,
            array_filters: Vec::new(),
            sort: Document::new(),
            collation: Document::new(),
            hint: None,
            variables: Document::new(),
        }
    }

    /// Makes the update in one commit; `request` makes an empty request with its signature, and
    /// `state` is the state that was read, if what others changed since is a
    /// [conflict](Modify::state).
    ///
    /// # Errors
    /// MongoDB's error of the filter or the update, with its code; see [`Modify::run`].
    pub async fn run(
        &self,
        branch: &Branch,
        collection: &CollectionName,
        state: Option<&State>,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<Modified> {
        let context = Arc::new(Context::of(branch.environment()));
        self.run_in(&context, branch, collection, state, request).await
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
        state: Option<&State>,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<Modified> {
        let (selection, update) = self.compile(context)?;
        let change = |document: &RawDocument| update.change(document, &selection);
        let upsert = || update.inserted(branch.environment());
        let sort = self.sort()?;
        let modify = Modify {
            collection,
            selection: &selection,
            many: self.many,
            sort: sort.as_ref(),
            state,
            change: &change,
            upsert: self.upsert.then_some(&upsert),
            request,
        };
        modify.run(branch).await
    }

    /// Compiles the filter and the update.
    pub(crate) fn compile(
        &self,
        context: &Arc<Context>,
    ) -> Result<(Selection, CompiledUpdate<'_>)> {
        let Self { filter, variables, sort, collation, hint, .. } = self;
        let hint = Hint::of_query(hint.as_ref(), sort)?;
        let (variables, evaluation, selection) =
            select(filter, variables, collation, hint, context)?;
        let compiler = variables.compiler();
        let options =
            UpdateOptions { array_filters: &self.array_filters, multi: self.many, compiler };
        let update = CompiledUpdate::compile(&self.update, &options, &self.filter, evaluation)?;
        Ok((selection, update))
    }

    /// The query of the document that is updated first.
    pub(crate) fn find(&self) -> FindCommand {
        let Self { filter, sort, collation, hint, variables, .. } = self;
        first(filter, sort, collation, hint.as_ref(), variables)
    }

    /// The order in which the first document is updated.
    ///
    /// # Errors
    /// `FailedToParse` for a sort of an update of many documents; those of compiling it.
    pub(crate) fn sort(&self) -> Result<Option<SortPattern>> {
        if self.many && !self.sort.is_empty() {
            return Err(Code::FAILED_TO_PARSE.error("Cannot specify sort with multi=true"));
        }
        sort_of(&self.sort, &self.collation)
    }
}

impl DeleteCommand {
    /// Deletes the documents in one commit; `request` and `state` are as for
    /// [an update](UpdateCommand::run).
    ///
    /// # Errors
    /// MongoDB's error of the filter, with its code; see [`Modify::run`].
    pub async fn run(
        &self,
        branch: &Branch,
        collection: &CollectionName,
        state: Option<&State>,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<Modified> {
        let context = Arc::new(Context::of(branch.environment()));
        self.run_in(&context, branch, collection, state, request).await
    }

    /// The same, evaluated in a context, which may be [interrupted](crate::Interrupt).
    ///
    /// # Errors
    /// As of [`run`](Self::run); that of the interrupt, and nothing is deleted.
    pub async fn run_in(
        &self,
        context: &Arc<Context>,
        branch: &Branch,
        collection: &CollectionName,
        state: Option<&State>,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<Modified> {
        let selection = self.compile(context)?;
        let modify = Modify {
            collection,
            selection: &selection,
            many: self.many,
            sort: None,
            state,
            change: &|_| Ok(Change::Delete),
            upsert: None,
            request,
        };
        modify.run(branch).await
    }

    /// The query of the document that is deleted first.
    pub(crate) fn find(&self) -> FindCommand {
        let Self { filter, collation, hint, variables, .. } = self;
        first(filter, &Document::new(), collation, hint.as_ref(), variables)
    }

    /// Compiles the filter.
    pub(crate) fn compile(&self, context: &Arc<Context>) -> Result<Selection> {
        let Self { filter, variables, collation, hint, .. } = self;
        let hint = hint.as_ref().map(Hint::compile).transpose()?.flatten();
        let (_, _, selection) = select(filter, variables, collation, hint, context)?;
        Ok(selection)
    }
}

/// An update, and what it is evaluated with.
pub(crate) struct CompiledUpdate<'u> {
    update: Update,
    filter: &'u Document,
    evaluation: Evaluation,
}

impl<'u> CompiledUpdate<'u> {
    fn compile(
        update: &Bson,
        options: &UpdateOptions<'_>,
        filter: &'u Document,
        evaluation: Evaluation,
    ) -> Result<Self> {
        Ok(Self { update: Update::compile(update, options)?, filter, evaluation })
    }

    pub(crate) fn change(&self, document: &RawDocument, selection: &Selection) -> Result<Change> {
        let matched =
            if self.update.is_positional() { selection.position(document)? } else { None };
        let target = Target { matched, is_insert: false };
        let updated = self.update.apply(document, target, &self.evaluation.scope(document))?;
        Ok(updated.map_or(Change::Keep, Change::Replace))
    }

    /// The document of an upsert.
    pub(crate) fn inserted(&self, environment: &Environment) -> Result<RawDocumentBuf> {
        let empty = RawDocumentBuf::new();
        let id = environment.object_id();
        self.update.upsert(self.filter, id, &self.evaluation.scope(&empty))
    }
}

fn sort_of(sort: &Document, collation: &Document) -> Result<Option<SortPattern>> {
    // By `$natural` it is a hint.
    if sort.is_empty() || sort.contains_key("$natural") {
        return Ok(None);
    }
    let collation = collation_of(collation)?;
    Ok(Some(SortPattern::compile(sort)?.with_collation(collation)))
}

/// Compiles the variables and the filter of a command, and binds the variables.
fn select(
    filter: &Document,
    variables: &Document,
    collation: &Document,
    hint: Option<Hint>,
    context: &Arc<Context>,
) -> Result<(Declared, Evaluation, Selection)> {
    let variables = Declared::compile(variables)?;
    let evaluation = variables.bind(&Evaluation::new(context.clone()))?;
    let options =
        FilterOptions { compiler: variables.compiler(), collation: collation_of(collation)? };
    let selection = Selection::compile(filter, &options, evaluation.clone())?.with_hint(hint);
    Ok((variables, evaluation, selection))
}

/// The query of the first document that a command changes.
fn first(
    filter: &Document,
    sort: &Document,
    collation: &Document,
    hint: Option<&Bson>,
    variables: &Document,
) -> FindCommand {
    FindCommand {
        filter: filter.clone(),
        sort: sort.clone(),
        limit: 1,
        collation: collation.clone(),
        hint: hint.cloned(),
        variables: variables.clone(),
        ..FindCommand::default()
    }
}
