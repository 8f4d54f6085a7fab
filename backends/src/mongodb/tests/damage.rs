//! Damage of a stored document is reported, and never returned as data; documents of format 1, which
//! have no checksums, are read unverified.

use argon_core::model::CollectionName;
use argon_core::storage::KeyRange;
use argon_core::{Branch, ErrorKind, Result};
use bson::{Bson, Document, rawdoc};
use futures::TryStreamExt;

use super::*;
use crate::mongodb::schema;

fn users() -> CollectionName {
    CollectionName::new("users").unwrap()
}

/// A branch with three documents, one of them deleted, and one in two versions.
async fn filled(url: &StoreUrl) {
    let branch = new_branch(create(url).await).await;
    let users = branch.collection(&users());
    for id in [1, 2, 3, 1] {
        users.put(rawdoc! { "_id": id, "name": "Ada" }).await.unwrap();
    }
    users.delete(&argon_core::key::Key::of(&2.into()).unwrap()).await.unwrap();
}

async fn try_branch(url: &StoreUrl) -> Result<Branch> {
    let backend = MongoFactory.open(url, &OpenOptions::default(), &crate::environment()).await?;
    let store = Store::new(backend, crate::environment(), Actor::new("tester").unwrap());
    let project = store.project(&project_name()).await?;
    project.branch(&BranchName::new(Store::FIRST_BRANCH).unwrap()).await
}

/// Everything that a reader can get.
async fn everything(url: &StoreUrl) -> Result<String> {
    let head = try_branch(url).await?.head().await?;
    let view = head.collection(&users())?;
    let found: Vec<_> = view.scan_range(KeyRange::default()).try_collect().await?;
    let mut out = format!("{found:?}");
    for (key, _) in &found {
        let history: Vec<_> = view.history(key).try_collect().await?;
        out += &format!("{:?} {history:?}", view.get(key).await?);
    }
    let headers: Vec<_> = argon_core::log::headers(&head).try_collect().await?;
    Ok(out + &format!("{headers:?} {:?}", argon_core::log::last_commit(&head).await?))
}

/// The value with one bit or unit changed.
fn changed(value: &Bson) -> Bson {
    match value {
        Bson::Binary(binary) => {
            let mut binary = binary.clone();
            let middle = binary.bytes.len() / 2;
            binary.bytes[middle] ^= 4;
            Bson::Binary(binary)
        }
        Bson::Int64(number) => Bson::Int64(number + 1),
        Bson::Int32(number) => Bson::Int32(number ^ 1),
        Bson::String(text) => Bson::String(format!("{text}x")),
        Bson::DateTime(time) => Bson::DateTime(DateTime::from_millis(time.timestamp_millis() + 1)),
        Bson::Boolean(_) => Bson::Null,
        other => panic!("{other}"),
    }
}

async fn rows(url: &StoreUrl, collection: &str) -> Vec<Document> {
    let collection = beneath(url).await.collection(collection);
    let found: Vec<RawDocumentBuf> =
        collection.find(bson::doc! {}).await.unwrap().try_collect().await.unwrap();
    found.iter().map(|row| Document::try_from(&**row).unwrap()).collect()
}

async fn set(url: &StoreUrl, collection: &str, row: &Document) {
    let collection = beneath(url).await.collection(collection);
    let name = bson::doc! { "_id": row.get("_id").unwrap() };
    collection.delete_one(name).await.unwrap();
    collection.insert_one(RawDocumentBuf::try_from(row).unwrap()).await.unwrap();
}

