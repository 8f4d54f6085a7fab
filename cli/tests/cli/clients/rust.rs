//! A session of the Rust driver.

use bson::oid::ObjectId;
use bson::raw::cstr;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Decimal128, Document, Regex, Uuid, doc};
use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _, TryStreamExt as _};
use mongodb::action::Find;
use mongodb::change_stream::event::OperationType;
use mongodb::error::{Error, ErrorKind, TRANSIENT_TRANSACTION_ERROR, WriteFailure};
use mongodb::options::{
    ClientOptions, Collation, CollationStrength, DeleteOneModel, FullDocumentType,
    GridFsBucketOptions, IndexOptions, InsertOneModel, ReturnDocument, ServerApi, ServerApiVersion,
    UpdateOneModel, WriteModel,
};
use mongodb::{Client, ClientSession, Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    _id: i32,
    name: String,
    tags: Vec<String>,
}

struct Session {
    uri: String,
    client: Client,
    db: Database,
    project: String,
    branch: String,
    /// The database of a copy of the branch.
    copy: String,
}

/// Has a session on a project or one of its branches (`shop:try`), without collections. The URI names no
/// database.
pub(super) async fn session(uri: &str, database: &str) {
    let client = Client::with_uri_str(uri).await.unwrap();
    let db = client.database(database);
    let (project, branch) = database.split_once(':').unwrap_or((database, "main"));
    let (project, branch) = (project.to_owned(), branch.to_owned());
    let copy = format!("{project}:{branch}-copy");
    let session = Session { uri: uri.to_owned(), client, db, project, branch, copy };
    session.crud().await;
    session.structs().await;
    session.find_and_modify().await;
    session.counts().await;
    session.cursors().await;
    session.insert_many().await;
    session.client_bulk().await;
    session.aggregate().await;
    session.indexes().await;
    session.collation().await;
    session.transactions().await;
    session.grid_files().await;
    session.catalog().await;
    session.stable_api().await;
    session.watch().await;
    session.branches().await;
    session.past().await;
    session.drop().await;
}

/// The code of the error that the server gave.
#[track_caller]
fn code<T>(result: Result<T, Error>) -> i32 {
    let error = result.err().expect("no error");
    match &*error.kind {
        ErrorKind::Command(error) => error.code,
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code,
        _ => panic!("{error}"),
    }
}

async fn ids(find: Find<'_, Document>) -> Vec<i32> {
    let ids = find.await.unwrap().map_ok(|found| found.get_i32("_id").unwrap());
    ids.try_collect().await.unwrap()
}

fn range(to: i32) -> Vec<i32> {
    (0..to).collect()
}

impl Session {
    fn coll(&self, name: &str) -> Collection<Document> {
        self.db.collection(name)
    }

    async fn crud(&self) {
        let things = self.coll("crud");
        let document = doc! {
            "_id": ObjectId::from_bytes([7; 12]),
            "int": 1,
            "long": 1_i64 << 60,
            "double": 0.5,
            "decimal": "1.10".parse::<Decimal128>().unwrap(),
            "text": "a\0ü",
            "null": null,
            "bool": true,
            "date": DateTime::from_millis(1_783_414_800_123),
            "uuid": Uuid::from_bytes([9; 16]),
            "binary": Binary { subtype: BinarySubtype::UserDefined(128), bytes: vec![0, 1] },
            "regex": Regex { pattern: cstr!("^a").into(), options: cstr!("i").into() },
            "array": [1, [2, { "x": 3 }], {}],
            "nested": { "b": 1, "a": 2 },
        };
        let inserted = things.insert_one(&document).await.unwrap();
        assert_eq!(Some(&inserted.inserted_id), document.get("_id"));
        let found = things.find_one(doc! {}).await.unwrap().unwrap();
        assert_eq!(found.to_vec().unwrap(), document.to_vec().unwrap());
        things.insert_many((0..10).map(|i| doc! { "_id": i, "n": i % 3 })).await.unwrap();
        let update = doc! { "$inc": { "n": 10 }, "$push": { "log": { "$each": [1, 2] } } };
        let updated = things.update_one(doc! { "_id": 1 }, update).await.unwrap();
        assert_eq!((updated.matched_count, updated.modified_count), (1, 1));
        let found = things.find_one(doc! { "_id": 1 }).await.unwrap().unwrap();
        assert_eq!(found, doc! { "_id": 1, "n": 11, "log": [1, 2] });
        let updated = things.update_many(doc! { "n": 0 }, doc! { "$set": { "n": 0 } }).await;
        let updated = updated.unwrap();
        assert_eq!((updated.matched_count, updated.modified_count), (4, 0));
        let twice = doc! { "$set": { "twice": { "$multiply": ["$n", 2] } } };
        things.update_one(doc! { "_id": 2 }, vec![twice]).await.unwrap();
        let found = things.find_one(doc! { "_id": 2 }).await.unwrap().unwrap();
        assert_eq!(found, doc! { "_id": 2, "n": 2, "twice": 4 });
        let replaced = things.replace_one(doc! { "_id": "new" }, doc! { "a": 1 }).upsert(true);
        assert_eq!(replaced.await.unwrap().upserted_id, Some("new".into()));
        let deleted = things.delete_many(doc! { "_id": { "$gte": 5 } }).await.unwrap();
        assert_eq!(deleted.deleted_count, 5);
        let numbers = things.find(doc! { "_id": { "$type": "int" } });
        assert_eq!(ids(numbers.sort(doc! { "_id": -1 }).skip(1).limit(2)).await, [3, 2]);
        assert_eq!(things.find_one(doc! { "_id": "none" }).await.unwrap(), None);
        assert_eq!(code(things.find_one(doc! { "$nope": 1 }).await), 2);
        assert_eq!(code(self.db.run_command(doc! { "nope": 1 }).await), 59);
    }

