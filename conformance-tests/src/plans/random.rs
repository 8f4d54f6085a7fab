//! Random histories of writes, merges and undo, against the model.

use std::collections::BTreeSet;

use argon_core::model::{CollectionName, Lsn, Message};
use argon_core::plan::{MergeResult, Plan, Rules, Selection, Source};
use argon_core::write::Precondition;
use argon_core::{Branch, State};
use bson::RawDocumentBuf;
use futures::TryStreamExt;
use proptest::prelude::*;

use super::model::{Documents, Fields, Model, Wins, merge};
use super::{always, fork};
use crate::Subject;
use crate::case::{Case, block_on};
use crate::environment::for_random;
use crate::make::{collection, key};
use crate::subject::StoreLocation;

pub(super) fn cases() -> Vec<Case> {
    let case = |name, run| Case { area: "plans", name, run, durable: false };
    vec![
        case("random_merges_do_what_the_model_does", random_merges_do_what_the_model_does),
        case("random_undo_does_what_the_model_does", random_undo_does_what_the_model_does),
        case("merges_are_symmetrical", merges_are_symmetrical),
    ]
}

/// A step of a history; branches are picked by numbers modulo how many there are.
#[derive(Debug, Clone)]
enum Step {
    Write { branch: u8, id: i32, field: u8, value: i32 },
    Remove { branch: u8, id: i32, field: u8 },
    Delete { branch: u8, id: i32 },
    Fork { branch: u8 },
    Merge { source: u8, target: u8, theirs: bool },
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let (branch, id, field) = (any::<u8>(), 0..5_i32, 0..3_u8);
    let step = prop_oneof![
        8 => (branch, id.clone(), field.clone(), 0..4_i32)
            .prop_map(|(branch, id, field, value)| Step::Write { branch, id, field, value }),
        2 => (branch, id.clone(), field)
            .prop_map(|(branch, id, field)| Step::Remove { branch, id, field }),
        2 => (branch, id).prop_map(|(branch, id)| Step::Delete { branch, id }),
        3 => branch.prop_map(|branch| Step::Fork { branch }),
        5 => (branch, branch, any::<bool>())
            .prop_map(|(source, target, theirs)| Step::Merge { source, target, theirs }),
    ];
    prop::collection::vec(step, 1..=most)
}

fn for_histories(usual: u32, most: usize, check: impl Fn(Vec<Step>)) {
    for_random(9, usual, &steps(most), check);
}

/// A store and its model, step by step the same.
struct Both {
    _place: StoreLocation,
    branches: Vec<Branch>,
    model: Model,
}

impl Both {
    const MOST_BRANCHES: usize = 5;

    async fn new(subject: &Subject) -> Self {
        let (place, main) = subject.branch().await;
        let (mut branches, mut model) = (vec![main], Model::new());
        // The collection is there from the start, so that no merge is about that.
        let name = users();
        let create = argon_core::write::CollectionChange::Create { name };
        branches[0].change_collection(create).await.unwrap();
        model.commit(0, Documents::new(), None);
        branches.push(fork(&branches[0], "fork/0").await);
        model.fork(0);
        Self { _place: place, branches, model }
    }

    fn pick(&self, branch: u8) -> usize {
        usize::from(branch) % self.branches.len()
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Write { branch, id, field, value } => {
                let branch = self.pick(branch);
                let mut document =
                    self.model.documents(branch).get(&id).cloned().unwrap_or_default();
                document.insert(name_of(field), value);
                self.put(branch, id, document).await;
            }
            Step::Remove { branch, id, field } => {
                let branch = self.pick(branch);
                let Some(mut document) = self.model.documents(branch).get(&id).cloned() else {
                    return;
                };
                if document.remove(&name_of(field)).is_some() {
                    self.put(branch, id, document).await;
                }
            }
            Step::Delete { branch, id } => {
                let branch = self.pick(branch);
                let mut documents = self.model.documents(branch).clone();
                if documents.remove(&id).is_some() {
                    self.branches[branch].collection(&users()).delete(&key(id)).await.unwrap();
                    self.model.commit(branch, documents, None);
                }
            }
            Step::Fork { branch } if self.branches.len() < Self::MOST_BRANCHES => {
                let branch = self.pick(branch);
                let name = format!("fork/{}", self.branches.len());
                self.branches.push(fork(&self.branches[branch], &name).await);
                self.model.fork(branch);
            }
            Step::Fork { .. } => {}
            Step::Merge { source, target, theirs } => self.merge(source, target, theirs).await,
        }
    }

    async fn put(&mut self, branch: usize, id: i32, document: Fields) {
        let mut request = self.branches[branch].request();
        let (key, raw) = crate::make::checked(raw(id, &document));
        request.put(users(), key, raw, Precondition::Any).unwrap();
        self.branches[branch].commit(request).await.unwrap().committed().unwrap();
        let mut documents = self.model.documents(branch).clone();
        documents.insert(id, document);
        self.model.commit(branch, documents, None);
    }

    async fn merge(&mut self, source: u8, target: u8, theirs_wins: bool) {
        let (source, target) = (self.pick(source), self.pick(target));
        let (ours, other) = (self.model.heads[target], self.model.heads[source]);
        let theirs = self.branches[source].head().await.unwrap();
        let (wins, strategy) =
            if theirs_wins { (Wins::Theirs, "theirs") } else { (Wins::Ours, "ours") };
        let rules = always(strategy);
        let plan = Plan::merge(&self.branches[target], "source", &theirs, rules).await;
        if !self.model.gains(ours, other) {
            assert!(plan.is_err(), "there is nothing to merge");
            return;
        }
        let plan = plan.unwrap();
        let undecided =
            Plan::merge(&self.branches[target], "source", &theirs, Rules::default()).await.unwrap();
        let result = plan.compute().await.unwrap();
        let Source::Merge { bases, .. } = plan.source() else { panic!("it is a merge") };
        let expected_bases = self.model.bases(ours, other);
        assert_eq!(bases.len(), expected_bases.len(), "best common ancestors");
        if let [base] = expected_bases[..] {
            let expected = self.model.merge(base, ours, other, wins);
            let found = undecided.compute().await.unwrap();
            let left = self.model.merge(base, ours, other, Wins::Nobody);
            assert_eq!(conflicts(&found), left.conflicts);
            assert_eq!(of_result(&result).await, expected.documents);
        }
        plan.commit(&result, None, &Message::default()).await.unwrap();
        let documents = read(&self.branches[target].head().await.unwrap()).await;
        self.model.commit(target, documents, Some(other));
    }

    async fn compare(&self) {
        for (number, branch) in self.branches.iter().enumerate() {
            let head = branch.head().await.unwrap();
            assert_eq!(&read(&head).await, self.model.documents(number));
        }
    }
}

