//! Capped collections: the natural order is that of insertion, for whoever reads or changes them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

use std::sync::Arc;

use argon_core::Branch;
use argon_core::model::CollectionName;
use argon_core::write::CollectionChange;
use argon_query::Code;
use argon_query::commands::{
    self, DeleteCommand, FindAndModifyCommand, FoundChange, UpdateCommand,
};
use argon_query::expression::Context;
use argon_query::find::{Find, FindCommand};
use argon_query::pipeline::{Execution, Limits, Options, Pipeline, Row, StateCollections};
use argon_query::transaction::Transaction;
use bson::{Bson, Document, RawDocumentBuf, doc, rawdoc};
use futures::TryStreamExt;

fn log() -> CollectionName {
    CollectionName::new("log").unwrap()
}

/// A branch with a capped collection of at most four documents, of which the oldest is 7.
async fn branch() -> Branch {
    let branch = argon_backends::memory_branch().await.unwrap();
    let options = doc! { "capped": true, "size": 100_000, "max": 4 };
    let change = CollectionChange::SetOptions { name: log(), options };
    branch.change_collection(change).await.unwrap();
    for ids in [vec![7, 3], vec![5]] {
        let documents: Vec<RawDocumentBuf> =
            ids.into_iter().map(|id| rawdoc! { "_id": id, "n": id % 4 }).collect();
        commands::insert(&branch, &log(), documents, branch.request()).await.unwrap();
    }
    branch
}

async fn execution(branch: &Branch) -> Execution {
    let head = branch.head().await.unwrap();
    let context = Arc::new(Context::of(branch.environment()));
    Execution::new(Arc::new(StateCollections::new(head)), context, Limits::default())
}

async fn ids(execution: &Execution, command: FindCommand) -> Vec<i32> {
    let rows = Find::compile(&command).unwrap().run("log", execution);
    let rows: Vec<Row> = rows.try_concat().await.unwrap();
    rows.iter().map(|row| row.as_raw().get_i32("_id").unwrap()).collect()
}

async fn found(branch: &Branch, command: FindCommand) -> Vec<i32> {
    ids(&execution(branch).await, command).await
}

fn sorted(sort: Document) -> FindCommand {
    FindCommand { sort, ..FindCommand::default() }
}

fn hinted(order: i32) -> FindCommand {
    FindCommand { hint: Some(doc! { "$natural": order }.into()), ..FindCommand::default() }
}

#[tokio::test]
async fn the_natural_order_is_that_of_insertion() {
    let branch = branch().await;
    assert_eq!(found(&branch, FindCommand::default()).await, [7, 3, 5]);
    assert_eq!(found(&branch, hinted(1)).await, [7, 3, 5]);
    assert_eq!(found(&branch, hinted(-1)).await, [5, 3, 7]);
    assert_eq!(found(&branch, sorted(doc! { "$natural": 1 })).await, [7, 3, 5]);
    assert_eq!(found(&branch, sorted(doc! { "$natural": -1 })).await, [5, 3, 7]);
    assert_eq!(found(&branch, sorted(doc! { "_id": 1 })).await, [3, 5, 7]);
    assert_eq!(found(&branch, sorted(doc! { "_id": -1 })).await, [7, 5, 3]);
    let filter = doc! { "n": 3 };
    let matching = FindCommand { filter: filter.clone(), ..sorted(doc! { "_id": 1 }) };
    assert_eq!(found(&branch, matching).await, [3, 7]);
    let matching = FindCommand { filter, limit: 1, ..FindCommand::default() };
    assert_eq!(found(&branch, matching.clone()).await, [7]);
    assert_eq!(found(&branch, FindCommand { limit: 1, ..hinted(-1) }).await, [5]);
    let stages = [doc! { "$group": { "_id": null, "ids": { "$push": "$_id" } } }];
    let pipeline = Arc::new(Pipeline::compile(&stages, &Options::default()).unwrap());
    let rows = pipeline.run("log", &execution(&branch).await);
    let rows: Vec<Row> = rows.try_concat().await.unwrap();
    let pushed = Document::try_from(rows[0].as_raw()).unwrap();
    assert_eq!(pushed.get_array("ids").unwrap(), &[7, 3, 5].map(Bson::Int32).to_vec());
    for (sort, message) in [
        (doc! { "$natural": 1, "a": 1 }, "Cannot include '$natural' in compound sort"),
        (doc! { "$natural": 2 }, "$natural sort can only be set to 1 or -1"),
    ] {
        let error = Find::compile(&sorted(sort)).unwrap_err();
        assert_eq!(Code::of(&error), Some(Code::BAD_VALUE));
        assert!(error.message().starts_with(message), "{error}");
    }
    let other = FindCommand { sort: doc! { "$natural": 1 }, ..hinted(-1) };
    assert_eq!(Code::of(&Find::compile(&other).unwrap_err()), Some(Code::BAD_VALUE));
}

#[tokio::test]
async fn a_scan_of_a_collection_that_is_not_capped_is_in_the_order_of_ids() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let documents = [5, 3, 7].map(|id| rawdoc! { "_id": id });
    commands::insert(&branch, &log(), documents, branch.request()).await.unwrap();
    assert_eq!(found(&branch, sorted(doc! { "$natural": 1 })).await, [3, 5, 7]);
    assert_eq!(found(&branch, sorted(doc! { "$natural": -1 })).await, [7, 5, 3]);
}