    async fn structs(&self) {
        let people = self.db.collection::<Person>("structs");
        let ada = Person { _id: 1, name: "Ada".into(), tags: vec!["engine".into()] };
        people.insert_one(&ada).await.unwrap();
        assert_eq!(people.find_one(doc! { "name": "Ada" }).await.unwrap(), Some(ada));
    }

    async fn find_and_modify(&self) {
        let tasks = self.coll("tasks");
        tasks.insert_many((0..3).map(|i| doc! { "_id": i, "state": "open" })).await.unwrap();
        let taken = tasks
            .find_one_and_update(doc! { "state": "open" }, doc! { "$set": { "state": "taken" } })
            .sort(doc! { "_id": -1 })
            .return_document(ReturnDocument::After)
            .await
            .unwrap();
        assert_eq!(taken, Some(doc! { "_id": 2, "state": "taken" }));
        let open = tasks.find_one_and_replace(doc! { "_id": 0 }, doc! { "state": "done" }).await;
        assert_eq!(open.unwrap(), Some(doc! { "_id": 0, "state": "open" }));
        let done = tasks.find_one_and_delete(doc! { "_id": 0 }).await.unwrap();
        assert_eq!(done, Some(doc! { "_id": 0, "state": "done" }));
        assert_eq!(tasks.find_one_and_delete(doc! { "_id": 0 }).await.unwrap(), None);
    }

    async fn counts(&self) {
        let numbers = self.coll("numbers");
        numbers.insert_many((0..1000).map(|i| doc! { "_id": i, "n": i % 7 })).await.unwrap();
        assert_eq!(numbers.count_documents(doc! {}).await.unwrap(), 1000);
        assert_eq!(numbers.estimated_document_count().await.unwrap(), 1000);
        assert_eq!(numbers.count_documents(doc! { "n": 1 }).skip(3).limit(5).await.unwrap(), 5);
        let distinct = numbers.distinct("n", doc! { "_id": { "$lt": 3 } }).await.unwrap();
        assert_eq!(distinct, [0, 1, 2].map(Bson::from));
    }

    async fn cursors(&self) {
        let numbers = self.coll("numbers");
        for size in [1, 7, 1000] {
            let low = numbers.find(doc! { "_id": { "$lt": 150 } }).batch_size(size);
            assert_eq!(ids(low).await, range(150));
        }
        let mut cursor = numbers.find(doc! {}).batch_size(10).await.unwrap();
        assert!(cursor.advance().await.unwrap());
        // A cursor keeps the state in which it was opened.
        numbers.insert_one(doc! { "_id": 5000 }).await.unwrap();
        assert_eq!(cursor.count().await, 999);
        numbers.delete_one(doc! { "_id": 5000 }).await.unwrap();
    }

    async fn insert_many(&self) {
        let items = self.coll("items");
        items.insert_many([doc! { "_id": 1 }, doc! { "_id": 3 }]).await.unwrap();
        for (ordered, errors) in [(true, vec![1]), (false, vec![1, 3])] {
            let documents = [10, 1, 11, 3, 12].map(|id| doc! { "_id": id });
            let error = items.insert_many(documents).ordered(ordered).await.unwrap_err();
            let ErrorKind::InsertMany(error) = &*error.kind else { panic!("{error}") };
            let failed = error.write_errors.as_ref().unwrap();
            assert_eq!(failed.iter().map(|error| error.index).collect::<Vec<_>>(), errors);
            assert_eq!(failed[0].code, 11000);
            items.delete_one(doc! { "_id": 10 }).await.unwrap();
        }
        assert_eq!(ids(items.find(doc! {})).await, [1, 3, 11, 12]);
    }