async fn fsck_sees(url: &StoreUrl) -> bool {
    let store = Store::new(open(url).await, crate::environment(), Actor::new("tester").unwrap());
    let report = argon_core::fsck::fsck(&store, false, &|_| {}).await;
    report.map_or(true, |report| !report.problems.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_field_of_a_stored_document_ends_the_read_and_is_never_given_for_data() {
    let Some(server) = server() else { return };
    let url = url(server);
    filled(&url).await;
    let right = everything(&url).await.unwrap();
    let mut named = 0;
    for collection in [schema::VERSIONS, schema::COMMITS, schema::TIMELINES, schema::REFS] {
        for row in rows(&url, collection).await {
            // Only fsck finds a version that no query returns any more.
            let unseen = ["_id", "t", "c", "l"];
            let fields = row.keys().filter(|name| !unseen.contains(&name.as_str()));
            for name in fields {
                let mut damaged = row.clone();
                damaged.insert(name, changed(row.get(name).unwrap()));
                set(&url, collection, &damaged).await;
                match everything(&url).await {
                    // No read returns a version that a newer one hides.
                    Ok(found) => assert_eq!(found, right, "{collection}.{name}"),
                    // The name of a project or branch that is another is not found.
                    Err(error) => {
                        let expected = [ErrorKind::Corrupt, ErrorKind::NotFound];
                        assert!(expected.contains(&error.kind()), "{collection}.{name}: {error:?}");
                        named += 1;
                    }
                }
                assert!(fsck_sees(&url).await, "{collection}.{name}");
            }
            set(&url, collection, &row).await;
        }
    }
    assert_eq!(everything(&url).await.unwrap(), right);
    assert!(named > 30, "{named}");
}

/// The documents that changed since the first commit.
async fn changes(url: &StoreUrl) -> Result<String> {
    let branch = try_branch(url).await?;
    let first = branch.at(argon_core::model::Lsn::new(1)).await?;
    let diff = argon_core::diff::diff(&first, &branch.head().await?).await?;
    let documents: Vec<_> = diff.documents().try_collect().await?;
    Ok(format!("{documents:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_falls_out_of_its_query_ends_a_diff_over_its_commit() {
    let Some(server) = server() else { return };
    let url = url(server);
    filled(&url).await;
    let right = changes(&url).await.unwrap();
    let mut named = 0;
    for row in rows(&url, schema::VERSIONS).await {
        if row.get_i64("l").unwrap() == 1 {
            continue;
        }
        for name in ["t", "c", "k", "l"] {
            let mut damaged = row.clone();
            damaged.insert(name, changed(row.get(name).unwrap()));
            set(&url, schema::VERSIONS, &damaged).await;
            match changes(&url).await {
                // No read returns a version that a newer one hides.
                Ok(found) => assert_eq!(found, right, "{name} of {row}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{name} of {row}: {error:?}");
                    named += 1;
                }
            }
            assert!(fsck_sees(&url).await, "{name} of {row}");
        }
        set(&url, schema::VERSIONS, &row).await;
    }
    assert_eq!(named, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_count_in_a_record_is_read_or_refused() {
    let Some(server) = server() else { return };
    let url = url(server);
    filled(&url).await;
    for (collection, name) in [
        (schema::COMMITS, "changes"),
        (schema::COMMITS, "bytes"),
        (schema::TIMELINES, "pieces"),
        (schema::TIMELINES, "lsn"),
        (schema::TIMELINES, "floor"),
    ] {
        let row = rows(&url, collection).await.remove(0);
        for number in [i64::MAX, i64::MIN, -1, 1 << 62, 1 << 40, 3_000_000_000] {
            // As in format 1, so that only bounds protect.
            let mut damaged = row.clone();
            damaged.remove("crc");
            damaged.insert(name, number);
            set(&url, collection, &damaged).await;
            let error = everything(&url).await.err();
            let kind = error.as_ref().map(argon_core::Error::kind);
            assert!(
                kind.is_none_or(|kind| kind == ErrorKind::Corrupt),
                "{name} {number}: {error:?}"
            );
        }
        set(&url, collection, &row).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_format_1_is_read_and_becomes_one_of_format_2_when_it_is_written_to() {
    let Some(server) = server() else { return };
    let url = url(server);
    filled(&url).await;
    let right = everything(&url).await.unwrap();
    let beneath = beneath(&url).await;
    for name in schema::COLLECTIONS {
        let unset = bson::doc! { "$unset": { "crc": "", "below": "" } };
        beneath.collection(name).update_many(bson::doc! {}, unset).await.unwrap();
    }
    let store = beneath.collection(schema::STORE);
    store.update_one(bson::doc! {}, bson::doc! { "$set": { "format": 1 } }).await.unwrap();
    let format = async || rows(&url, schema::STORE).await[0].get("format").cloned();
    assert_eq!(everything(&url).await.unwrap(), right);
    assert_eq!(format().await, Some(Bson::Int32(1)), "looking changes nothing");
    let branch = try_branch(&url).await.unwrap();
    branch.collection(&users()).put(rawdoc! { "_id": 9 }).await.unwrap();
    assert_eq!(format().await, Some(Bson::Int32(2)));
    let backend = open(&url).await;
    let store = Store::new(backend, crate::environment(), Actor::new("tester").unwrap());
    let report = argon_core::fsck::fsck(&store, false, &|_| {}).await.unwrap();
    assert_eq!(report.problems, []);
}
