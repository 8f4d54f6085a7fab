use argon_core::ErrorKind;
use bson::{Bson, doc, rawdoc};
use futures::FutureExt;

use super::*;
use crate::commands::FoundChange;
use crate::find::FindCommand;
use crate::pipeline::Row;

async fn branch() -> Branch {
    argon_backends::memory_branch().await.unwrap()
}

fn boats() -> CollectionName {
    CollectionName::new("boats").unwrap()
}

async fn ids(transaction: &Transaction, command: FindCommand) -> Vec<i32> {
    let rows = Find::compile(&command).unwrap().run("boats", &transaction.execution());
    let rows: Vec<Row> = rows.try_concat().await.unwrap();
    rows.iter().map(|row| row.as_raw().get_i32("_id").unwrap()).collect()
}

fn set(filter: bson::Document, sails: i32) -> UpdateCommand {
    let update = doc! { "$set": { "sails": sails } };
    UpdateCommand { filter, many: true, ..UpdateCommand::new(Bson::Document(update)) }
}

#[tokio::test]
async fn a_transaction_reads_what_it_writes_and_is_one_commit() {
    let branch = branch().await;
    let stored = [2, 4, 6].map(|id| rawdoc! { "_id": id, "sails": id });
    crate::commands::insert(&branch, &boats(), stored, branch.request()).await.unwrap();

    let mut transaction = Transaction::begin(&branch).await.unwrap();
    for id in [5, 1, 9] {
        transaction.insert(&boats(), [rawdoc! { "_id": id, "sails": id }]).await.unwrap();
    }
    let some = doc! { "sails": { "$gte": 5 } };
    assert_eq!(transaction.update(&boats(), &set(some.clone(), 7)).await.unwrap().modified, 3);
    let delete = DeleteCommand { filter: doc! { "_id": 4 }, ..DeleteCommand::default() };
    assert_eq!(transaction.delete(&boats(), &delete).await.unwrap().modified, 1);

    assert_eq!(ids(&transaction, FindCommand::default()).await, [1, 2, 5, 6, 9]);
    let filter = doc! { "sails": 7 };
    assert_eq!(
        ids(&transaction, FindCommand { filter, ..FindCommand::default() }).await,
        [5, 6, 9]
    );
    let sort = doc! { "_id": -1 };
    let sorted = FindCommand { sort, limit: 2, ..FindCommand::default() };
    assert_eq!(ids(&transaction, sorted).await, [9, 6]);
    let twice = transaction.insert(&boats(), [rawdoc! { "_id": 2 }]).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::AlreadyExists);
    transaction.insert(&boats(), [rawdoc! { "_id": 4 }]).await.unwrap();

    assert_eq!(branch.head().await.unwrap().lsn().get(), 1, "nothing is written before the commit");
    let receipt = transaction.commit(branch.request()).await.unwrap().unwrap();
    assert_eq!((receipt.lsn.get(), receipt.changed), (2, 5));
}

#[tokio::test]
async fn the_first_committer_wins() {
    let branch = branch().await;
    crate::commands::insert(&branch, &boats(), [rawdoc! { "_id": 1 }], branch.request())
        .await
        .unwrap();
    let (one, two) = (doc! { "_id": 1 }, doc! {});
    let mut first = Transaction::begin(&branch).await.unwrap();
    let mut second = Transaction::begin(&branch).await.unwrap();
    first.update(&boats(), &set(one, 1)).await.unwrap();
    second.update(&boats(), &set(two, 2)).await.unwrap();
    first.commit(branch.request()).await.unwrap().unwrap();
    let lost = second.commit(branch.request()).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Conflict);
}

fn increment(transaction: &mut Transaction) -> BoxFuture<'_, Result<Modified>> {
    async move {
        let update = doc! { "$inc": { "sails": 1 } };
        transaction.update(&boats(), &UpdateCommand::new(Bson::Document(update))).await
    }
    .boxed()
}

#[tokio::test]
async fn work_is_repeated_until_it_is_committed() {
    let branch = branch().await;
    crate::commands::insert(
        &branch,
        &boats(),
        [rawdoc! { "_id": 1, "sails": 0 }],
        branch.request(),
    )
    .await
    .unwrap();
    let run = || async {
        Transaction::run(&branch, &|| branch.request(), &increment).await.unwrap();
    };
    futures::future::join_all((0..8).map(|_| run())).await;
    let key = Key::of(&Bson::Int32(1)).unwrap();
    let boat = branch.collection(&boats()).get(&key).await.unwrap().unwrap();
    assert_eq!(boat.as_raw().get_i32("sails").unwrap(), 8);
}

#[tokio::test]
async fn the_first_by_a_sort_is_changed_where_the_collation_has_an_equal_id() {
    let branch = branch().await;
    let stored = [rawdoc! { "_id": "A", "n": 1 }, rawdoc! { "_id": "a", "n": 2 }];
    crate::commands::insert(&branch, &boats(), stored, branch.request()).await.unwrap();
    let mut command = FindAndModifyCommand {
        filter: doc! {},
        change: FoundChange::Delete,
        sort: doc! { "n": -1 },
        projection: doc! { "n": 1, "a": 0 },
        collation: doc! { "locale": "en", "strength": 2 },
        hint: None,
        returns_new: false,
        variables: doc! {},
    };
    let mut transaction = Transaction::begin(&branch).await.unwrap();
    assert!(transaction.find_and_modify(&boats(), &command).await.is_err());
    assert!(transaction.is_empty(), "a projection with an error changes nothing");

    command.projection = doc! { "n": 1 };
    let found = transaction.find_and_modify(&boats(), &command).await.unwrap();
    assert_eq!(found.document.unwrap(), rawdoc! { "_id": "a", "n": 2 });
    let found = transaction.find_and_modify(&boats(), &command).await.unwrap();
    assert_eq!(found.document.unwrap(), rawdoc! { "_id": "A", "n": 1 });
    assert_eq!(transaction.find_and_modify(&boats(), &command).await.unwrap().document, None);
}
