//! Takes the steps of a program on a store and on the model.

use std::collections::BTreeMap;

use argon_core::model::{BranchName, Lsn, Message, Point, TimelineId, View};
use argon_core::storage::Backend;
use argon_core::write::{CollectionChange, Outcome, Precondition};
use argon_core::{ErrorKind, Project, State, restore, snapshot};
use bson::rawdoc;

use crate::Subject;
use crate::environment::Random;
use crate::make::{branch as branch_name, checked, collection, key};
use crate::semantics::model::{Action, Expected, History, commit, empty_history};
use crate::semantics::program::{Operation, Step, When};
use crate::subject::StoreLocation;

/// A store and its model.
pub(crate) struct Machine {
    pub(crate) place: StoreLocation,
    pub(crate) backend: Backend,
    pub(super) project: Project,
    pub(super) branches: BTreeMap<String, History>,
    pub(super) random: Random,
    steps: u32,
    /// How many backups there must be.
    pub(super) backups: usize,
}

impl Machine {
    pub(crate) async fn new(subject: &Subject) -> Self {
        let (place, backend) = subject.backend().await;
        let project = place.project(backend.clone()).await;
        let branches = BTreeMap::from([("main".to_owned(), empty_history())]);
        let random = Random::new(99);
        Self { place, backend, project, branches, random, steps: 0, backups: 0 }
    }

    pub(crate) async fn step(&mut self, step: &Step) {
        self.steps += 1;
        match step {
            Step::Write { branch, operations } => self.write(*branch, operations).await,
            Step::Fork { branch, lsn, name } => self.fork(*branch, *lsn, *name).await,
            Step::Reset { branch, target, lsn } => self.reset(*branch, *target, *lsn).await,
            Step::Rename { branch, name } => self.rename(*branch, *name).await,
            Step::Delete { branch } => self.delete(*branch).await,
            Step::Snapshot { branch, lsn } => self.snapshot(*branch, *lsn).await,
            Step::Reopen => self.reopen().await,
        }
    }

    /// The name of the branch with this number, modulo how many there are.
    fn picked(&self, number: u8) -> Option<String> {
        let at = usize::from(number) % self.branches.len().max(1);
        self.branches.keys().nth(at).cloned()
    }

    /// A branch and one of its positions.
    fn picked_state(&self, branch: u8, lsn: u8) -> Option<(String, u64)> {
        let name = self.picked(branch)?;
        let lsn = u64::from(lsn) % self.branches[&name].len() as u64;
        Some((name, lsn))
    }

    pub(super) async fn branch(&self, name: &str) -> argon_core::Branch {
        self.project.branch(&branch_name(name)).await.unwrap()
    }

    pub(crate) async fn state(&self, name: &str, lsn: u64) -> State {
        self.branch(name).await.at(Lsn::new(lsn)).await.unwrap()
    }

    /// A random state of a random branch.
    pub(crate) async fn some_state(&mut self) -> Option<State> {
        let (name, lsn) = self.some_point()?;
        Some(self.state(&name, lsn).await)
    }

    pub(super) fn some_point(&mut self) -> Option<(String, u64)> {
        if self.branches.is_empty() {
            return None;
        }
        let names: Vec<String> = self.branches.keys().cloned().collect();
        let name = self.random.pick(&names).clone();
        let lsn = self.random.below(self.branches[&name].len() as u64);
        Some((name, lsn))
    }

    async fn write(&mut self, branch: u8, operations: &[Operation]) {
        let Some(name) = self.picked(branch) else { return };
        let branch = self.branch(&name).await;
        let view = branch.head().await.unwrap().view().clone();
        let actions = resolve(&self.branches[&name], &view, operations);
        let message = format!("step {}", self.steps);
        let mut request = branch.request();
        request.set_message(Message::new(message.as_str()).unwrap());
        for action in &actions {
            add(&mut request, action);
        }
        let outcome = branch.commit(request).await.unwrap();
        let history = self.branches.get_mut(&name).unwrap();
        let expected = commit(history, &message, &actions);
        if let Outcome::Committed(receipt) = &outcome {
            assert_eq!(receipt.lsn.get() + 1, history.len() as u64, "{actions:?}");
        }
        assert_eq!(said(outcome), expected, "{actions:?}");
    }

