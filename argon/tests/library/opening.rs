//! How stores are opened.

use argon::ErrorKind;
use argon::model::ProjectName;
use argon::prelude::*;

#[tokio::test]
async fn a_store_is_created_opened_and_not_created_twice() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sled:{}", directory.path().join("store").display());
    let missing = argon::open(&url).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");

    let store = argon::create(&url).actor("ada").await.unwrap();
    assert_eq!(store.actor().as_str(), "ada");
    store.create_project("shop").await.unwrap();
    drop(store);

    let twice = argon::create(&url).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::AlreadyExists, "{twice}");
    let store = argon::open(&url).or_create().await.unwrap();
    let names: Vec<_> = store.projects().await.unwrap().into_iter().map(|info| info.name).collect();
    assert_eq!(names, [ProjectName::new("shop").unwrap()], "the store that exists is opened");
}

#[tokio::test]
async fn what_can_not_be_opened_is_named() {
    for (url, said) in [("nothing", "expected SCHEME:WHERE"), ("floppy:a", "floppy")] {
        let error = argon::open(url).or_create().await.unwrap_err();
        assert!(error.message().contains(said), "{error}");
    }
    let error = argon::open("memory:").actor("").await.unwrap_err();
    assert!(error.message().contains("actor"), "{error}");
}

#[tokio::test]
async fn projects_and_branches_are_created_on_demand_and_named_by_text() {
    let store = super::store().await;
    let missing = store.project("shop").await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let project = store.project_or_create("shop").await.unwrap();
    assert!(store.project_or_create(String::from("shop")).await.is_ok());

    let main = project.branch("main").await.unwrap();
    let head = main.head().await.unwrap();
    let first = project.branch_or_create("try", &head).await.unwrap();
    first.collection_of::<bson::Document>("users").unwrap().insert(doc! {}).await.unwrap();
    let again = project.branch_or_create("try", &head).await.unwrap();
    assert_eq!(again.head().await.unwrap().lsn(), Lsn::from(1), "the branch that exists");
    assert_eq!(main.fork("try").await.unwrap_err().kind(), ErrorKind::AlreadyExists);

    for error in [
        store.project_or_create("a b").await.unwrap_err(),
        project.branch("a b").await.unwrap_err(),
        main.collection_of::<bson::Document>("a$b").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}