fn random_merges_do_what_the_model_does(subject: &Subject) {
    for_histories(subject.scaled(24, 3), 30, |steps| {
        block_on(async {
            let mut both = Both::new(subject).await;
            for step in &steps {
                both.step(step).await;
            }
            both.compare().await;
        });
    });
}

fn random_undo_does_what_the_model_does(subject: &Subject) {
    for_histories(subject.scaled(24, 3), 20, |steps| {
        block_on(async {
            let mut both = Both::new(subject).await;
            for step in &steps {
                both.step(step).await;
            }
            let (main, last) = (&both.branches[0], both.model.lsn(0));
            for (above, upto) in [(last / 2, last), (1, last / 2), (1, last)] {
                // The first commit makes the collection; taking that back takes it away.
                if above == 0 || above >= upto {
                    continue;
                }
                let [base, back] = [upto, above].map(|lsn| both.model.at(0, lsn));
                let expected = merge(base, both.model.documents(0), back, Wins::Nobody);
                let range = (Lsn::new(above), Lsn::new(upto));
                let selection = Selection::default();
                let plan =
                    Plan::undo(main, range.0, range.1, selection, Rules::default()).await.unwrap();
                let result = plan.compute().await.unwrap();
                assert_eq!(conflicts(&result), expected.conflicts, "{above} to {upto}");
                assert_eq!(of_result(&result).await, expected.documents, "{above} to {upto}");
            }
        });
    });
}

fn merges_are_symmetrical(subject: &Subject) {
    for_histories(subject.scaled(24, 3), 30, |steps| {
        block_on(async {
            let mut both = Both::new(subject).await;
            for step in &steps {
                both.step(step).await;
            }
            let [one, other] = [&both.branches[0], &both.branches[1]];
            let heads = [one.head().await.unwrap(), other.head().await.unwrap()];
            let there = Plan::merge(one, "x", &heads[1], Rules::default()).await;
            let back = Plan::merge(other, "x", &heads[0], Rules::default()).await;
            let (Ok(there), Ok(back)) = (there, back) else { return };
            let (there, back) = (there.compute().await.unwrap(), back.compute().await.unwrap());
            assert_eq!(conflicts(&there), conflicts(&back));
            if there.conflicts.is_empty() {
                assert_eq!(of_result(&there).await, of_result(&back).await);
            }
        });
    });
}

fn users() -> CollectionName {
    collection(super::USERS)
}

fn name_of(field: u8) -> String {
    format!("f{field}")
}

fn raw(id: i32, document: &Fields) -> RawDocumentBuf {
    let mut full = bson::doc! { "_id": id };
    full.extend(document.iter().map(|(name, value)| (name.clone(), (*value).into())));
    RawDocumentBuf::try_from(&full).unwrap()
}

fn fields(raw: &bson::raw::RawDocument) -> (i32, Fields) {
    let mut id = 0;
    let mut fields = Fields::new();
    for element in raw {
        let (name, value) = element.unwrap();
        let value = value.as_i32().unwrap();
        if name.as_str() == "_id" {
            id = value;
        } else {
            fields.insert(name.as_str().to_owned(), value);
        }
    }
    (id, fields)
}

async fn read(state: &State) -> Documents {
    let documents = state.collection(&users()).unwrap().scan();
    documents.map_ok(|document| fields(document.as_raw())).try_collect().await.unwrap()
}

/// The documents as a result leaves them.
async fn of_result(result: &MergeResult) -> Documents {
    let proposed = result.proposed();
    let id = proposed.catalog().get(&users()).unwrap().id;
    let documents = proposed.scan(id);
    documents.map_ok(|(_, document)| fields(document.as_raw())).try_collect().await.unwrap()
}

fn conflicts(result: &MergeResult) -> BTreeSet<String> {
    let all = super::conflicts(result);
    all.iter().map(|found| found.trim_start_matches("users ").to_owned()).collect()
}
