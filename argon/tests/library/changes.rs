//! Updates and deletions by a filter.

use argon::prelude::*;

use super::main_branch;

async fn boats() -> Collection<bson::Document> {
    let boats = main_branch().await.collection_of::<bson::Document>("boats").unwrap();
    let all = (1..=3).map(|id| doc! { "_id": id, "sails": id, "crew": [1, 2, 3] });
    boats.insert_many(all).await.unwrap();
    boats
}

#[tokio::test]
async fn updates_change_one_or_all_in_one_commit() {
    let boats = boats().await;
    let one = boats.update_one(doc! { "sails": { "$gt": 1 } }, doc! { "$inc": { "sails": 10 } });
    assert_eq!(one.await.unwrap().matched, 1);
    assert_eq!(boats.distinct("sails", doc! {}).await.unwrap(), [1, 3, 12].map(Bson::Int32));

    let filtered = boats
        .update_many(doc! {}, doc! { "$set": { "crew.$[large]": 0 } })
        .array_filters([doc! { "large": { "$gt": 1 } }]);
    let all = filtered.await.unwrap();
    assert_eq!((all.modified, all.receipt.unwrap().lsn), (3, Lsn::new(3)));
    assert_eq!(boats.count_matching(doc! { "crew": [1, 0, 0] }).await.unwrap(), 3);

    let stages = vec![doc! { "$set": { "double": { "$multiply": ["$sails", 2] } } }];
    boats.update_many(doc! { "_id": 1 }, stages).await.unwrap();
    assert_eq!(boats.count_matching(doc! { "double": 2 }).await.unwrap(), 1);
}

#[tokio::test]
async fn an_upsert_inserts_what_does_not_match() {
    let boats = boats().await;
    let made = boats.update_one(doc! { "_id": 9 }, doc! { "$set": { "sails": 1 } }).upsert();
    assert_eq!(made.await.unwrap().upserted, Some(bson::RawBson::Int32(9)));
    assert_eq!(boats.get(9).await.unwrap(), Some(doc! { "_id": 9, "sails": 1 }));
}

#[tokio::test]
async fn deletions_take_one_or_all() {
    let boats = boats().await;
    assert_eq!(boats.delete_one(doc! { "sails": { "$gte": 2 } }).await.unwrap().modified, 1);
    assert_eq!(boats.get(2).await.unwrap(), None, "the first by _id");
    assert_eq!(boats.delete_many(doc! {}).await.unwrap().modified, 2);
    assert_eq!(boats.delete_many(doc! {}).await.unwrap().receipt, None, "nothing is left");
}