    async fn client_bulk(&self) {
        let [first, second] = ["first", "second"].map(|name| self.coll(name).namespace());
        let insert = |namespace, id: i32| {
            let document = doc! { "_id": id };
            let model = InsertOneModel::builder().namespace(namespace).document(document);
            WriteModel::from(model.build())
        };
        let update = UpdateOneModel::builder()
            .namespace(second.clone())
            .filter(doc! { "_id": 2 })
            .update(doc! { "$set": { "a": 2 } })
            .upsert(true)
            .build();
        let delete =
            DeleteOneModel::builder().namespace(first.clone()).filter(doc! { "_id": 1 }).build();
        let models = [insert(first, 1), insert(second.clone(), 1), update.into(), delete.into()];
        let done = self.client.bulk_write(models).verbose_results().await.unwrap();
        let counts = &done.summary;
        assert_eq!((counts.inserted_count, counts.upserted_count, counts.deleted_count), (2, 1, 1));
        assert_eq!(done.update_results[&2].upserted_id, Some(2.into()));
        let models = [3, 1, 4].map(|id| insert(second.clone(), id));
        let error = self.client.bulk_write(models).ordered(false).await.unwrap_err();
        let ErrorKind::BulkWrite(error) = &*error.kind else { panic!("{error}") };
        assert_eq!(error.write_errors.keys().collect::<Vec<_>>(), [&1]);
        assert_eq!(error.write_errors[&1].code, 11000);
        assert_eq!(ids(self.coll("second").find(doc! {})).await, [1, 2, 3, 4]);
    }

    async fn aggregate(&self) {
        let numbers = self.coll("numbers");
        let pipeline = [
            doc! { "$match": { "_id": { "$lt": 700 } } },
            doc! { "$group": { "_id": "$n", "count": { "$sum": 1 } } },
            doc! { "$sort": { "_id": 1 } },
        ];
        let grouped = numbers.aggregate(pipeline).await.unwrap().try_collect::<Vec<_>>().await;
        assert_eq!(
            grouped.unwrap(),
            [0, 1, 2, 3, 4, 5, 6].map(|n| doc! { "_id": n, "count": 100 })
        );
        let sixes = [doc! { "$match": { "n": 6 } }, doc! { "$out": "sixes" }];
        numbers.aggregate(sixes).await.unwrap();
        assert_eq!(self.coll("sixes").count_documents(doc! {}).await.unwrap(), 142);
        assert_eq!(code(numbers.aggregate([doc! { "$nope": {} }]).await), 40324);
    }

    async fn indexes(&self) {
        let people = self.coll("people");
        let documents = (0..200).map(|i| doc! { "_id": i, "mail": format!("m{i}"), "age": i % 50 });
        people.insert_many(documents).await.unwrap();
        let unique = IndexOptions::builder().unique(true).build();
        let index = IndexModel::builder().keys(doc! { "mail": 1 }).options(unique).build();
        assert_eq!(people.create_index(index).await.unwrap().index_name, "mail_1");
        let index = IndexModel::builder().keys(doc! { "age": -1, "mail": 1 }).build();
        people.create_index(index).await.unwrap();
        let names = people.list_index_names().await.unwrap();
        assert_eq!(names, ["_id_", "mail_1", "age_-1_mail_1"]);
        assert_eq!(code(people.insert_one(doc! { "mail": "m7" }).await), 11000);
        let find = doc! { "find": "people", "filter": { "age": 7 } };
        let plan = self.db.run_command(doc! { "explain": find }).await.unwrap();
        assert!(plan.get_document("queryPlanner").unwrap().to_string().contains("IXSCAN"));
        assert_eq!(code(people.drop_index("none").await), 27);
        people.drop_indexes().await.unwrap();
        assert_eq!(people.list_index_names().await.unwrap(), ["_id_"]);
    }

    async fn collation(&self) {
        let words = self.coll("words");
        let documents = ["b", "A", "a", "B", "ä"].map(|w| doc! { "w": w });
        words.insert_many(documents).await.unwrap();
        let german = Collation::builder().locale("de").build();
        let sorted = words.find(doc! {}).collation(german).sort(doc! { "w": 1 }).await.unwrap();
        let sorted = sorted.map_ok(|found| found.get_str("w").unwrap().to_owned());
        let sorted: Vec<_> = sorted.try_collect().await.unwrap();
        assert_eq!(sorted, ["a", "A", "ä", "b", "B"]);
        let strength = CollationStrength::Secondary;
        let folded = Collation::builder().locale("en").strength(strength).build();
        let count = words.count_documents(doc! { "w": "a" }).collation(folded).await;
        assert_eq!(count.unwrap(), 2);
    }

