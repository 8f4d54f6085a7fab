//! Pipelines over the states of a branch.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::Arc;

use argon_core::model::{BranchName, CollectionName};
use argon_core::{Branch, Result};
use argon_query::expression::Context;
use argon_query::pipeline::{Execution, Limits, Options, Pipeline, Row, StateCollections};
use bson::{Bson, DateTime, Document, doc, rawdoc};
use futures::TryStreamExt;

/// A branch whose collection `users` has three commits: two documents, then a change of the first.
async fn branch() -> Branch {
    let branch = argon_backends::memory_branch().await.unwrap();
    let users = branch.collection(&CollectionName::new("users").unwrap());
    users.insert(rawdoc! { "_id": 1, "name": "Ada", "boss": 2 }).await.unwrap();
    users.insert(rawdoc! { "_id": 2, "name": "Grace" }).await.unwrap();
    users.replace(rawdoc! { "_id": 1, "name": "Ada L.", "boss": 2 }).await.unwrap();
    branch
}

async fn run(branch: &Branch, stages: Vec<Document>) -> Result<Vec<Document>> {
    let collections = StateCollections::new(branch.head().await?)
        .with_project(branch.project().clone(), branch.name().clone());
    let context = Arc::new(Context::new(DateTime::from_millis(0), 1));
    let execution = Execution::new(Arc::new(collections), context, Limits::default());
    let pipeline = Arc::new(Pipeline::compile(&stages, &Options::default())?);
    let batches: Vec<Vec<Row>> = pipeline.run("users", &execution).try_collect().await?;
    let rows = batches.into_iter().flatten();
    Ok(rows.map(|row| Document::try_from(row.as_raw()).unwrap()).collect())
}

#[tokio::test]
async fn a_query_on_the_id_reads_the_documents_of_the_state() {
    let branch = branch().await;
    for (query, expected) in [
        (doc! { "_id": 1 }, vec![1]),
        (doc! { "_id": { "$in": [2, 9, 1, 1] } }, vec![1, 2]),
        (doc! { "_id": { "$gt": 1 } }, vec![2]),
        (doc! { "_id": { "$gte": 1, "$lt": 2 } }, vec![1]),
        (doc! { "_id": 1, "name": "Grace" }, vec![]),
        (doc! { "name": "Grace" }, vec![2]),
        (doc! {}, vec![1, 2]),
    ] {
        let found = run(&branch, vec![doc! { "$match": query.clone() }]).await.unwrap();
        let ids: Vec<i32> = found.iter().map(|row| row.get_i32("_id").unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
}

#[tokio::test]
async fn a_lookup_joins_by_the_id_and_at_a_revision() {
    let branch = branch().await;
    let join = |at: Option<&str>| {
        let mut lookup =
            doc! { "from": "users", "localField": "boss", "foreignField": "_id", "as": "boss" };
        if let Some(at) = at {
            lookup.insert("at", at);
        }
        vec![doc! { "$match": { "_id": 1 } }, doc! { "$lookup": lookup }]
    };
    let found = run(&branch, join(None)).await.unwrap();
    assert_eq!(found[0].get_array("boss").unwrap().len(), 1);
    let found = run(&branch, join(Some("~2"))).await.unwrap();
    assert_eq!(found[0].get_array("boss").unwrap().len(), 0);
}

#[tokio::test]
async fn a_union_reads_the_past() {
    let branch = branch().await;
    let name = BranchName::new(branch.name().as_str()).unwrap();
    let found = run(
        &branch,
        vec![
            doc! { "$match": { "_id": 1 } },
            doc! { "$unionWith": {
                "coll": "users",
                "at": format!("{name}~1"),
                "pipeline": [{ "$match": { "_id": 1 } }],
            } },
            doc! { "$project": { "name": 1, "_id": 0 } },
        ],
    )
    .await
    .unwrap();
    assert_eq!(found, [doc! { "name": "Ada L." }, doc! { "name": "Ada" }]);
}

#[tokio::test]
async fn the_history_has_each_version_of_each_document() {
    let branch = branch().await;
    let stages = |argument: Document| {
        vec![
            doc! { "$history": argument },
            doc! { "$project": { "lsn": 1, "name": "$document.name", "operation": 1 } },
        ]
    };
    let row = |id: i32, lsn: i64, name: &str| {
        doc! { "_id": id, "lsn": lsn, "operation": "put", "name": name }
    };
    let all = run(&branch, stages(doc! {})).await.unwrap();
    assert_eq!(all.len(), 3);
    let lsns: Vec<i64> = all.iter().map(|row| row.get_i64("lsn").unwrap()).collect();
    let one = run(&branch, stages(doc! { "_id": 1 })).await.unwrap();
    assert_eq!(one, [row(1, lsns[0], "Ada L."), row(1, lsns[2], "Ada")]);
    assert_eq!(all, [one[0].clone(), row(2, lsns[1], "Grace"), one[1].clone()]);
}

#[tokio::test]
async fn a_diff_has_the_documents_that_differ() {
    let branch = branch().await;
    let stage = |from: &str, to: Option<&str>| {
        let mut argument = doc! { "from": from };
        if let Some(to) = to {
            argument.insert("to", to);
        }
        vec![doc! { "$diff": argument }]
    };
    let found = run(&branch, stage("~1", None)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].get("_id"), Some(&Bson::Int32(1)));
    assert_eq!(found[0].get_str("operation").unwrap(), "update");
    assert_eq!(found[0].get_document("before").unwrap().get_str("name").unwrap(), "Ada");
    let found = run(&branch, stage("~2", Some("~1"))).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].get_str("operation").unwrap(), "insert");
}

#[tokio::test]
async fn a_group_over_many_documents_counts_all() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let users = branch.collection(&CollectionName::new("users").unwrap());
    for number in 0..1_000 {
        users.insert(rawdoc! { "_id": number, "k": number % 7 }).await.unwrap();
    }
    let found = run(
        &branch,
        vec![
            doc! { "$group": { "_id": "$k", "n": { "$sum": 1 } } },
            doc! { "$sort": { "_id": -1 } },
            doc! { "$limit": 1 },
        ],
    )
    .await
    .unwrap();
    assert_eq!(found, [doc! { "_id": 6, "n": 142 }]);
}
