use argon_core::key::Key;
use argon_query::Code;
use bson::{Document, doc};

use super::*;
use crate::document::{
    CountDocuments, DeleteMatching, UpdateDocuments, count_one, delete_matching, update,
};

fn name() -> CollectionName {
    CollectionName::new("jobs").unwrap()
}

async fn branch_with(documents: impl IntoIterator<Item = Document>) -> Branch {
    let branch = argon_backends::memory_branch().await.unwrap();
    let jobs = branch.collection(&name());
    for document in documents {
        jobs.put(RawDocumentBuf::try_from(&document).unwrap()).await.unwrap();
    }
    branch
}

fn request(filter: Document, change: FoundChange) -> FindAndModify {
    FindAndModify {
        collection: name(),
        filter: QueryDocument(filter),
        change,
        sort: QueryDocument::default(),
        projection: QueryDocument::default(),
        collation: QueryDocument::default(),
        hint: None,
        returns_new: false,
        signature: Signature::default(),
    }
}

fn set(update: Document) -> FoundChange {
    FoundChange::Update {
        update: UpdateValue(update.into()),
        upsert: false,
        array_filters: Vec::new(),
    }
}

async fn head_lsn(branch: &Branch) -> u64 {
    branch.head().await.unwrap().lsn().get()
}

async fn found(branch: &Branch, request: FindAndModify) -> Option<Document> {
    let found = find_and_modify(branch, request).await.unwrap().document;
    found.map(|document| Document::try_from(&*document).unwrap())
}

fn code(failure: &crate::Failure) -> Option<Code> {
    let crate::Failure::Error { error, .. } = failure else { panic!("{failure:?}") };
    Code::of(error)
}

fn reversed() -> HintValue {
    HintValue(doc! { "$natural": -1 }.into())
}

#[tokio::test]
async fn a_projection_with_an_error_changes_nothing() {
    let branch = branch_with([doc! { "_id": 1, "a": [1, 2, 3], "zero": 0 }]).await;
    let before = head_lsn(&branch).await;
    for projection in [
        doc! { "a": 1, "b": 0 },
        doc! { "a.$": 1 },
        doc! { "q": { "$divide": [1, "$zero"] } },
        doc! { "q": { "$nothing": 1 } },
    ] {
        for change in [FoundChange::Delete, set(doc! { "$set": { "x": 1 } })] {
            let projection = QueryDocument(projection.clone());
            let request = FindAndModify { projection, ..request(doc! { "_id": 1 }, change) };
            find_and_modify(&branch, request.clone()).await.unwrap_err();
            let sort = QueryDocument(doc! { "_id": -1 });
            find_and_modify(&branch, FindAndModify { sort, ..request }).await.unwrap_err();
            assert_eq!(head_lsn(&branch).await, before);
        }
    }
}

#[tokio::test]
async fn a_positional_projection_is_of_the_filter_and_of_the_document_before() {
    let branch = branch_with([doc! { "_id": 1, "a": [1, 2, 3] }]).await;
    let projection = QueryDocument(doc! { "a.$": 1 });
    let change = set(doc! { "$set": { "a.$": 9 } });
    let request =
        FindAndModify { projection, ..request(doc! { "a": { "$gt": 1 } }, change.clone()) };
    let sort = QueryDocument(doc! { "_id": 1 });
    let sorted = FindAndModify { sort, ..request.clone() };
    let returns_new = FindAndModify { returns_new: true, ..request.clone() };
    find_and_modify(&branch, returns_new).await.unwrap_err();
    assert_eq!(found(&branch, request).await, Some(doc! { "_id": 1, "a": [2] }));
    assert_eq!(found(&branch, sorted).await, Some(doc! { "_id": 1, "a": [9] }));
}

