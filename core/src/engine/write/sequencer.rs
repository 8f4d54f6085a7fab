//! Sequences requests: checks preconditions, and builds the commits.

use std::collections::HashMap;
use std::sync::Arc;

use bson::DateTime;

use crate::document::key::Key;
use crate::engine::capped::{self, CappedCollections, Source, Victim};
use crate::engine::catalog::{self, Catalog, CollectionInfo};
use crate::engine::index::{Indexing, KeptIndexes, StateBefore, prepare};
use crate::engine::rules::KnownRules;
use crate::engine::write::committer::{CommitterContext, Position};
use crate::engine::write::operation::{
    CollectionChange, Enforced, Operation, Precondition, WriteRequest,
};
use crate::engine::write::outcome::{Conflict, ConflictReason, Outcome, Receipt};
use crate::engine::write::series::{self, Series};
use crate::model::environment::Environment;
use crate::model::{
    Change, CollectionId, CollectionName, Commit, CommitMeta, Head, Image, Lsn, Origin, Point,
    TimelineId, View,
};
use crate::storage::{IndexChanges, Materialize};
use crate::{Error, Result};

/// The last commit of each document; missing documents are absent.
type StoredVersions = HashMap<CollectionId, HashMap<Key, Lsn>>;

/// The last commit of each changed document; `None` for a deleted one.
type Pending = HashMap<CollectionId, HashMap<Key, Option<Lsn>>>;

/// The sequenced requests of one append.
pub(super) struct Sequenced {
    /// The commits to append; empty if every request was refused or had nothing to change.
    pub(super) commits: Vec<Commit>,
    /// One per request, in order; valid once `commits` are durable.
    pub(super) outcomes: Vec<Result<Outcome>>,
    /// The catalog after the last commit.
    pub(super) catalog: Arc<Catalog>,
    /// The changes of entries of indexes.
    pub(super) entries: IndexChanges,
    /// The kept indexes, and the rules of collections, after the last commit.
    pub(super) kept: KeptIndexes,
    pub(super) rules: KnownRules,
}

/// Sequences requests after `head`.
pub(super) struct Sequencer<'a> {
    head: Head,
    /// The timeline to append to, and the view at its head.
    timeline: TimelineId,
    view: &'a View,
    catalog: Arc<Catalog>,
    /// The documents with preconditions, at `head`.
    stored: StoredVersions,
    /// The changes of earlier commits in this append to these documents.
    pending: Pending,
    /// Whether `pending` is needed: a request may have a precondition on a change of another one.
    remembers: bool,
    indexing: Indexing,
    capped: CappedCollections,
    environment: &'a Environment,
    now: DateTime,
}

/// A commit that is being built.
struct Draft<'r> {
    lsn: Lsn,
    catalog: Arc<Catalog>,
    changes: Vec<Change>,
    /// The index in `changes` of a document; only kept if the request has several operations.
    places: Option<HashMap<(CollectionId, &'r Key), usize>>,
    /// The index in `changes` of a collection's metadata.
    described: HashMap<CollectionId, usize>,
    documents: usize,
    skipped: usize,
}

/// Sequences all requests, in order. The failure of a request does not affect the others.
///
/// # Errors
/// Only if the documents with preconditions could not be read.
pub(super) async fn sequence(
    requests: &[WriteRequest],
    timeline: TimelineId,
    position: &Position,
    view: &View,
    context: &CommitterContext,
) -> Result<Sequenced> {
    let CommitterContext { materialize, environment, backend, orders, .. } = context;
    let (head, catalog) = (position.head, position.catalog.clone());
    let stored = read_stored(requests, view, &catalog, &**materialize).await?;
    let before =
        StateBefore { view, catalog: &catalog, kept: &position.kept, rules: &position.rules };
    let source = Source { wal: &backend.wal, materialize: &**materialize };
    let capped = capped::prepare(requests, view, &catalog, orders, &source).await?;
    let displaced = capped.candidates();
    let indexes = backend.indexes.as_deref();
    let indexing = prepare(requests, &displaced, before, &**materialize, indexes).await?;
    let mut sequencer = Sequencer {
        head,
        timeline,
        view,
        catalog,
        stored,
        pending: Pending::new(),
        remembers: requests.len() > 1 && conditional_keys(requests).next().is_some(),
        indexing,
        capped,
        environment,
        now: environment.now(),
    };
    let mut commits = Vec::with_capacity(requests.len());
    // Only this sequence ends these series: after a lost race, the same requests may all be met.
    let mut ended: Vec<&Series> = Vec::new();
    let outcomes = requests
        .iter()
        .map(|request| {
            let series = request.series.as_ref();
            if series.is_some_and(|own| own.has_ended() || ended.iter().any(|other| own.is(other)))
            {
                return Err(series::ended());
            }
            let placed = sequencer.place(request);
            if !placed.as_ref().is_ok_and(|(_, outcome)| outcome.is_met()) {
                ended.extend(series);
            }
            let (commit, outcome) = placed?;
            commits.extend(commit);
            Ok(outcome)
        })
        .collect();
    let catalog = sequencer.catalog;
    let (entries, kept, rules) = sequencer.indexing.finish();
    Ok(Sequenced { commits, outcomes, catalog, entries, kept, rules })
}

