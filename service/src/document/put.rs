use std::collections::HashSet;

use argon_core::key::Key;
use argon_core::model::{CollectionName, Document};
use argon_core::storage::Version;
use argon_core::write::{Conflict, ConflictReason, Outcome, Precondition, WriteRequest};
use argon_core::{Branch, CollectionView, Error};
use argon_formats::extjson::{Mode, NumberTypes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number_types;
use super::unchanged::Unchanged;
use crate::collections::Signature;
use crate::json::{ExtJson, InputDocument};
use crate::{Failure, Hint, Result};

/// How many documents are looked up at once.
const LOOKUP: usize = 1000;

/// Write documents in one commit, as new ones or in place of those with the same `_id`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PutDocuments {
    /// The documents; one without an `_id` gets an `ObjectId`.
    pub documents: Vec<InputDocument>,
    /// How they are written.
    #[serde(flatten)]
    pub options: PutOptions,
}

/// How documents are written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PutOptions {
    /// The collection, which is created if it does not exist.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Whether a document whose `_id` exists is refused.
    #[serde(default)]
    pub if_absent: bool,
    /// The position of a state that was read: a document that was changed, inserted or deleted after it is
    /// refused.
    #[serde(default)]
    pub if_lsn: Option<u64>,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// A document that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WrittenDocument {
    /// Its `_id`.
    pub id: ExtJson,
    /// The position of the commit that last changed it.
    pub lsn: u64,
    /// Whether this operation changed it; a document that equals the stored one makes no commit.
    pub changed: bool,
}

/// Writes documents in one commit; those that equal the stored ones are left out of it, and there is no
/// commit if all do.
///
/// A number whose type the JSON does not name takes the type of the stored number at its path, if that can
/// hold it: documents may pass through tools that know only digits.
///
/// # Errors
/// `Invalid` for a document that can't be stored, for no documents, and for more than a commit may hold;
/// `AlreadyExists` for an `_id` that exists, if that is refused; `Conflict` for a document that was changed
/// after the state that was read.
pub async fn put(branch: &Branch, request: PutDocuments) -> Result<Vec<WrittenDocument>> {
    put_all(branch, &request.options, request.documents.into_iter().map(Ok)).await
}

/// [`put`] for documents that are read one by one. Reading ends with the first that is refused, or that is
/// too much for a commit, so memory is bounded by the size of a commit and by the `_id`s.
///
/// # Errors
/// Those of [`put`], and those of reading.
pub async fn put_all(
    branch: &Branch,
    options: &PutOptions,
    mut documents: impl Iterator<Item = Result<InputDocument>>,
) -> Result<Vec<WrittenDocument>> {
    if options.if_absent && options.if_lsn.is_some() {
        let problem = "if_absent and if_lsn exclude each other: an absent document has no LSN";
        return Err(Error::invalid(problem).into());
    }
    let unchanged = Unchanged::since(branch, options.if_lsn).await?;
    let stored = if options.if_absent {
        None
    } else {
        branch.head().await?.collection(&options.collection).ok()
    };
    let mut writer =
        Writer { branch, options, unchanged, stored, pending: HashSet::new(), written: Vec::new() };
    let mut request = options.signature.request(branch);
    loop {
        let batch: Vec<_> = documents.by_ref().take(LOOKUP).collect::<Result<_>>()?;
        if batch.is_empty() {
            break;
        }
        writer.add(&mut request, batch).await?;
    }
    writer.commit(request).await
}

/// Turns documents into a request.
struct Writer<'w> {
    branch: &'w Branch,
    options: &'w PutOptions,
    unchanged: Option<Unchanged>,
    /// The collection before the commit; `None` if nothing is looked up in it.
    stored: Option<CollectionView>,
    /// The `_id`s of the documents in the request.
    pending: HashSet<Key>,
    written: Vec<WrittenDocument>,
}

/// A document with what is known of it.
struct Incoming {
    key: Key,
    document: Document,
    types: NumberTypes,
}

impl Writer<'_> {
    async fn add(&mut self, request: &mut WriteRequest, batch: Vec<InputDocument>) -> Result {
        let mut incoming = Vec::with_capacity(batch.len());
        for InputDocument { document, number_types: types } in batch {
            let collection = self.branch.collection(&self.options.collection);
            let (key, document) = collection.with_id(document)?;
            incoming.push(Incoming { key, document, types });
        }
        let mut keys: Vec<Key> = incoming.iter().map(|document| document.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        let stored = match &self.stored {
            Some(stored) => stored.versions(keys.clone()).await?,
            None => vec![None; keys.len()],
        };
        let conditions = match &self.unchanged {
            Some(unchanged) => {
                unchanged.preconditions(&self.options.collection, keys.clone()).await?
            }
            None if self.options.if_absent => vec![Precondition::Absent; keys.len()],
            None => vec![Precondition::Any; keys.len()],
        };
        for document in incoming {
            // Every key was looked up.
            let Ok(place) = keys.binary_search(&document.key) else { continue };
            self.put(request, document, stored[place].as_ref(), conditions[place]).await?;
        }
        Ok(())
    }

    async fn put(
        &mut self,
        request: &mut WriteRequest,
        Incoming { key, mut document, types }: Incoming,
        stored: Option<&Version>,
        condition: Precondition,
    ) -> Result {
        let id = ExtJson::id_of(document.as_raw(), Mode::Relaxed)?;
        if let Some(stored) = stored
            && types == NumberTypes::Inferred
            && stored.document != document
        {
            let kept = number_types::keep(stored.document.as_raw(), document.as_raw())?;
            document = Document::checked(kept)?.1;
        }
        // A document that occurs twice is what it is at last.
        let is_repeated = self.pending.contains(&key);
        if let Some(stored) = stored.filter(|stored| stored.document == document && !is_repeated) {
            self.must_be_unchanged(&key, stored, condition).await?;
            self.written.push(WrittenDocument { id, lsn: stored.lsn.get(), changed: false });
            return Ok(());
        }
        self.pending.insert(key.clone());
        request
            .put(self.options.collection.clone(), key, document, condition)
            .map_err(|error| Failure::from(error).hint(Hint::SplitCommit))?;
        self.written.push(WrittenDocument { id, lsn: 0, changed: true });
        Ok(())
    }

    /// Checks the condition of a document that needs no write.
    async fn must_be_unchanged(
        &self,
        key: &Key,
        stored: &Version,
        condition: Precondition,
    ) -> Result {
        let (Some(unchanged), Some(view)) = (&self.unchanged, &self.stored) else { return Ok(()) };
        if condition == Precondition::ChangedBy(view.point_of(stored.lsn)?) {
            return Ok(());
        }
        let reason = ConflictReason::ChangedBy(Some(stored.lsn));
        let collection = self.options.collection.clone();
        let conflict = Conflict { collection, key: Some(key.clone()), reason };
        Err(unchanged.refuse(self.branch, &conflict).await)
    }

    async fn commit(mut self, request: WriteRequest) -> Result<Vec<WrittenDocument>> {
        if self.written.is_empty() {
            return Err(Error::invalid("no documents to write: expected at least one").into());
        }
        if self.pending.is_empty() {
            return Ok(self.written);
        }
        let lsn = match (self.branch.commit(request).await?, &self.unchanged) {
            (Outcome::Conflict(conflict), Some(unchanged)) => {
                return Err(unchanged.refuse(self.branch, &conflict).await);
            }
            (outcome, _) => outcome.committed()?.lsn.get(),
        };
        for document in self.written.iter_mut().filter(|document| document.changed) {
            document.lsn = lsn;
        }
        Ok(self.written)
    }
}