    async fn fork(&mut self, branch: u8, lsn: u8, to: u8) {
        let Some((name, lsn)) = self.picked_state(branch, lsn) else { return };
        let (to, from) = (format!("b{to}"), self.state(&name, lsn).await);
        let parent = branch_name(&name);
        let made = self.project.create_branch(&branch_name(&to), &from, Some(&parent)).await;
        if self.branches.contains_key(&to) {
            assert_eq!(made.unwrap_err().kind(), ErrorKind::AlreadyExists);
            return;
        }
        made.unwrap();
        let history = prefix(&self.branches[&name], lsn);
        self.branches.insert(to, history);
    }

    async fn reset(&mut self, branch: u8, target: u8, lsn: u8) {
        let Some(name) = self.picked(branch) else { return };
        let Some((target, lsn)) = self.picked_state(target, lsn) else { return };
        let to = self.state(&target, lsn).await;
        let branch = self.branch(&name).await;
        if branch.head().await.unwrap().view() == to.view() {
            let error = restore::reset(&branch, &to).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            return;
        }
        let reset = restore::reset(&branch, &to).await.unwrap();
        assert_eq!(reset.from.get() + 1, self.branches[&name].len() as u64);
        self.backups += 1;
        let history = prefix(&self.branches[&target], lsn);
        self.branches.insert(name, history);
    }

    async fn rename(&mut self, branch: u8, to: u8) {
        let Some(name) = self.picked(branch) else { return };
        let to = format!("b{to}");
        let renamed = self.project.rename_branch(&branch_name(&name), &branch_name(&to)).await;
        if self.branches.contains_key(&to) {
            assert_eq!(renamed.unwrap_err().kind(), ErrorKind::AlreadyExists);
            return;
        }
        renamed.unwrap();
        let history = self.branches.remove(&name).unwrap();
        self.branches.insert(to, history);
    }

    async fn delete(&mut self, branch: u8) {
        let Some(name) = self.picked(branch) else { return };
        let backup = self.project.delete_branch(&branch_name(&name)).await.unwrap().unwrap();
        self.backups += 1;
        let kept = self.project.branch(&backup).await.unwrap().head().await.unwrap();
        let history = self.branches.remove(&name).unwrap();
        self.compare_state(&kept, &history[history.len() - 1]).await;
    }

    async fn snapshot(&mut self, branch: u8, lsn: u8) {
        let Some((name, lsn)) = self.picked_state(branch, lsn) else { return };
        let state = self.state(&name, lsn).await;
        match snapshot::create(&state).await {
            Ok(manifest) => assert_eq!(Some(manifest.point), state.view().point()),
            Err(error) => assert_eq!((error.kind(), lsn), (ErrorKind::Invalid, 0)),
        }
    }

    /// Opens the store again if it is durable; otherwise forgets what the core remembers.
    async fn reopen(&mut self) {
        if self.backend.capabilities.durable {
            // The handles must go first, and with them the lock.
            let stand_in = self.place.stand_in().await;
            self.project = self.place.project(stand_in.clone()).await;
            self.backend = stand_in;
            self.backend = self.place.open().await;
        }
        self.project = self.place.project_again(self.backend.clone()).await;
    }

    /// The branches that the store lists, without backups, and how many backups there are.
    pub(super) async fn listed(&self) -> (Vec<(BranchName, u64)>, usize) {
        let infos = self.project.branches().await.unwrap();
        let backups = infos.iter().filter(|info| info.name.is_backup()).count();
        let branches = infos.into_iter().filter(|info| !info.name.is_backup());
        (branches.map(|info| (info.name, info.head.lsn.get())).collect(), backups)
    }
}