/// Looks up all documents with preconditions: one sorted lookup per collection. The sequencer then
/// runs without I/O, so that checks and positions are consistent.
async fn read_stored(
    requests: &[WriteRequest],
    view: &View,
    catalog: &Catalog,
    materialize: &dyn Materialize,
) -> Result<StoredVersions> {
    let mut wanted: HashMap<CollectionId, Vec<&Key>> = HashMap::new();
    // After a rename, a name can refer to any collection, so its keys are looked up in all of them.
    let renames = requests.iter().flat_map(|request| &request.operations).any(|operation| {
        matches!(operation, Operation::Collection(CollectionChange::Rename { .. }))
    });
    for (collection, key) in conditional_keys(requests) {
        let meant = catalog.get(collection).filter(|_| !renames);
        let may_be_meant = catalog.iter().filter(|_| renames);
        for info in meant.into_iter().chain(may_be_meant) {
            wanted.entry(info.id).or_default().push(key);
        }
    }
    let mut stored = StoredVersions::new();
    for (collection, mut keys) in wanted {
        keys.sort_unstable();
        keys.dedup();
        let asked = keys.iter().copied().cloned().collect();
        let found = materialize.stamps(view, collection, asked).await?;
        let there = keys.into_iter().zip(found).filter_map(|(key, stamp)| {
            let stamp = stamp?;
            Some((key.clone(), stamp.lsn))
        });
        stored.insert(collection, there.collect());
    }
    Ok(stored)
}

/// The documents with preconditions.
fn conditional_keys(requests: &[WriteRequest]) -> impl Iterator<Item = (&CollectionName, &Key)> {
    requests.iter().flat_map(|request| &request.operations).filter_map(
        |operation| match operation {
            Operation::Document { collection, key, condition, .. }
                if *condition != Precondition::Any =>
            {
                Some((collection, key))
            }
            _ => None,
        },
    )
}

