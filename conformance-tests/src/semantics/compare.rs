//! Comparing a store with its model.

use std::collections::BTreeMap;

use argon_core::diff::{CollectionDiff, DocumentDiff, diff};
use argon_core::model::{Document, Image};
use argon_core::storage::KeyRange;
use argon_core::{Revision, State, fsck, log};
use futures::TryStreamExt;

use crate::make::{branch as branch_name, collection, key};
use crate::semantics::Machine;
use crate::semantics::machine::id_of;
use crate::semantics::model::{Entry, ModelDocument, ModelState};

impl Machine {
    /// Compares what is cheap: the list of branches, one state, one diff, one history.
    pub(crate) async fn compare_somewhere(&mut self) {
        let (listed, backups) = self.listed().await;
        let expected: Vec<_> = self
            .branches
            .iter()
            .map(|(name, history)| (branch_name(name), history.len() as u64 - 1))
            .collect();
        assert_eq!((listed, backups), (expected, self.backups));
        let (Some(one), Some(two)) = (self.some_point(), self.some_point()) else { return };
        let state = self.resolved(&one).await;
        let entry = self.entry(&one).clone();
        self.compare_state(&state, &entry).await;
        self.compare_history(&one, &state).await;
        self.compare_diff(&one, &two).await;
    }

    /// Compares the head of every branch, its log, and proves the store.
    pub(crate) async fn compare_everything(&mut self) {
        for (name, history) in &self.branches {
            let head = self.branch(name).await.head().await.unwrap();
            self.compare_state(&head, history.last().unwrap()).await;
            let headers: Vec<_> = log::headers(&head).try_collect().await.unwrap();
            let messages: Vec<String> =
                headers.iter().rev().map(|commit| commit.meta.message.to_string()).collect();
            let expected: Vec<&str> =
                history.iter().skip(1).map(|entry| entry.message.as_str()).collect();
            assert_eq!(messages, expected, "the log of '{name}'");
        }
        let store = self.place.store(self.backend.clone());
        let report = fsck::fsck(&store, false, &|_| {}).await.unwrap();
        assert_eq!(report.problems, []);
    }

    fn entry(&self, (name, lsn): &(String, u64)) -> &Entry {
        &self.branches[name][usize::try_from(*lsn).unwrap()]
    }

    /// A state by a revision that names it in one of the possible ways.
    async fn resolved(&mut self, (name, lsn): &(String, u64)) -> State {
        let head = self.branches[name].len() as u64 - 1;
        let above = self.random.below(head - lsn + 1);
        let text = match self.random.below(3) {
            0 => format!("{name}@{lsn}"),
            1 => format!("{name}~{}", head - lsn),
            _ => format!("{name}@{}~{above}", lsn + above),
        };
        let revision: Revision = text.parse().unwrap();
        let state = revision.resolve(&self.project, &branch_name("none")).await.unwrap();
        assert_eq!(state.lsn().get(), *lsn, "{text}");
        state
    }

    pub(super) async fn compare_state(&self, state: &State, entry: &Entry) {
        let model = &entry.state;
        let mut names: Vec<(String, Option<i64>)> =
            model.live.values().map(|metadata| (metadata.name.clone(), metadata.options)).collect();
        names.sort();
        let found: Vec<(String, Option<i64>)> = state
            .collections()
            .map(|info| (info.name.to_string(), info.options.get_i64("value").ok()))
            .collect();
        assert_eq!(found, names, "collections at {}", state.lsn());
        for (name, _) in names {
            let view = state.collection(&collection(&name)).unwrap();
            let versions: Vec<_> =
                view.scan_range(KeyRange::default()).try_collect().await.unwrap();
            let found: BTreeMap<i64, ModelDocument> = versions
                .iter()
                .map(|(key, version)| (id_of(key), (value(&version.document), version.lsn.get())))
                .collect();
            assert_eq!(found.len(), versions.len(), "no key comes twice");
            let expected = documents(model, &name);
            assert_eq!(found, expected, "'{name}' at {}", state.lsn());
            for id in 0..6 {
                let found = view.version(&key(id)).await.unwrap();
                let found =
                    found.map(|version| (value(&version.document), version.changed_by.lsn.get()));
                assert_eq!(found, expected.get(&id).copied(), "{id} in '{name}'");
            }
        }
    }

