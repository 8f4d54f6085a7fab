//! Which commit gave each field its value.

use std::sync::Arc;

use argon_core::blame::{BlamedField, Since, blame, blame_first_parent};
use argon_core::mask::{CollectionPolicy, FieldPolicy, MaskPolicy, Transform};
use argon_core::model::{Lsn, Point, TimelineId};
use argon_core::plan::{Plan, Rules, Selection};
use argon_core::storage::{Backend, TimelineState, Wal};
use argon_core::{Branch, Result, State};
use async_trait::async_trait;
use bson::{RawDocumentBuf, rawdoc};

use crate::Subject;
use crate::case::{Case, cases};
use crate::layer::{Layer, Layered};
use crate::make::{branch as name, collection, key};
use crate::plans::{self, USERS};

pub(crate) fn cases() -> Vec<Case> {
    cases!["blame":
        each_field_has_the_last_commit_that_gave_it_its_value,
        a_document_that_came_back_is_of_the_commit_by_which_it_came_back,
        blame_goes_through_forks,
        where_older_commits_are_gone_blame_says_at_or_before,
        what_was_brought_is_of_the_commit_that_wrote_it,
        what_a_masked_branch_shows_is_of_its_own_commits,
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

/// For each field the position of its commit, `'` behind it if that is on another timeline, and those of
/// the commits that brought it.
async fn brought(branch: &Branch) -> String {
    let head = branch.head().await.unwrap();
    let own = |at: Point| {
        head.view().segment_of(at.lsn).is_some_and(|segment| segment.timeline == at.timeline)
    };
    let fields = blame(&head, &collection(USERS), &key(1)).await.unwrap().unwrap();
    let text = |field: &BlamedField| {
        let at = field.written_at.unwrap();
        let elsewhere = if own(at) { "" } else { "'" };
        let Since::Commit(meta) = &field.since else { panic!("{field:?}") };
        assert_eq!(meta.lsn, at.lsn);
        let by: Vec<String> = field.brought_by.iter().map(|by| by.meta.lsn.to_string()).collect();
        format!("{} {}{elsewhere} {}", field.path, at.lsn, by.join(",")).trim_end().to_owned()
    };
    fields.iter().map(text).collect::<Vec<_>>().join("; ")
}

async fn what_was_brought_is_of_the_commit_that_wrote_it(subject: Subject) {
    let (_place, main) = subject.branch().await;
    plans::put(&main, rawdoc! { "_id": 1, "a": 0, "b": 0, "c": 0 }).await;
    let bot = plans::fork(&main, "bot").await;
    let (third, picks) = (plans::fork(&main, "third").await, plans::fork(&main, "picks").await);
    plans::put(&bot, rawdoc! { "_id": 1, "a": 1, "b": 0, "c": 0 }).await;
    plans::put(&main, rawdoc! { "_id": 1, "a": 0, "b": 5, "c": 0 }).await;
    plans::merge(&bot, &main).await;
    assert_eq!(brought(&main).await, "_id 1; a 2' 3; b 2; c 1");
    let head = main.head().await.unwrap();
    let first = blame_first_parent(&head, &collection(USERS), &key(1)).await.unwrap().unwrap();
    assert!(matches!(&first[1].since, Since::Commit(meta) if meta.lsn == Lsn::new(3)));

    plans::put(&third, rawdoc! { "_id": 2 }).await;
    plans::merge(&main, &third).await;
    assert_eq!(brought(&third).await, "_id 1; a 2' 3,3; b 2' 3; c 1");

    let undo = Plan::undo(&main, Lsn::new(1), Lsn::new(2), Selection::default(), Rules::default());
    plans::commit(&undo.await.unwrap()).await;
    assert_eq!(brought(&main).await, "_id 1; a 2' 3; b 1 4; c 1");

    let picked = vec![bot.head().await.unwrap()];
    let pick = Plan::cherry_pick(&picks, picked, Rules::default()).await.unwrap();
    plans::commit(&pick).await;
    assert_eq!(brought(&picks).await, "_id 1; a 2' 2; b 1; c 1");
}

async fn what_a_masked_branch_shows_is_of_its_own_commits(subject: Subject) {
    let (_place, main) = subject.branch().await;
    plans::put(&main, rawdoc! { "_id": 1, "a": "x", "b": 0 }).await;
    let bot = plans::fork(&main, "bot").await;
    plans::put(&bot, rawdoc! { "_id": 1, "a": "y", "b": 0 }).await;
    plans::put(&main, rawdoc! { "_id": 1, "a": "x", "b": 5 }).await;
    plans::merge(&bot, &main).await;
    let field = FieldPolicy { path: "a".to_owned(), with: Transform::Hash, fake: None };
    let users = CollectionPolicy {
        name: USERS.to_owned(),
        fields: vec![field],
        ..CollectionPolicy::default()
    };
    let policy = MaskPolicy { collections: vec![users], ..MaskPolicy::default() };
    let (project, head) = (main.project(), main.head().await.unwrap());
    let masked = project.create_masked_branch(&name("masked"), &head, None, policy).await.unwrap();
    assert_eq!(brought(&masked).await, "_id 1; a 3; b 2");
}
