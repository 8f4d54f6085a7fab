//! Merges, undo, cherry-picks, and plans that are kept.

mod kept;
mod merging;
mod model;
mod random;
mod taking_back;

use argon_core::model::{Document, Message};
use argon_core::plan::{MergeResult, Plan, Rules};
use argon_core::{Branch, State};
use bson::RawDocumentBuf;
use futures::TryStreamExt;

use crate::case::Case;
use crate::make::{branch as name, collection, key};

pub(crate) fn cases() -> Vec<Case> {
    [merging::cases(), taking_back::cases(), kept::cases(), random::cases()].concat()
}

/// The collection of these trials.
pub(crate) const USERS: &str = "users";

pub(crate) async fn put(branch: &Branch, document: RawDocumentBuf) {
    branch.collection(&collection(USERS)).put(document).await.unwrap();
}

async fn delete(branch: &Branch, id: i32) {
    branch.collection(&collection(USERS)).delete(&key(id)).await.unwrap();
}

pub(crate) async fn get(branch: &Branch, id: i32) -> Option<RawDocumentBuf> {
    let found = branch.collection(&collection(USERS)).get(&key(id)).await.unwrap();
    found.map(Document::into_raw)
}

pub(crate) async fn fork(branch: &Branch, called: &str) -> Branch {
    let head = branch.head().await.unwrap();
    branch.project().create_branch(&name(called), &head, Some(branch.name())).await.unwrap()
}

/// A plan to merge the head of one branch into another.
async fn plan(source: &Branch, target: &Branch, rules: Rules) -> Plan {
    let theirs = source.head().await.unwrap();
    Plan::merge(target, source.name().as_str(), &theirs, rules).await.unwrap()
}

/// Merges without conflicts.
pub(crate) async fn merge(source: &Branch, target: &Branch) {
    let plan = plan(source, target, Rules::default()).await;
    commit(&plan).await;
}

/// Commits what a plan comes to, which must have no conflicts.
pub(crate) async fn commit(plan: &Plan) -> MergeResult {
    let result = plan.compute().await.unwrap();
    assert_eq!(conflicts(&result), Vec::<String>::new());
    plan.commit(&result, None, &Message::default()).await.unwrap();
    result
}

/// The conflicts that are left, as `collection id path`.
fn conflicts(result: &MergeResult) -> Vec<String> {
    let each = result.conflicts.iter().flat_map(|document| {
        let key = document.key.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let place = format!("{} {key}", document.collection);
        document.conflicts.iter().map(move |conflict| format!("{place} {}", conflict.path))
    });
    each.collect()
}

/// Rules that settle what is left in this way.
pub(crate) fn always(strategy: &str) -> Rules {
    Rules { default: Some(strategy.parse().unwrap()), ..Rules::default() }
}

/// Every collection of a state with the digest of what it holds.
async fn contents(state: &State) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for info in state.collections() {
        let digest = state.collection(&info.name).unwrap().digest().await.unwrap();
        found.push((info.name.to_string(), digest.to_string()));
    }
    found
}

/// The documents of a collection at the head.
async fn all(branch: &Branch) -> Vec<RawDocumentBuf> {
    let documents = branch.collection(&collection(USERS)).scan().await.unwrap();
    documents.map_ok(Document::into_raw).try_collect().await.unwrap()
}