    async fn transactions(&self) {
        let accounts = self.coll("accounts");
        let a = || doc! { "_id": "a" };
        let b = || doc! { "_id": "b" };
        let inc = |n: i32| doc! { "$inc": { "n": n } };
        let documents = [doc! { "_id": "a", "n": 10 }, doc! { "_id": "b", "n": 0 }];
        accounts.insert_many(documents).await.unwrap();
        let mut session = self.client.start_session().await.unwrap();
        let mut attempts = 0;
        let transfer = async |session: &mut ClientSession| {
            attempts += 1;
            accounts.find_one(a()).session(&mut *session).await?;
            if attempts == 1 {
                accounts.update_one(a(), inc(1)).await?;
            }
            accounts.update_one(a(), inc(-3)).session(&mut *session).await?;
            accounts.update_one(b(), inc(3)).session(&mut *session).await?;
            let inside = accounts.find_one(b()).session(&mut *session).await?.unwrap();
            let outside = accounts.find_one(b()).await?.unwrap();
            assert_eq!((inside.get("n"), outside.get("n")), (Some(&3.into()), Some(&0.into())));
            Ok(())
        };
        session.start_transaction().and_run2(transfer).await.unwrap();
        assert_eq!(attempts, 2);
        let found: Vec<_> = accounts.find(doc! {}).await.unwrap().try_collect().await.unwrap();
        assert_eq!(found, [doc! { "_id": "a", "n": 8 }, doc! { "_id": "b", "n": 3 }]);

        session.start_transaction().await.unwrap();
        accounts.delete_many(doc! {}).session(&mut session).await.unwrap();
        session.abort_transaction().await.unwrap();
        assert_eq!(accounts.count_documents(doc! {}).await.unwrap(), 2);

        session.start_transaction().await.unwrap();
        assert_eq!(code(accounts.insert_one(a()).session(&mut session).await), 11000);
        assert_eq!(code(session.commit_transaction().await), 251);

        session.start_transaction().await.unwrap();
        accounts.find_one(a()).session(&mut session).await.unwrap();
        accounts.update_one(a(), inc(1)).await.unwrap();
        accounts.update_one(a(), inc(1)).session(&mut session).await.unwrap();
        let late = session.commit_transaction().await.unwrap_err();
        assert!(late.contains_label(TRANSIENT_TRANSACTION_ERROR), "{late}");
        assert_eq!(code::<()>(Err(late)), 112);
    }

    async fn grid_files(&self) {
        let options = GridFsBucketOptions::builder().chunk_size_bytes(100_000).build();
        let bucket = self.db.gridfs_bucket(options);
        let content = b"content".repeat(142_858);
        let mut upload = bucket.open_upload_stream("a.bin").await.unwrap();
        let file = upload.id().clone();
        upload.write_all(&content).await.unwrap();
        upload.close().await.unwrap();
        let mut downloaded = Vec::new();
        let mut download = bucket.open_download_stream(file.clone()).await.unwrap();
        download.read_to_end(&mut downloaded).await.unwrap();
        assert!(downloaded == content);
        assert_eq!(self.coll("fs.chunks").count_documents(doc! {}).await.unwrap(), 11);
        bucket.rename(file.clone(), "b.bin").await.unwrap();
        let found = bucket.find_one(doc! { "filename": "b.bin" }).await.unwrap().unwrap();
        assert_eq!((found.id, found.length), (file.clone(), 1_000_006));
        bucket.delete(file.clone()).await.unwrap();
        assert_eq!(self.coll("fs.chunks").count_documents(doc! {}).await.unwrap(), 0);
        let error = bucket.open_download_stream(file).await.err().unwrap();
        assert!(matches!(*error.kind, ErrorKind::GridFs(_)), "{error}");
    }