#[tokio::test]
async fn a_sorted_change_is_of_the_document_that_is_first_also_if_ids_are_equal_by_the_collation() {
    let branch = branch_with([doc! { "_id": "A", "n": 2 }, doc! { "_id": "a", "n": 1 }]).await;
    let request = FindAndModify {
        sort: QueryDocument(doc! { "n": 1 }),
        collation: QueryDocument(doc! { "locale": "en", "strength": 2 }),
        ..request(doc! {}, FoundChange::Delete)
    };
    assert_eq!(found(&branch, request.clone()).await, Some(doc! { "_id": "a", "n": 1 }));
    let left = branch.head().await.unwrap().collection(&name()).unwrap();
    assert_eq!(left.count().await.unwrap(), 1);
    assert!(left.get(&Key::of(&"A".into()).unwrap()).await.unwrap().is_some());
    assert_eq!(found(&branch, request.clone()).await, Some(doc! { "_id": "A", "n": 2 }));
    assert_eq!(found(&branch, request).await, None);
}

#[tokio::test]
async fn an_upsert_with_a_sort_inserts_only_if_none_matches() {
    let branch = branch_with([doc! { "_id": 1, "n": 1 }, doc! { "_id": 2, "n": 2 }]).await;
    let upsert = |filter| FindAndModify {
        sort: QueryDocument(doc! { "n": -1 }),
        returns_new: true,
        ..request(
            filter,
            FoundChange::Update {
                update: UpdateValue(doc! { "$set": { "x": 1 } }.into()),
                upsert: true,
                array_filters: Vec::new(),
            },
        )
    };
    let changed = found(&branch, upsert(doc! {})).await;
    assert_eq!(changed, Some(doc! { "_id": 2, "n": 2, "x": 1 }));
    let inserted = found(&branch, upsert(doc! { "_id": 3 })).await;
    assert_eq!(inserted, Some(doc! { "_id": 3, "x": 1 }));
}

#[tokio::test]
async fn changes_take_the_last_document_by_the_reverse_natural_order() {
    let documents = || (1..=3).map(|id| doc! { "_id": id });
    let branch = branch_with(documents()).await;
    let hinted = FindAndModify { hint: Some(reversed()), ..request(doc! {}, FoundChange::Delete) };
    assert_eq!(found(&branch, hinted).await, Some(doc! { "_id": 3 }));
    let deletion = serde_json::json!({ "collection": "jobs", "filter": {}, "one": true });
    let deletion: DeleteMatching = serde_json::from_value(deletion).unwrap();
    let deletion = DeleteMatching { hint: Some(reversed()), ..deletion };
    delete_matching(&branch, deletion).await.unwrap();
    let change = serde_json::json!({
        "collection": "jobs", "filter": {}, "update": { "$set": { "last": true } },
    });
    let branch = branch_with(documents()).await;
    let change: UpdateDocuments = serde_json::from_value(change).unwrap();
    update(&branch, UpdateDocuments { hint: Some(reversed()), ..change }).await.unwrap();
    let view = branch.head().await.unwrap().collection(&name()).unwrap();
    let last = view.get(&Key::of(&3.into()).unwrap()).await.unwrap().unwrap();
    assert!(last.as_raw().get_bool("last").unwrap());
}

#[tokio::test]
async fn an_index_that_leaves_out_documents_is_refused_as_a_hint_without_entries() {
    let branch = branch_with([doc! { "_id": 1, "a": 1 }, doc! { "_id": 2 }]).await;
    let indexes = vec![
        doc! { "v": 2, "name": "sparse", "key": { "a": 1 }, "sparse": true },
        doc! { "v": 2, "name": "whole", "key": { "b": 1 } },
    ];
    let mut definitions = branch.request();
    definitions.change_collection(argon_core::write::CollectionChange::SetIndexes {
        name: name(),
        indexes,
    });
    branch.commit(definitions).await.unwrap().committed().unwrap();
    let before = head_lsn(&branch).await;
    let hint = |index: &str| Some(HintValue(index.into()));
    let count = |index| CountDocuments { hint: hint(index), ..CountDocuments::all(name()) };
    let head = branch.head().await.unwrap();
    assert_eq!(count_one(&head, count("whole")).await.unwrap().documents, 2);
    let failure = count_one(&head, count("sparse")).await.unwrap_err();
    assert_eq!(code(&failure), Some(Code::location(291)));
    let deletion = FindAndModify { hint: hint("sparse"), ..request(doc! {}, FoundChange::Delete) };
    assert_eq!(
        code(&find_and_modify(&branch, deletion).await.unwrap_err()),
        Some(Code::location(291))
    );
    assert_eq!(head_lsn(&branch).await, before);
}
