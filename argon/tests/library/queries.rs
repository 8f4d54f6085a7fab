//! Queries.

use argon::ErrorKind;
use argon::prelude::*;

use super::main_branch;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Boat {
    _id: i32,
    name: String,
    sails: i32,
}

async fn boats() -> Collection<Boat> {
    let boats = main_branch().await.collection_of::<Boat>("boats").unwrap();
    let named = |id, name: &str, sails| Boat { _id: id, name: name.to_owned(), sails };
    let all = [named(1, "Ada", 2), named(2, "Bea", 3), named(3, "Cleo", 2)];
    boats.insert_many(all).await.unwrap();
    boats
}

#[tokio::test]
async fn documents_are_found_in_order_with_bounds_and_projections() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Named {
        name: String,
    }
    let boats = boats().await;
    let found = boats.find(doc! { "sails": 2 }).sort(doc! { "name": -1 }).await.unwrap();
    let names: Vec<_> = found.map_ok(|boat| boat.name).try_collect().await.unwrap();
    assert_eq!(names, ["Cleo", "Ada"]);

    let second = boats.find(doc! {}).skip(1).limit(1).project::<Named>(doc! { "name": 1 });
    let second: Vec<Named> = second.await.unwrap().try_collect().await.unwrap();
    assert_eq!(second, [Named { name: "Bea".into() }]);
    let collated =
        boats.find(doc! { "name": "ADA" }).collation(doc! { "locale": "en", "strength": 1 });
    assert_eq!(collated.await.unwrap().try_collect::<Vec<_>>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn documents_are_counted_and_their_values_are_listed() {
    let boats = boats().await;
    assert_eq!(boats.count_matching(doc! { "sails": 2 }).await.unwrap(), 2);
    assert_eq!(boats.count_matching(doc! {}).await.unwrap(), 3);
    assert_eq!(boats.distinct("sails", doc! {}).await.unwrap(), [Bson::Int32(2), Bson::Int32(3)]);
}

#[tokio::test]
async fn a_collection_that_does_not_exist_is_empty() {
    let boats = main_branch().await.collection_of::<Boat>("boats").unwrap();
    assert_eq!(boats.find_one(doc! {}).await.unwrap(), None);
    assert_eq!(boats.count_matching(doc! {}).await.unwrap(), 0);
    assert!(boats.distinct("name", doc! {}).await.unwrap().is_empty());
}

#[tokio::test]
async fn pipelines_give_documents_or_values_and_write() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Count {
        _id: i32,
        boats: i32,
    }
    let boats = boats().await;
    let group = doc! { "$group": { "_id": "$sails", "boats": { "$sum": 1 } } };
    let stages = [group.clone(), doc! { "$sort": { "_id": 1 } }];
    let counts = boats.aggregate(stages).of::<Count>().await.unwrap();
    let counts: Vec<Count> = counts.try_collect().await.unwrap();
    assert_eq!(counts, [Count { _id: 2, boats: 2 }, Count { _id: 3, boats: 1 }]);

    let variable = boats
        .aggregate([doc! { "$project": { "_id": 0, "wind": "$$wind" } }, doc! { "$limit": 1 }]);
    let given: Vec<_> =
        variable.variables(doc! { "wind": 7 }).await.unwrap().try_collect().await.unwrap();
    assert_eq!(given, [doc! { "wind": 7 }]);

    let writing = [group, doc! { "$merge": { "into": "by_sails" } }];
    let rows: Vec<_> = boats.aggregate(writing.clone()).await.unwrap().try_collect().await.unwrap();
    assert!(rows.is_empty(), "{rows:?}");
    let written = boats.branch().collection_of::<bson::Document>("by_sails").unwrap();
    assert_eq!(written.get(2).await.unwrap(), Some(doc! { "_id": 2, "boats": 2 }));

    let past = boats.branch().at(1).await.unwrap().collection_of::<Boat>("boats").unwrap();
    let error = past.aggregate(writing).await.err().unwrap();
    assert!(error.message().contains("not to a past state"), "{error}");
}

#[tokio::test]
async fn a_malformed_query_is_refused_with_the_code_of_mongodb() {
    let boats = boats().await;
    let error = boats.find(doc! { "sails": { "$gtt": 1 } }).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(argon::query::Code::of(&error), Some(argon::query::Code::BAD_VALUE), "{error}");
    assert!(boats.update_one(doc! {}, doc! { "$sett": {} }).await.is_err());
}

#[tokio::test]
async fn a_document_that_is_no_value_of_the_type_ends_the_stream() {
    let boats = boats().await;
    boats.raw().insert(rawdoc! { "_id": 4, "name": 7 }).await.unwrap();
    let found: Vec<_> = boats.find(doc! {}).await.unwrap().collect().await;
    assert_eq!(found.len(), 4);
    let error = found.into_iter().next_back().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("Boat"), "{error}");
}

#[tokio::test]
async fn reads_and_changes_take_the_index_of_a_hint() {
    let boats = boats().await;
    let unknown = "nothing";
    assert!(boats.find(doc! {}).hint(unknown).await.unwrap().try_next().await.is_err());
    assert!(boats.count_matching(doc! {}).hint(unknown).await.is_err());
    assert!(
        boats.update_many(doc! {}, doc! { "$inc": { "sails": 1 } }).hint(unknown).await.is_err()
    );
    assert!(boats.delete_many(doc! {}).hint(unknown).await.is_err());
    let reversed = || doc! { "$natural": -1 };
    let found: Vec<Boat> =
        boats.find(doc! {}).hint(reversed()).await.unwrap().try_collect().await.unwrap();
    let names: Vec<_> = found.into_iter().map(|boat| boat.name).collect();
    assert_eq!(names, ["Cleo", "Bea", "Ada"]);
    assert_eq!(boats.count_matching(doc! { "sails": 2 }).hint(doc! { "_id": 1 }).await.unwrap(), 2);
    boats.update_one(doc! {}, doc! { "$set": { "sails": 9 } }).hint(reversed()).await.unwrap();
    assert_eq!(boats.get(3).await.unwrap().unwrap().sails, 9);
    boats.delete_one(doc! {}).hint(reversed()).await.unwrap();
    assert!(boats.get(3).await.unwrap().is_none());
    let collation = doc! { "locale": "en", "strength": 1 };
    let ada = doc! { "name": "ADA" };
    assert_eq!(boats.count_matching(ada.clone()).collation(collation.clone()).await.unwrap(), 1);
    assert_eq!(boats.delete_many(ada).collation(collation).await.unwrap().modified, 1);
}
