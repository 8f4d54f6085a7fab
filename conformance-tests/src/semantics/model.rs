//! The model: every branch is the list of all its states, each a map. It has no log, no forks and
//! no sharing, so there is little in it that could be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argon_core::write::{ConflictReason, Precondition};

/// A collection: the name under which it was made, and how often that name had been used before.
pub(super) type Identity = (String, u32);

/// A collection's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelCollection {
    pub(super) name: String,
    pub(super) options: Option<i64>,
}

/// A document's value and the position of the commit that set it.
pub(super) type ModelDocument = (i64, u64);

/// What a branch holds at one position.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelState {
    pub(super) live: BTreeMap<Identity, ModelCollection>,
    /// Every identity that was ever given out.
    used: BTreeSet<Identity>,
    pub(super) documents: BTreeMap<Identity, BTreeMap<i64, ModelDocument>>,
}

/// One commit and the state after it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) message: String,
    pub(super) state: Arc<ModelState>,
    /// The documents that it wrote (`Some`) and deleted (`None`).
    pub(super) images: BTreeMap<(Identity, i64), Option<i64>>,
}

/// A branch: its entry 0 is the empty state.
pub(super) type History = Vec<Entry>;

/// A part of a request, with its condition.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Put { collection: String, id: i64, value: i64, condition: Precondition },
    Delete { collection: String, id: i64, condition: Precondition },
    Create { collection: String },
    Drop { collection: String },
    Rename { from: String, to: String },
    SetOptions { collection: String, value: i64 },
}

/// What a request must come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Committed { changed: usize, skipped: usize },
    Unchanged { skipped: usize },
    Conflict { collection: String, id: Option<i64>, reason: ConflictReason },
}

pub(super) fn empty_history() -> History {
    vec![Entry { message: String::new(), state: Arc::default(), images: BTreeMap::new() }]
}

/// Does a request; adds an entry if it is committed.
pub(super) fn commit(history: &mut History, message: &str, actions: &[Action]) -> Expected {
    let lsn = history.len() as u64;
    let state = ModelState::clone(&history.last().expect("a branch has a state").state);
    let mut draft = Draft { lsn, state, images: BTreeMap::new(), catalog: false, skipped: 0 };
    for action in actions {
        if let Err(conflict) = draft.act(action) {
            return conflict;
        }
    }
    let Draft { state, images, catalog, skipped, .. } = draft;
    if images.is_empty() && !catalog {
        return Expected::Unchanged { skipped };
    }
    let changed = images.len();
    history.push(Entry { message: message.to_owned(), state: Arc::new(state), images });
    Expected::Committed { changed, skipped }
}

struct Draft {
    lsn: u64,
    state: ModelState,
    images: BTreeMap<(Identity, i64), Option<i64>>,
    /// Whether a collection's metadata was changed.
    catalog: bool,
    skipped: usize,
}

impl ModelState {
    pub(super) fn called(&self, name: &str) -> Option<&Identity> {
        self.live.iter().find(|(_, metadata)| metadata.name == name).map(|(identity, _)| identity)
    }

    pub(super) fn stored(&self, name: &str, id: i64) -> Option<ModelDocument> {
        self.documents.get(self.called(name)?)?.get(&id).copied()
    }
}

fn conflict(collection: &str, id: Option<i64>, reason: ConflictReason) -> Result<(), Expected> {
    Err(Expected::Conflict { collection: collection.to_owned(), id, reason })
}

impl Draft {
    fn act(&mut self, action: &Action) -> Result<(), Expected> {
        match action {
            Action::Put { collection, id, value, condition } => {
                self.document(collection, *id, Some(*value), *condition)
            }
            Action::Delete { collection, id, condition } => {
                self.document(collection, *id, None, *condition)
            }
            Action::Create { collection } => match self.state.called(collection) {
                Some(_) => conflict(collection, None, ConflictReason::Exists),
                None => {
                    self.create(collection);
                    Ok(())
                }
            },
            Action::Drop { collection } => match self.state.called(collection).cloned() {
                None => conflict(collection, None, ConflictReason::Missing),
                Some(identity) => {
                    self.state.live.remove(&identity);
                    self.catalog = true;
                    Ok(())
                }
            },
            Action::Rename { from, to } => self.rename(from, to),
            Action::SetOptions { collection, value } => {
                let identity = match self.state.called(collection).cloned() {
                    Some(identity) => identity,
                    None => self.create(collection),
                };
                let metadata = self.state.live.get_mut(&identity).expect("it is live");
                self.catalog |= metadata.options != Some(*value);
                metadata.options = Some(*value);
                Ok(())
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Expected> {
        let Some(identity) = self.state.called(from).cloned() else {
            return conflict(from, None, ConflictReason::Missing);
        };
        if self.state.called(to).is_some() {
            return conflict(to, None, ConflictReason::Exists);
        }
        to.clone_into(&mut self.state.live.get_mut(&identity).expect("it is live").name);
        self.catalog = true;
        Ok(())
    }

    fn create(&mut self, name: &str) -> Identity {
        let identity = (0..u32::MAX)
            .map(|times| (name.to_owned(), times))
            .find(|identity| !self.state.used.contains(identity))
            .expect("names don't run out");
        self.state.used.insert(identity.clone());
        let metadata = ModelCollection { name: name.to_owned(), options: None };
        self.state.live.insert(identity.clone(), metadata);
        self.catalog = true;
        identity
    }

    fn document(
        &mut self,
        collection: &str,
        id: i64,
        value: Option<i64>,
        condition: Precondition,
    ) -> Result<(), Expected> {
        let current = self.state.stored(collection, id).map(|(_, lsn)| lsn);
        let refuse = |reason| conflict(collection, Some(id), reason);
        match (condition, current) {
            (Precondition::Absent, Some(_)) => return refuse(ConflictReason::Exists),
            (Precondition::Present, None) => return refuse(ConflictReason::Missing),
            (Precondition::ChangedBy(commit), current) if current != Some(commit.lsn.get()) => {
                let by = current.map(argon_core::model::Lsn::new);
                return refuse(ConflictReason::ChangedBy(by));
            }
            (Precondition::SkipUnlessAbsent, Some(_)) | (Precondition::SkipUnlessPresent, None) => {
                self.skipped += 1;
                return Ok(());
            }
            _ => {}
        }
        let identity = match (self.state.called(collection).cloned(), value) {
            (Some(identity), _) => identity,
            (None, None) => return Ok(()),
            (None, Some(_)) => self.create(collection),
        };
        self.images.insert((identity.clone(), id), value);
        let documents = self.state.documents.entry(identity).or_default();
        match value {
            Some(value) => documents.insert(id, (value, self.lsn)),
            None => documents.remove(&id),
        };
        Ok(())
    }
}
