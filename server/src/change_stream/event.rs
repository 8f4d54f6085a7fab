//! The events of a commit.

use std::collections::{BTreeMap, HashMap};

use argon_core::key::Key;
use argon_core::model::{CollectionName, Document, Image, Lsn};
use argon_core::watch::{WatchedChange, WatchedCommit};
use argon_core::{CollectionInfo, State};
use bson::raw::{RawDocumentBuf, cstr};
use bson::spec::BinarySubtype;
use bson::{Binary, RawBson, rawdoc};

use super::catalog_event;
use super::difference::Difference;
use super::options::{Images, StreamOptions};
use crate::clock::timestamp;
use crate::failure::Result;
use crate::written;

/// The trailer of a commit that says which command made it, if its changes do not.
pub(crate) const COMMAND_TRAILER: &str = "command";
/// Its value for a command that drops all collections.
pub(crate) const DROP_DATABASE: &str = "dropDatabase";

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Insert,
    Update,
    Replace,
    Delete,
    Create,
    Drop,
    Rename,
    Modify,
    CreateIndexes,
    DropIndexes,
    DropDatabase,
    Invalidate,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Create => "create",
            Self::Drop => "drop",
            Self::Rename => "rename",
            Self::Modify => "modify",
            Self::CreateIndexes => "createIndexes",
            Self::DropIndexes => "dropIndexes",
            Self::DropDatabase => "dropDatabase",
            Self::Invalidate => "invalidate",
        }
    }

    /// Whether only `showExpandedEvents` shows it.
    fn is_expanded(self) -> bool {
        matches!(self, Self::Create | Self::Modify | Self::CreateIndexes | Self::DropIndexes)
    }
}

/// An event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// The number within the commit, the same whatever a stream has of it.
    pub(super) number: u32,
    pub(super) operation: Operation,
    /// The collection; `None` for a database.
    pub(super) collection: Option<CollectionName>,
    pub(super) renamed_to: Option<CollectionName>,
    key: Option<Key>,
    before: Option<Document>,
    after: Option<Document>,
    pub(super) description: Option<bson::Document>,
}

impl Event {
    fn new(number: u32, operation: Operation) -> Self {
        let (collection, renamed_to) = (None, None);
        let (key, before, after, description) = (None, None, None, None);
        Self { number, operation, collection, renamed_to, key, before, after, description }
    }

    pub(super) fn of_collection(
        number: u32,
        operation: Operation,
        collection: CollectionName,
    ) -> Self {
        Self { collection: Some(collection), ..Self::new(number, operation) }
    }
}

/// All events of a commit, in its order; `before` and `after` are the states around it. Takes one lookup
/// for each collection.
pub(super) async fn events_of(
    commit: &WatchedCommit,
    before: &State,
    options: &StreamOptions,
) -> argon_core::Result<Vec<Event>> {
    let stored = documents_before(commit, before).await?;
    let known: HashMap<_, _> = before.collections().map(|info| (info.id, info)).collect();
    let mut events = Vec::new();
    let mut number = 0;
    for change in &commit.changes {
        match change {
            WatchedChange::Collection { info, dropped } => {
                let known: Option<&CollectionInfo> = known.get(&info.id).copied();
                events.extend(catalog_event::events(known, info, *dropped, number));
            }
            WatchedChange::Document { collection, id, image } => {
                let old = stored.get(collection).and_then(|stored| stored.get(id)).cloned();
                events.extend(of_document(number, collection, id, old, image));
            }
        }
        number = number.saturating_add(catalog_event::MOST);
    }
    if commit.meta.trailers.get(COMMAND_TRAILER) == Some(DROP_DATABASE) {
        events.push(Event::new(number, Operation::DropDatabase));
    }
    events.retain(|event| options.is_expanded || !event.operation.is_expanded());
    Ok(events)
}

/// The event of a change of a document; `None` if a mask hides the change, or the document before and
/// after it.
fn of_document(
    number: u32,
    collection: &CollectionName,
    id: &Key,
    old: Option<Document>,
    image: &Image,
) -> Option<Event> {
    let (operation, after) = match (&old, image) {
        (None, Image::Deleted) => return None,
        (Some(old), Image::Document(after)) if old.as_bytes() == after.as_bytes() => return None,
        (None, Image::Document(after)) => (Operation::Insert, Some(after.clone())),
        (Some(_), Image::Deleted) => (Operation::Delete, None),
        (Some(_), Image::Document(after)) => (Operation::Update, Some(after.clone())),
    };
    let event = Event::of_collection(number, operation, collection.clone());
    Some(Event { key: Some(id.clone()), before: old, after, ..event })
}