    async fn catalog(&self) {
        let named = doc! { "name": self.db.name() };
        let names = self.client.list_database_names().filter(named).await.unwrap();
        assert_eq!(names, [self.db.name()]);
        let strength = CollationStrength::Secondary;
        let folded = Collation::builder().locale("en").strength(strength).build();
        self.db.create_collection("folded").collation(folded).await.unwrap();
        let listed = self.db.list_collections().filter(doc! { "name": "folded" }).await.unwrap();
        let [folded] = &listed.try_collect::<Vec<_>>().await.unwrap()[..] else { panic!() };
        assert_eq!(folded.options.collation.as_ref().unwrap().locale, "en");
        assert_eq!(code(self.db.create_collection("folded").await), 48);
        let adults = self.db.create_collection("adults").view_on("people".to_owned());
        adults.pipeline(vec![doc! { "$match": { "age": { "$gte": 18 } } }]).await.unwrap();
        assert_eq!(self.coll("adults").count_documents(doc! {}).await.unwrap(), 128);
        self.coll("adults").drop().await.unwrap();
        let names = self.db.list_collection_names().await.unwrap();
        assert!(names.contains(&"fs.files".to_owned()) && !names.contains(&"adults".to_owned()));
    }

    async fn stable_api(&self) {
        let mut options = ClientOptions::parse(&self.uri).await.unwrap();
        let api = ServerApi::builder().version(ServerApiVersion::V1).strict(true).build();
        options.server_api = Some(api);
        let admin = Client::with_options(options).unwrap().database("admin");
        admin.run_command(doc! { "ping": 1 }).await.unwrap();
        assert_eq!(code(admin.run_command(doc! { "buildInfo": 1 }).await), 323);
    }

    async fn watch(&self) {
        let watched = self.coll("watched");
        let mut stream =
            watched.watch().full_document(FullDocumentType::UpdateLookup).await.unwrap();
        watched.insert_one(doc! { "_id": 1, "n": 1 }).await.unwrap();
        watched.update_one(doc! { "_id": 1 }, doc! { "$set": { "n": 2 } }).await.unwrap();
        watched.delete_one(doc! { "_id": 1 }).await.unwrap();
        let inserted = stream.next().await.unwrap().unwrap();
        assert_eq!(inserted.operation_type, OperationType::Insert);
        assert_eq!(inserted.full_document, Some(doc! { "_id": 1, "n": 1 }));
        let updated = stream.next().await.unwrap().unwrap().update_description.unwrap();
        assert_eq!(updated.updated_fields, doc! { "n": 2 });
        let mut resumed = self.db.watch().resume_after(inserted.id).await.unwrap();
        assert_eq!(resumed.next().await.unwrap().unwrap().operation_type, OperationType::Update);
        let deleted = resumed.next().await.unwrap().unwrap();
        assert_eq!(deleted.document_key, Some(doc! { "_id": 1 }));
    }

    async fn branches(&self) {
        let orders = self.coll("orders");
        orders.insert_many([doc! { "_id": 1 }, doc! { "_id": 2 }]).await.unwrap();
        let branch = format!("{}-copy", self.branch);
        let create = doc! { "argonBranch": branch, "from": &self.branch };
        self.db.run_command(create).await.unwrap();
        let copied = self.client.database(&self.copy).collection::<Document>("orders");
        copied.insert_one(doc! { "_id": 3 }).comment("an order on a branch").await.unwrap();
        orders.delete_one(doc! { "_id": 1 }).await.unwrap();
        assert_eq!(ids(orders.find(doc! {})).await, [2]);
        let uri = self.uri.replace("/?", &format!("/{}?", self.copy));
        let own = Client::with_uri_str(uri).await.unwrap();
        let mine = own.default_database().unwrap().collection::<Document>("orders");
        assert_eq!(ids(mine.find(doc! {})).await, [1, 2, 3]);
        let mut session = own.start_session().await.unwrap();
        let empty =
            async |session: &mut ClientSession| mine.delete_many(doc! {}).session(session).await;
        session.start_transaction().and_run2(empty).await.unwrap();
        assert_eq!(copied.count_documents(doc! {}).await.unwrap(), 0);
        assert_eq!(ids(orders.find(doc! {})).await, [2]);
    }

    async fn past(&self) {
        let before = self.client.database(&format!("{}@{}~1", self.project, self.branch));
        let orders = before.collection::<Document>("orders");
        assert_eq!(ids(orders.find(doc! {})).await, [1, 2]);
        assert_eq!(code(orders.insert_one(doc! { "_id": 10 }).await), 115);
        assert_eq!(code(orders.update_many(doc! {}, doc! { "$set": { "a": 1 } }).await), 115);
        assert_eq!(code(orders.find_one_and_delete(doc! {}).await), 115);
        let index = IndexModel::builder().keys(doc! { "a": 1 }).build();
        assert_eq!(code(orders.create_index(index).await), 115);
        assert_eq!(code(before.create_collection("new").await), 115);
    }

    async fn drop(&self) {
        self.client.database(&self.copy).drop().await.unwrap();
        self.db.drop().await.unwrap();
        assert_eq!(self.db.list_collection_names().await.unwrap(), [""; 0]);
    }
}
