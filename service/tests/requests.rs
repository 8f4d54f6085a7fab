//! Requests as JSON, and the JSON of their results.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use argon_core::ErrorKind;
use argon_service::Failure;
use argon_service::document::{self, HistoryEntry};
use argon_service::import::ImportFiles;
use argon_service::plan::ResolveConflicts;
use futures::TryStreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn request<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

fn json(result: &impl Serialize) -> String {
    serde_json::to_string(result).unwrap()
}

#[tokio::test]
async fn documents_are_put_blamed_deleted_and_looked_back_at() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let put = request(
        r#"{"collection":"users","documents":[{"b":1,"_id":{"$oid":"59b99db4cfa9a34dcd7885b6"}},
            {"_id":2,"n":1.5}],"actor":"ada","message":"two"}"#,
    );
    let written = document::put(&branch, put).await.unwrap();
    let expected = r#"[{"id":{"$oid":"59b99db4cfa9a34dcd7885b6"},"lsn":1,"changed":true},{"id":2,"lsn":1,"changed":true}]"#;
    assert_eq!(json(&written), expected);
    let same = request(r#"{"collection":"users","documents":[{"_id":2,"n":1.5}]}"#);
    let written = document::put(&branch, same).await.unwrap();
    assert_eq!(json(&written), r#"[{"id":2,"lsn":1,"changed":false}]"#);
    let again = request(r#"{"collection":"users","documents":[{"_id":2}],"if_absent":true}"#);
    document::put(&branch, again).await.unwrap_err();
    let none = request(r#"{"collection":"users","documents":[]}"#);
    document::put(&branch, none).await.unwrap_err();

    let blame = request(r#"{"collection":"users","id":2,"canonical":true}"#);
    let fields = document::blame(&branch.head().await.unwrap(), &blame).await.unwrap();
    let found = json(&fields);
    assert!(found.contains(r#"{"path":"n","value":{"$numberDouble":"1.5"},"lsn":1,"#), "{found}");
    assert!(found.contains(r#""origin":{"kind":"write"},"timeline":""#), "{found}");

    let delete = request(r#"{"collection":"users","ids":[2,2]}"#);
    let deleted = document::delete(&branch, delete).await.unwrap();
    let expected = r#"{"branch":"main","collection":"users","deleted":1,"lsn":2}"#;
    assert_eq!(json(&deleted), expected);

    let state = branch.head().await.unwrap();
    let list = request(r#"{"collection":"users","id":2}"#);
    let entries: Vec<HistoryEntry> =
        document::history(&state, list).unwrap().try_collect().await.unwrap();
    let [HistoryEntry::Version(newest), HistoryEntry::Version(oldest), HistoryEntry::Floor(_)] =
        entries.as_slice()
    else {
        panic!("{entries:?}")
    };
    assert!(json(newest).ends_with(r#""deleted":true,"document":null}"#), "{newest:?}");
    assert!(
        json(oldest).contains(r#""actor":"ada","message":"two","deleted":false"#),
        "{oldest:?}"
    );
    let never = request(r#"{"collection":"users","id":9}"#);
    let never: Result<Vec<HistoryEntry>, _> =
        document::history(&state, never).unwrap().try_collect().await;
    never.unwrap_err();
}

#[test]
fn a_request_to_import_has_defaults_and_refuses_what_it_can_not_mean() {
    let import: ImportFiles = request(r#"{"path":"users.json"}"#);
    assert_eq!(import.batch, 1000);
    assert_eq!(import.contradiction(), None);
    let import: ImportFiles =
        request(r#"{"path":"x","mode":"replace_collection","keep_going":true}"#);
    assert_eq!(import.contradiction(), Some("keep_going"));
    let import = r#"{"path":"x.csv","csv":{"separator":"tab"},"include":["shop.*"]}"#;
    request::<ImportFiles>(import);
    for wrong in [r#"{"path":"x","csv":{"separator":"ab"}}"#, r#"{"path":"x","include":[""]}"#] {
        serde_json::from_str::<ImportFiles>(wrong).unwrap_err();
    }
}

#[test]
fn null_is_an_id_and_a_value_in_a_decision_about_a_conflict() {
    let decision: ResolveConflicts = request(
        r#"{"plan":"a68be4d2","collection":"users","id":null,"choice":"value","value":null}"#,
    );
    assert!(decision.id.is_some() && decision.value.is_some(), "{decision:?}");
    let decision: ResolveConflicts =
        request(r#"{"plan":"a68be4d2","collection":"users","choice":"theirs"}"#);
    assert!(decision.id.is_none() && decision.value.is_none(), "{decision:?}");
}

#[tokio::test]
async fn a_write_with_the_lsn_of_a_read_fails_if_the_document_is_another_since() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let put = |json: &str| document::put(&branch, request(json));
    put(r#"{"collection":"users","documents":[{"_id":1,"n":1},{"_id":2,"n":1}]}"#).await.unwrap();
    put(r#"{"collection":"users","documents":[{"_id":2,"n":2}]}"#).await.unwrap();
    let since =
        put(r#"{"collection":"users","documents":[{"_id":1,"n":2}],"if_lsn":1}"#).await.unwrap();
    assert_eq!(since[0].lsn, 3, "others have changed other documents");
    for (documents, part) in [
        (r#"[{"_id":2,"n":3}]"#, r#"was changed by commit 2, after LSN 1; now: {"_id":2,"n":2}"#),
        (r#"[{"_id":2,"n":2}]"#, "was changed by commit 2, after LSN 1"),
    ] {
        let json = format!(r#"{{"collection":"users","documents":{documents},"if_lsn":1}}"#);
        let failure = put(&json).await.unwrap_err();
        let Failure::Error { error, .. } = &failure else { panic!("{failure:?}") };
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.message().contains(part), "{error}");
    }

    let update = |json: &str| document::update(&branch, request(json));
    let many = r#""filter":{"n":2},"update":{"$inc":{"n":1}},"many":true"#;
    let failure = update(&format!(r#"{{"collection":"users",{many},"if_lsn":2}}"#)).await;
    let text = failure.unwrap_err().in_full();
    assert!(text.contains("_id 1") && text.contains("was changed by commit 3"), "{text}");
    let updated = update(&format!(r#"{{"collection":"users",{many},"if_lsn":3}}"#)).await.unwrap();
    assert_eq!((updated.modified, updated.lsn), (2, Some(4)));

    let delete = |json: &str| document::delete(&branch, request(json));
    let failure = delete(r#"{"collection":"users","ids":[1],"if_lsn":3}"#).await.unwrap_err();
    assert!(failure.in_full().contains("was changed by commit 4"), "{}", failure.in_full());
    delete(r#"{"collection":"users","ids":[1],"if_lsn":4}"#).await.unwrap();
    let gone = put(r#"{"collection":"users","documents":[{"_id":1}],"if_lsn":4}"#).await;
    assert!(gone.unwrap_err().in_full().contains("was deleted after LSN 4"));
    let matching = request(r#"{"collection":"users","filter":{"n":3},"if_lsn":5}"#);
    assert_eq!(document::delete_matching(&branch, matching).await.unwrap().deleted, 1);
}

#[tokio::test]
async fn a_document_that_was_only_read_as_json_keeps_the_types_of_its_numbers() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let put = |json: &str| document::put(&branch, request(json));
    put(r#"{"collection":"c","documents":[{"_id":1,"n":{"$numberLong":"5"},"d":2.0}]}"#)
        .await
        .unwrap();
    let same = put(r#"{"collection":"c","documents":[{"_id":1,"n":5,"d":2}]}"#).await.unwrap();
    assert!(!same[0].changed);
    put(r#"{"collection":"c","documents":[{"_id":1,"n":6,"d":2}]}"#).await.unwrap();
    let get = request(r#"{"collection":"c","id":1}"#);
    let read = document::get(&branch.head().await.unwrap(), get).await.unwrap();
    assert_eq!(read.to_bson().unwrap(), bson::doc! { "_id": 1, "n": 6_i64, "d": 2.0 });
    let named = r#"{"collection":"c","documents":[{"_id":1,"n":{"$numberInt":"6"},"d":2}]}"#;
    put(named).await.unwrap();
    let get = request(r#"{"collection":"c","id":1}"#);
    let read = document::get(&branch.head().await.unwrap(), get).await.unwrap();
    assert_eq!(read.to_bson().unwrap(), bson::doc! { "_id": 1, "n": 6, "d": 2 });
}