/// The documents that a commit changes, as they were before it.
async fn documents_before(
    commit: &WatchedCommit,
    before: &State,
) -> argon_core::Result<HashMap<CollectionName, HashMap<Key, Document>>> {
    // A rename in the same commit gives the collection the name that the changes have.
    let mut names = HashMap::new();
    let known: HashMap<_, _> = before.collections().map(|info| (info.id, &info.name)).collect();
    for change in &commit.changes {
        if let WatchedChange::Collection { info, .. } = change {
            names.insert(&info.name, known.get(&info.id).copied());
        }
    }
    let mut keys: BTreeMap<&CollectionName, Vec<Key>> = BTreeMap::new();
    for change in &commit.changes {
        if let WatchedChange::Document { collection, id, .. } = change {
            keys.entry(collection).or_default().push(id.clone());
        }
    }
    let mut stored = HashMap::new();
    for (name, mut keys) in keys {
        let Some(old_name) = names.get(name).copied().unwrap_or(Some(name)) else { continue };
        let Ok(view) = before.collection(old_name) else { continue };
        keys.sort();
        let documents = view.get_many(keys.clone()).await?;
        let documents =
            keys.into_iter().zip(documents).filter_map(|(key, document)| Some((key, document?)));
        stored.insert(name.clone(), documents.collect());
    }
    Ok(stored)
}

/// Writes events as documents.
pub(super) struct EventWriter<'w> {
    pub(super) commit: &'w WatchedCommit,
    pub(super) database: &'w str,
    pub(super) options: &'w StreamOptions,
}

impl EventWriter<'_> {
    /// The event as a document, whose `_id` is the token.
    pub(super) fn write(&self, event: &Event, token: RawDocumentBuf) -> Result<RawDocumentBuf> {
        let mut out = self.head(event.operation, token);
        let difference = match (&event.before, &event.after) {
            (Some(before), Some(after)) => Some(Difference::of(before.as_raw(), after.as_raw())?),
            _ => None,
        };
        let is_update = matches!(difference, Some(Some(_)));
        if matches!(difference, Some(None)) {
            out = self.head(Operation::Replace, out.get_document("_id")?.to_owned());
        }
        if let Some(after) = &event.after
            && (!is_update || self.options.after == Images::Always)
        {
            out.append(cstr!("fullDocument"), after.as_raw());
        }
        out.append(cstr!("ns"), self.namespace(event.collection.as_ref()));
        if let Some(renamed_to) = &event.renamed_to {
            out.append(cstr!("to"), self.namespace(Some(renamed_to)));
        }
        if let Some(key) = &event.key {
            // Of the document itself: a key does not say the type of a number.
            let document = event.after.as_ref().or(event.before.as_ref());
            let id = document.map(|document| document.as_raw().get("_id")).transpose()?.flatten();
            let id = match id {
                Some(id) => RawBson::from(id),
                None => RawBson::try_from(key.to_bson())?,
            };
            let mut document_key = RawDocumentBuf::new();
            document_key.append(cstr!("_id"), id);
            out.append(cstr!("documentKey"), document_key);
        }
        if let Some(Some(difference)) = difference {
            out.append(cstr!("updateDescription"), difference.description());
        }
        if let Some(before) = &event.before
            && self.options.before == Images::Always
        {
            out.append(cstr!("fullDocumentBeforeChange"), before.as_raw());
        }
        if let Some(description) = &event.description {
            out.append(cstr!("operationDescription"), RawDocumentBuf::try_from(description)?);
        }
        Ok(out)
    }

    /// The last event of a stream.
    pub(super) fn invalidate(&self, token: RawDocumentBuf) -> RawDocumentBuf {
        self.head(Operation::Invalidate, token)
    }

    fn head(&self, operation: Operation, token: RawDocumentBuf) -> RawDocumentBuf {
        let meta = &self.commit.meta;
        let mut out = RawDocumentBuf::new();
        out.append(cstr!("_id"), token);
        out.append(cstr!("operationType"), operation.name());
        out.append(cstr!("clusterTime"), timestamp(meta.time, meta.lsn.get()));
        out.append(cstr!("wallTime"), meta.time);
        if let Some((session, number, _)) = written::origin(meta)
            && operation != Operation::Invalidate
        {
            let id = Binary { subtype: BinarySubtype::Uuid, bytes: session.to_vec() };
            out.append(cstr!("lsid"), rawdoc! { "id": id });
            out.append(cstr!("txnNumber"), number);
        }
        out
    }

    fn namespace(&self, collection: Option<&CollectionName>) -> RawDocumentBuf {
        let mut namespace = rawdoc! { "db": self.database };
        if let Some(collection) = collection {
            namespace.append(cstr!("coll"), collection.as_str());
        }
        namespace
    }
}

/// The states before a commit; `None` if the branch does not have the commit any more.
///
/// # Errors
/// `NotFound` if the branch is gone, or a state was collected.
pub(super) async fn state_before(
    branch: &argon_core::Branch,
    commit: &WatchedCommit,
) -> argon_core::Result<Option<State>> {
    let after = branch.at(commit.point.lsn).await?;
    let segment = after.view().segment_of(commit.point.lsn);
    if segment.is_none_or(|segment| segment.timeline != commit.point.timeline) {
        return Ok(None);
    }
    after.at(Lsn::new(commit.point.lsn.get().saturating_sub(1))).await.map(Some)
}
