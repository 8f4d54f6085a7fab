//! Which commit gave each field its value.

use std::sync::Arc;

use argon_core::blame::{Since, blame};
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{Backend, TimelineState, Wal};
use argon_core::{Branch, Result, State};
use async_trait::async_trait;
use bson::{RawDocumentBuf, rawdoc};

use crate::Subject;
use crate::case::{Case, cases};
use crate::layer::{Layer, Layered};
use crate::make::{branch as name, collection, key};

pub(crate) fn cases() -> Vec<Case> {
    cases!["blame":
        each_field_has_the_last_commit_that_gave_it_its_value,
        a_document_that_came_back_is_of_the_commit_by_which_it_came_back,
        blame_goes_through_forks,
        where_older_commits_are_gone_blame_says_at_or_before,
    ]
}

async fn put(branch: &Branch, document: RawDocumentBuf) {
    branch.collection(&collection("a")).put(document).await.unwrap();
}

async fn blamed(state: &State) -> Vec<String> {
    let fields = blame(state, &collection("a"), &key(1)).await.unwrap().unwrap();
    let text = |since: &Since| match since {
        Since::Commit(meta) => meta.lsn.to_string(),
        Since::AtOrBefore(lsn) => format!("<={lsn}"),
    };
    fields.iter().map(|field| format!("{} {}", field.path, text(&field.since))).collect()
}

async fn each_field_has_the_last_commit_that_gave_it_its_value(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "n": 1, "in": { "a": 1, "b": 1 }, "t": [1, 2], "e": {} }).await;
    put(&main, rawdoc! { "_id": 1, "n": 2, "in": { "a": 1, "b": 1 }, "t": [1, 2], "e": {} }).await;
    put(&main, rawdoc! { "_id": 2 }).await;
    put(&main, rawdoc! { "_id": 1, "n": 1, "in": { "a": 1, "b": 2 }, "t": [1, 2, 3], "e": {} })
        .await;
    put(&main, rawdoc! { "_id": 1, "in": { "b": 2, "a": 1 }, "n": 1, "t": [1, 2, 3], "e": [9] })
        .await;
    let head = main.head().await.unwrap();
    let expected = ["_id 1", "in.b 4", "in.a 1", "n 4", "t.0 1", "t.1 1", "t.2 4", "e 5"];
    assert_eq!(blamed(&head).await, expected);
    let expected = ["_id 1", "n 2", "in.a 1", "in.b 1", "t 1", "e 1"];
    assert_eq!(blamed(&main.at(Lsn::new(3)).await.unwrap()).await, expected);
    assert_eq!(blame(&head, &collection("a"), &key(7)).await.unwrap(), None);
}

async fn a_document_that_came_back_is_of_the_commit_by_which_it_came_back(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "n": 1 }).await;
    main.collection(&collection("a")).delete(&key(1)).await.unwrap();
    put(&main, rawdoc! { "_id": 1, "n": 1 }).await;
    put(&main, rawdoc! { "_id": 1, "n": 1, "m": 1 }).await;
    assert_eq!(blamed(&main.head().await.unwrap()).await, ["_id 3", "n 3", "m 4"]);
}

async fn blame_goes_through_forks(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "n": 1, "m": 1 }).await;
    let fork = main
        .project()
        .create_branch(&name("fork"), &main.head().await.unwrap(), None)
        .await
        .unwrap();
    put(&main, rawdoc! { "_id": 1, "n": 9, "m": 1 }).await;
    put(&fork, rawdoc! { "_id": 1, "n": 1, "m": 2 }).await;
    assert_eq!(blamed(&fork.head().await.unwrap()).await, ["_id 1", "n 1", "m 2"]);
}

/// A log whose commits up to `floor` are gone.
struct Pruned {
    inner: Arc<dyn Wal>,
    floor: Lsn,
}

#[async_trait]
impl Layer for Pruned {
    fn beneath(&self) -> &dyn Wal {
        &*self.inner
    }

    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        let state = self.inner.state(timeline).await?;
        Ok(state.map(|state| TimelineState { floor: state.floor.max(self.floor), ..state }))
    }
}

async fn where_older_commits_are_gone_blame_says_at_or_before(subject: Subject) {
    for (floor, expected) in [(1, ["_id <=1", "n <=1", "m 3"]), (2, ["_id <=1", "n <=1", "m 3"])] {
        let subject = subject.decorated(move |backend| Backend {
            wal: Arc::new(Layered(Pruned { inner: backend.wal.clone(), floor: Lsn::new(floor) })),
            ..backend
        });
        let (_place, main) = subject.branch().await;
        put(&main, rawdoc! { "_id": 1, "n": 1 }).await;
        put(&main, rawdoc! { "_id": 2 }).await;
        put(&main, rawdoc! { "_id": 1, "n": 1, "m": 1 }).await;
        assert_eq!(blamed(&main.head().await.unwrap()).await, expected, "floor {floor}");
    }
}
