//! Requests as JSON, and the JSON of their results.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

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
    let expected = r#"[{"id":{"$oid":"59b99db4cfa9a34dcd7885b6"},"lsn":1},{"id":2,"lsn":1}]"#;
    assert_eq!(json(&written), expected);
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