    async fn compare_history(&mut self, point: &(String, u64), state: &State) {
        let model = self.entry(point).state.clone();
        let identities: Vec<_> = model.live.iter().collect();
        if identities.is_empty() {
            return;
        }
        let (identity, metadata) = *self.random.pick(&identities);
        let id = i64::try_from(self.random.below(6)).unwrap();
        let view = state.collection(&collection(&metadata.name)).unwrap();
        let images: Vec<_> = view.history(&key(id)).try_collect().await.unwrap();
        let found: Vec<(u64, Option<i64>)> = images
            .into_iter()
            .map(|(lsn, image)| match image {
                Image::Document(document) => (lsn.get(), Some(value(&document))),
                Image::Deleted => (lsn.get(), None),
            })
            .collect();
        let upto = usize::try_from(point.1).unwrap();
        let mut expected: Vec<(u64, Option<i64>)> = (0..)
            .zip(&self.branches[&point.0][..=upto])
            .filter_map(|(lsn, entry)| Some((lsn, *entry.images.get(&(identity.clone(), id))?)))
            .collect();
        expected.reverse();
        assert_eq!(found, expected, "history of {id} in '{}' at {point:?}", metadata.name);
    }

    async fn compare_diff(&mut self, one: &(String, u64), two: &(String, u64)) {
        let (before, after) = (self.state(&one.0, one.1).await, self.state(&two.0, two.1).await);
        let found = diff(&before, &after).await.unwrap();
        let mut collections: Vec<(String, String)> = found.collections.iter().map(shown).collect();
        assert!(collections.is_sorted_by(|a, b| a.0 <= b.0), "by name: {collections:?}");
        // One name may be there twice: dropped, and made again.
        collections.sort();
        let documents: Vec<_> = found.documents().map_ok(flat).try_collect().await.unwrap();
        let (old, new) = (&self.entry(one).state, &self.entry(two).state);
        assert_eq!(collections, collections_that_differ(old, new), "from {one:?} to {two:?}");
        assert_eq!(documents, documents_that_differ(old, new), "from {one:?} to {two:?}");
    }
}

type FlatDiff = (String, i64, Option<i64>, Option<i64>);

fn documents(model: &ModelState, name: &str) -> BTreeMap<i64, ModelDocument> {
    let identity = model.called(name);
    identity.and_then(|identity| model.documents.get(identity)).cloned().unwrap_or_default()
}

fn value(document: &Document) -> i64 {
    document.as_raw().get_i64("value").unwrap()
}

fn flat(diff: DocumentDiff) -> FlatDiff {
    let value = |document: Option<Document>| document.map(|document| value(&document));
    (diff.collection.to_string(), id_of(&diff.key), value(diff.before), value(diff.after))
}

/// The name by which it is sorted, and what it says.
fn shown(diff: &CollectionDiff) -> (String, String) {
    match diff {
        CollectionDiff::Created(info) => (info.name.to_string(), format!("+{}", info.name)),
        CollectionDiff::Dropped(info) => (info.name.to_string(), format!("-{}", info.name)),
        CollectionDiff::Changed { before, after } => {
            (after.name.to_string(), format!("{}>{}", before.name, after.name))
        }
    }
}

fn collections_that_differ(old: &ModelState, new: &ModelState) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (identity, metadata) in &old.live {
        match new.live.get(identity) {
            None => found.push((metadata.name.clone(), format!("-{}", metadata.name))),
            Some(now) if now != metadata => {
                found.push((now.name.clone(), format!("{}>{}", metadata.name, now.name)));
            }
            Some(_) => {}
        }
    }
    for (identity, metadata) in &new.live {
        if !old.live.contains_key(identity) {
            found.push((metadata.name.clone(), format!("+{}", metadata.name)));
        }
    }
    found.sort();
    found
}

fn documents_that_differ(old: &ModelState, new: &ModelState) -> Vec<FlatDiff> {
    let mut found = Vec::new();
    for (identity, metadata) in &new.live {
        if !old.live.contains_key(identity) {
            continue;
        }
        for id in 0..6 {
            let value = |state: &ModelState| {
                state.documents.get(identity)?.get(&id).map(|(value, _)| *value)
            };
            let (before, after) = (value(old), value(new));
            if before != after {
                found.push((metadata.name.clone(), id, before, after));
            }
        }
    }
    found.sort();
    found
}