impl Sequencer<'_> {
    /// Builds the next commit, if the request results in one, and its outcome.
    fn place(&mut self, request: &WriteRequest) -> Result<(Option<Commit>, Outcome)> {
        if request.after.is_some_and(|digest| digest != self.head.digest) {
            return Ok((None, Outcome::Moved { head: self.head.lsn }));
        }
        // A draft, because a request whose precondition fails must not change the sequencer.
        let mut draft = Draft {
            lsn: self.head.lsn.next(),
            catalog: self.catalog.clone(),
            changes: Vec::with_capacity(request.operations.len()),
            places: (request.operations.len() > 1).then(HashMap::new),
            described: HashMap::new(),
            documents: 0,
            skipped: 0,
        };
        for operation in &request.operations {
            if let Err(conflict) = self.step(&mut draft, operation)? {
                return Ok((None, Outcome::Conflict(conflict)));
            }
        }
        // A merge without changes still records the merged commits.
        if draft.changes.is_empty() && !matches!(request.origin, Origin::Merge(_)) {
            return Ok((None, Outcome::Unchanged { skipped: draft.skipped }));
        }
        if draft.lsn > Lsn::MAX {
            return Err(Error::unsupported(format!(
                "the timeline is full: it has {} commits",
                Lsn::MAX
            )));
        }
        if request.enforced == Enforced::All {
            draft.remove(self.capped.victims(&draft.changes)?);
        }
        let Draft { lsn, catalog, changes, .. } = &draft;
        self.indexing.add(*lsn, changes, &self.catalog, catalog, request.enforced)?;
        self.capped.accept(*lsn, changes);
        Ok(self.finish(draft, request))
    }

    fn finish(&mut self, draft: Draft<'_>, request: &WriteRequest) -> (Option<Commit>, Outcome) {
        let meta = CommitMeta {
            lsn: draft.lsn,
            // A clock may go back, but the times of a chain must not.
            time: self.now.max(self.head.time),
            nonce: self.environment.nonce(),
            actor: request.actor.clone(),
            message: request.message.clone(),
            origin: request.origin.clone(),
            trailers: request.trailers.clone(),
        };
        // Later requests of this append must see changes that are not stored yet.
        if self.remembers {
            for change in &draft.changes {
                let lsn = matches!(change.image, Image::Document(_)).then_some(draft.lsn);
                let documents = self.pending.entry(change.collection).or_default();
                documents.insert(change.key.clone(), lsn);
            }
        }
        let commit = Commit::sealed(meta, &self.head.digest, draft.changes);
        self.head = commit.head();
        self.catalog = draft.catalog;
        let receipt = Receipt {
            lsn: commit.meta.lsn,
            time: commit.meta.time,
            digest: commit.digest,
            changed: draft.documents,
            skipped: draft.skipped,
        };
        (Some(commit), Outcome::Committed(receipt))
    }

    fn step<'r>(
        &self,
        draft: &mut Draft<'r>,
        operation: &'r Operation,
    ) -> Result<Result<(), Conflict>> {
        match operation {
            Operation::Document { collection, key, image, condition } => {
                self.document(draft, collection, key, image, *condition)
            }
            Operation::Collection(change) => draft.collection(change),
            Operation::Exact(change) => draft.exact(change).map(Ok),
        }
    }

    fn document<'r>(
        &self,
        draft: &mut Draft<'r>,
        collection: &CollectionName,
        key: &'r Key,
        image: &Image,
        condition: Precondition,
    ) -> Result<Result<(), Conflict>> {
        let known = draft.catalog.get(collection).map(|info| info.id);
        let current = match known {
            Some(id) if condition != Precondition::Any => self.current(draft, id, key),
            _ => None,
        };
        let current = current.map(|lsn| self.commit_at(lsn));
        match check(condition, current) {
            PreconditionResult::Do => {}
            PreconditionResult::Skip => {
                draft.skipped += 1;
                return Ok(Ok(()));
            }
            PreconditionResult::Refuse(reason) => {
                let (collection, key) = (collection.clone(), Some(key.clone()));
                return Ok(Err(Conflict { collection, key, reason }));
            }
        }
        let id = match known {
            Some(id) => id,
            None if matches!(image, Image::Deleted) => return Ok(Ok(())),
            None => draft.create(collection)?,
        };
        draft.push(id, key, image.clone());
        Ok(Ok(()))
    }

    /// The commit at a position: below the head, or of this append.
    fn commit_at(&self, lsn: Lsn) -> Point {
        let stored = self.view.segment_of(lsn);
        Point { timeline: stored.map_or(self.timeline, |segment| segment.timeline), lsn }
    }

    /// Returns the last commit that changed a document, as seen by the current operation: this
    /// request's own changes first, then those of earlier requests of the append, then the stored
    /// version.
    fn current(&self, draft: &Draft<'_>, collection: CollectionId, key: &Key) -> Option<Lsn> {
        let place = draft.places.as_ref().and_then(|places| places.get(&(collection, key)));
        if let Some(place) = place {
            let there = matches!(draft.changes[*place].image, Image::Document(_));
            return there.then_some(draft.lsn);
        }
        match self.pending.get(&collection).and_then(|documents| documents.get(key)) {
            Some(changed) => *changed,
            None => self.stored.get(&collection).and_then(|documents| documents.get(key)).copied(),
        }
    }
}

enum PreconditionResult {
    Do,
    Skip,
    Refuse(ConflictReason),
}

fn check(condition: Precondition, current: Option<Point>) -> PreconditionResult {
    match (condition, current) {
        (Precondition::Absent, Some(_)) => PreconditionResult::Refuse(ConflictReason::Exists),
        (Precondition::Present, None) => PreconditionResult::Refuse(ConflictReason::Missing),
        (Precondition::ChangedBy(expected), current) if current != Some(expected) => {
            PreconditionResult::Refuse(ConflictReason::ChangedBy(current.map(|commit| commit.lsn)))
        }
        (Precondition::SkipUnlessAbsent, Some(_)) | (Precondition::SkipUnlessPresent, None) => {
            PreconditionResult::Skip
        }
        _ => PreconditionResult::Do,
    }
}

impl<'r> Draft<'r> {
    fn create(&mut self, name: &CollectionName) -> Result<CollectionId> {
        let info = self.catalog.new_collection(name.clone());
        let id = info.id;
        self.describe(info, false)?;
        Ok(id)
    }