fn prefix(history: &History, lsn: u64) -> History {
    history.iter().take(usize::try_from(lsn).unwrap() + 1).cloned().collect()
}

/// Fills in the positions that conditions ask about.
fn resolve(history: &History, view: &View, operations: &[Operation]) -> Vec<Action> {
    let timeline = |lsn| view.segment_of(lsn).map(|segment| segment.timeline);
    let commit = |lsn| {
        let lsn = Lsn::new(lsn);
        Point { timeline: timeline(lsn).unwrap_or(TimelineId::from_bytes([0; 16])), lsn }
    };
    let name = |number: u8| format!("c{number}");
    let condition = |collection: u8, id: u8, when| {
        let state = &history.last().unwrap().state;
        let last = state.stored(&name(collection), id.into()).map(|(_, lsn)| lsn);
        match when {
            When::Any => Precondition::Any,
            When::Absent => Precondition::Absent,
            When::Present => Precondition::Present,
            When::ChangedByLast => {
                last.map_or(Precondition::Any, |last| Precondition::ChangedBy(commit(last)))
            }
            When::ChangedByAnother => Precondition::ChangedBy(commit(last.unwrap_or(1) + 1)),
            When::SkipUnlessAbsent => Precondition::SkipUnlessAbsent,
            When::SkipUnlessPresent => Precondition::SkipUnlessPresent,
        }
    };
    let resolved = operations.iter().map(|operation| match *operation {
        Operation::Put { collection, id, value, condition: when } => Action::Put {
            collection: name(collection),
            id: id.into(),
            value: value.into(),
            condition: condition(collection, id, when),
        },
        Operation::Delete { collection, id, condition: when } => Action::Delete {
            collection: name(collection),
            id: id.into(),
            condition: condition(collection, id, when),
        },
        Operation::Create { collection } => Action::Create { collection: name(collection) },
        Operation::Drop { collection } => Action::Drop { collection: name(collection) },
        Operation::Rename { from, to } => Action::Rename { from: name(from), to: name(to) },
        Operation::SetOptions { collection, value } => {
            Action::SetOptions { collection: name(collection), value: value.into() }
        }
    });
    resolved.collect()
}

fn add(request: &mut argon_core::write::WriteRequest, action: &Action) {
    match action {
        Action::Put { collection: to, id, value, condition } => {
            let (key, document) = checked(rawdoc! { "_id": *id, "value": *value });
            request.put(collection(to), key, document, *condition).unwrap();
        }
        Action::Delete { collection: from, id, condition } => {
            request.delete(collection(from), key(*id), *condition);
        }
        Action::Create { collection: name } => {
            request.change_collection(CollectionChange::Create { name: collection(name) });
        }
        Action::Drop { collection: name } => {
            request.change_collection(CollectionChange::Drop { name: collection(name) });
        }
        Action::Rename { from, to } => {
            let (from, to) = (collection(from), collection(to));
            request.change_collection(CollectionChange::Rename { from, to });
        }
        Action::SetOptions { collection: name, value } => {
            let (name, options) = (collection(name), bson::doc! { "value": *value });
            request.change_collection(CollectionChange::SetOptions { name, options });
        }
    }
}

fn said(outcome: Outcome) -> Expected {
    match outcome {
        Outcome::Committed(receipt) => {
            Expected::Committed { changed: receipt.changed, skipped: receipt.skipped }
        }
        Outcome::Unchanged { skipped } => Expected::Unchanged { skipped },
        Outcome::Conflict(conflict) => Expected::Conflict {
            collection: conflict.collection.to_string(),
            id: conflict.key.map(|key| id_of(&key)),
            reason: conflict.reason,
        },
        Outcome::Moved { head } => panic!("no program asks for a head, but it has moved to {head}"),
    }
}

/// The `_id` of a document of a program.
pub(super) fn id_of(key: &argon_core::key::Key) -> i64 {
    match key.to_bson() {
        bson::Bson::Int32(id) => id.into(),
        bson::Bson::Int64(id) => id,
        other => panic!("no program writes {other}"),
    }
}