#[tokio::test]
async fn an_explanation_names_the_direction_of_a_scan() {
    let branch = branch().await;
    for (command, direction) in [
        (FindCommand::default(), "forward"),
        (hinted(-1), "backward"),
        (sorted(doc! { "$natural": -1 }), "backward"),
    ] {
        let find = Find::compile(&command).unwrap();
        let names = ("shop.log", "main");
        let explained = find.explain("log", &execution(&branch).await, names).await.unwrap();
        let winning = explained.get_document("winningPlan").unwrap();
        assert_eq!(winning.get_str("stage").unwrap(), "COLLSCAN");
        assert_eq!(winning.get_str("direction").unwrap(), direction);
    }
}

#[tokio::test]
async fn the_first_document_that_is_changed_is_the_oldest() {
    let branch = branch().await;
    let set = |sort: Document| UpdateCommand {
        filter: doc! { "n": 3 },
        sort,
        ..UpdateCommand::new(doc! { "$set": { "n": 9 } }.into())
    };
    let signed = || branch.request();
    set(doc! {}).run(&branch, &log(), None, &signed).await.unwrap();
    let nine = || FindCommand { filter: doc! { "n": 9 }, ..FindCommand::default() };
    assert_eq!(found(&branch, nine()).await, [7]);
    let mut transaction = Transaction::begin(&branch).await.unwrap();
    let all = UpdateCommand { filter: doc! {}, ..set(doc! { "$natural": -1 }) };
    transaction.update(&log(), &all).await.unwrap();
    transaction.delete(&log(), &DeleteCommand::default()).await.unwrap();
    transaction.commit(branch.request()).await.unwrap();
    assert_eq!(found(&branch, FindCommand::default()).await, [3, 5]);
    assert_eq!(found(&branch, nine()).await, [5]);
    let last = FindAndModifyCommand {
        filter: doc! {},
        change: FoundChange::Delete,
        sort: doc! { "$natural": -1 },
        projection: doc! {},
        collation: doc! {},
        hint: None,
        returns_new: false,
        variables: doc! {},
    };
    let deleted = last.run(&branch, &log(), &signed).await.unwrap();
    assert_eq!(deleted.document.unwrap().get_i32("_id").unwrap(), 5);
}

#[tokio::test]
async fn a_transaction_inserts_in_its_order_and_reads_what_it_wrote_last() {
    let branch = branch().await;
    let mut transaction = Transaction::begin(&branch).await.unwrap();
    for id in [9, 1] {
        transaction.insert(&log(), [rawdoc! { "_id": id }]).await.unwrap();
    }
    let seen = ids(&transaction.execution(), FindCommand::default()).await;
    assert_eq!(seen, [7, 3, 5, 9, 1], "the bounds hold for what is committed");
    let back = ids(&transaction.execution(), hinted(-1)).await;
    assert_eq!(back, [1, 9, 5, 3, 7]);
    transaction.commit(branch.request()).await.unwrap();
    assert_eq!(found(&branch, FindCommand::default()).await, [3, 5, 9, 1]);
}

#[tokio::test]
async fn what_a_transaction_changes_keeps_its_place() {
    let branch = branch().await;
    let mut transaction = Transaction::begin(&branch).await.unwrap();
    let delete = DeleteCommand { filter: doc! { "_id": 7 }, ..DeleteCommand::default() };
    transaction.delete(&log(), &delete).await.unwrap();
    transaction.insert(&log(), [rawdoc! { "_id": 9, "n": 8 }]).await.unwrap();
    transaction.insert(&log(), [rawdoc! { "_id": 7, "n": 9 }]).await.unwrap();
    let update = UpdateCommand::new(Bson::Document(doc! { "$set": { "n": 9 } }));
    let filter = doc! { "_id": 3 };
    transaction.update(&log(), &UpdateCommand { filter, ..update }).await.unwrap();
    let execution = transaction.execution();
    assert_eq!(ids(&execution, FindCommand::default()).await, [7, 3, 5, 9]);
    assert_eq!(ids(&execution, hinted(-1)).await, [9, 5, 3, 7]);
    let filter = doc! { "n": 9 };
    let changed = FindCommand { filter, ..FindCommand::default() };
    assert_eq!(ids(&execution, changed).await, [7, 3]);
    let filter = doc! { "n": 3 };
    let before = FindCommand { filter, ..FindCommand::default() };
    assert_eq!(ids(&execution, before).await, [] as [i32; 0]);
    drop(execution);
    transaction.commit(branch.request()).await.unwrap();
    assert_eq!(found(&branch, FindCommand::default()).await, [7, 3, 5, 9], "as it was read");
}

#[tokio::test]
async fn rows_are_merged_into_a_capped_collection_in_their_order_and_do_not_replace_it() {
    let branch = branch().await;
    let documents = [rawdoc! { "_id": 1, "at": 2 }, rawdoc! { "_id": 2, "at": 1 }];
    let source = CollectionName::new("source").unwrap();
    commands::insert(&branch, &source, documents, branch.request()).await.unwrap();
    let write = |stage: Document| {
        let stages = [doc! { "$sort": { "at": 1 } }, stage];
        Arc::new(Pipeline::compile(&stages, &Options::default()).unwrap())
    };
    let signed = || branch.request();
    write(doc! { "$merge": "log" }).write_to(&branch, "source", &signed).await.unwrap();
    assert_eq!(found(&branch, FindCommand::default()).await, [3, 5, 2, 1]);
    let refused = write(doc! { "$out": "log" }).write_to(&branch, "source", &signed).await;
    assert_eq!(Code::of(&refused.unwrap_err()).map(Code::number), Some(17152));
}