    /// Writes a collection's metadata to the catalog.
    fn describe(&mut self, info: CollectionInfo, dropped: bool) -> Result<()> {
        let change = catalog::change(&info, dropped)?;
        match self.described.get(&info.id) {
            Some(place) => self.changes[*place] = change,
            None => {
                self.described.insert(info.id, self.changes.len());
                self.changes.push(change);
            }
        }
        Arc::make_mut(&mut self.catalog).insert(info, dropped);
        Ok(())
    }

    /// Adds an unconditional change; one of the catalog takes effect at once.
    fn exact(&mut self, change: &'r Change) -> Result<()> {
        match (change.collection, &change.image) {
            (CollectionId::CATALOG, Image::Document(document)) => {
                let (info, dropped) = catalog::decode(document)?;
                self.describe(info, dropped)
            }
            (CollectionId::CATALOG, Image::Deleted) => Err(Error::internal(
                "a collection's metadata can't be deleted, only marked as dropped",
            )),
            (collection, image) => {
                self.push(collection, &change.key, image.clone());
                Ok(())
            }
        }
    }

    /// Adds a change of a document; it replaces an earlier one of the same document.
    fn push(&mut self, collection: CollectionId, key: &'r Key, image: Image) {
        let next = self.changes.len();
        let place = match &mut self.places {
            Some(places) => *places.entry((collection, key)).or_insert(next),
            None => next,
        };
        match self.changes.get_mut(place) {
            Some(change) => change.image = image,
            None => {
                self.changes.push(Change { collection, key: key.clone(), image });
                self.documents += 1;
            }
        }
    }

    /// Removes the documents that new ones displace; the commit need not have them at all if it inserted them.
    fn remove(&mut self, victims: Vec<Victim>) {
        if victims.is_empty() {
            return;
        }
        let mut changed: HashMap<(CollectionId, Key), bool> = HashMap::new();
        for Victim { collection, key, existed } in &victims {
            changed.insert((*collection, key.clone()), *existed);
        }
        self.changes.retain_mut(|change| {
            let victim = changed.remove(&(change.collection, change.key.clone()));
            if victim.is_some() {
                change.image = Image::Deleted;
            }
            victim.unwrap_or(true)
        });
        let others = victims.into_iter().filter_map(|Victim { collection, key, .. }| {
            let place = (collection, key);
            changed.contains_key(&place).then_some(place)
        });
        self.changes.extend(others.map(|(collection, key)| Change {
            collection,
            key,
            image: Image::Deleted,
        }));
    }

    fn collection(&mut self, change: &CollectionChange) -> Result<Result<(), Conflict>> {
        let conflict = |collection: &CollectionName, reason| {
            Ok(Err(Conflict { collection: collection.clone(), key: None, reason }))
        };
        match change {
            CollectionChange::Create { name } => {
                if self.catalog.get(name).is_some() {
                    return conflict(name, ConflictReason::Exists);
                }
                self.create(name)?;
            }
            CollectionChange::Drop { name } => match self.metadata(name) {
                Some(info) => self.describe(info, true)?,
                None => return conflict(name, ConflictReason::Missing),
            },
            CollectionChange::Rename { from, to } => {
                let Some(info) = self.metadata(from) else {
                    return conflict(from, ConflictReason::Missing);
                };
                if self.catalog.get(to).is_some() {
                    return conflict(to, ConflictReason::Exists);
                }
                self.describe(CollectionInfo { name: to.clone(), ..info }, false)?;
            }
            CollectionChange::SetOptions { name, options } => {
                let info = self.facts_or_new(name);
                self.describe_if_new(CollectionInfo { options: options.clone(), ..info })?;
            }
            CollectionChange::SetValidator { name, validator } => {
                let mut info = self.facts_or_new(name);
                match validator {
                    Some(validator) => info.options.insert("validator", validator.clone()),
                    None => info.options.remove("validator"),
                };
                self.describe_if_new(info)?;
            }
            CollectionChange::SetIndexes { name, indexes } => {
                let info = self.facts_or_new(name);
                self.describe_if_new(CollectionInfo { indexes: indexes.clone(), ..info })?;
            }
        }
        Ok(Ok(()))
    }

    fn metadata(&self, name: &CollectionName) -> Option<CollectionInfo> {
        self.catalog.get(name).map(|info| CollectionInfo::clone(info))
    }

    fn facts_or_new(&self, name: &CollectionName) -> CollectionInfo {
        self.metadata(name).unwrap_or_else(|| self.catalog.new_collection(name.clone()))
    }

    fn describe_if_new(&mut self, info: CollectionInfo) -> Result<()> {
        match self.catalog.get(&info.name) {
            Some(known) if **known == info => Ok(()),
            _ => self.describe(info, false),
        }
    }
}
