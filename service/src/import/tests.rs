use std::fmt::Write as _;
use std::path::Path;

use argon_core::Branch;
use futures::TryStreamExt;

use super::load::load;
use super::replace::replace;
use super::*;

fn request(path: &Path, on_duplicate: OnDuplicate) -> ImportFiles {
    let request = serde_json::json!({ "path": path, "collection": "boats", "batch": 3 });
    let request: ImportFiles = serde_json::from_value(request).unwrap();
    ImportFiles { on_duplicate: Some(on_duplicate), ..request }
}

fn options(on_duplicate: OnDuplicate) -> ImportFiles {
    request(Path::new(""), on_duplicate)
}

fn target(branch: &Branch) -> Target {
    Target {
        branch: branch.clone(),
        environment: argon_backends::environment(),
        watcher: Arc::new(()),
    }
}

/// JSON lines with these `_id`s.
fn file(directory: &Path, name: &str, ids: impl Iterator<Item = u32>) -> Plan {
    let text = ids.fold(String::new(), |mut text, id| {
        let _ = writeln!(text, r#"{{"_id":{id},"of":"{name}"}}"#);
        text
    });
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    Plan::make(&request(&path, OnDuplicate::Error)).unwrap()
}

#[tokio::test]
async fn several_imports_into_one_new_collection_at_once_join_it() {
    for on_duplicate in [OnDuplicate::Error, OnDuplicate::Skip, OnDuplicate::Replace] {
        let branch = argon_backends::memory_branch().await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let plans = [0, 100, 200, 300]
            .map(|from| file(directory.path(), &format!("{from}.jsonl"), from..from + 20));
        let (target, options) = (target(&branch), options(on_duplicate));
        let imports = plans.iter().map(|plan| {
            let (target, options) = (&target, &options);
            async move {
                let mut summary = Summary::default();
                load(plan, target, options, &mut summary).await.unwrap();
            }
        });
        futures::future::join_all(imports).await;
        let state = branch.head().await.unwrap();
        assert_eq!(state.collections().count(), 1);
        let boats = state.collection(&CollectionName::new("boats").unwrap()).unwrap();
        assert_eq!(boats.count().await.unwrap(), 80, "{on_duplicate:?}");
    }
}

#[tokio::test]
async fn an_import_ends_at_a_document_that_is_there_already_and_keeps_those_before() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let boats = branch.collection(&CollectionName::new("boats").unwrap());
    boats.put(bson::rawdoc! { "_id": 31 }).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let plan = file(directory.path(), "many.jsonl", 0..400);
    let (target, options) = (target(&branch), options(OnDuplicate::Error));
    let mut summary = Summary::default();
    load(&plan, &target, &options, &mut summary).await.unwrap_err();
    let summary = summary.shown(branch.name(), 0, 0.0);
    assert_eq!((summary.documents, summary.commits), (31, 11));
    assert_eq!(branch.head().await.unwrap().lsn().get(), 12);
    let state = branch.head().await.unwrap();
    let boats = state.collection(&CollectionName::new("boats").unwrap()).unwrap();
    assert_eq!(boats.count().await.unwrap(), 32);
}

#[tokio::test]
async fn a_replacement_beside_a_writer_is_worked_out_anew_and_loses_nothing() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (target, options) = (target(&branch), options(OnDuplicate::Error));
    let one = file(directory.path(), "one.jsonl", 0..50);
    let other = file(directory.path(), "other.jsonl", 25..75);
    let replaced = |plan: Plan| {
        let (target, options) = (&target, &options);
        async move {
            let mut summary = Summary::default();
            replace(&plan, target, options, &mut summary).await.unwrap();
        }
    };
    futures::future::join(replaced(one), replaced(other)).await;
    let state = branch.head().await.unwrap();
    let boats = state.collection(&CollectionName::new("boats").unwrap()).unwrap();
    assert_eq!(boats.count().await.unwrap(), 50, "one of them, and nothing of the other");
    assert_eq!(state.lsn().get(), 2, "one commit each");
}

#[tokio::test]
async fn what_is_gone_is_found_in_a_file_with_more_ids_than_are_remembered() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (target, options) = (target(&branch), options(OnDuplicate::Error));
    for ids in [0..400, 150..550] {
        let plan = file(directory.path(), "many.jsonl", ids.clone());
        replace(&plan, &target, &options, &mut Summary::default()).await.unwrap();
        let state = branch.head().await.unwrap();
        let boats = state.collection(&CollectionName::new("boats").unwrap()).unwrap();
        let documents: Vec<_> = boats.scan().try_collect().await.unwrap();
        let found: Vec<_> =
            documents.iter().map(|found| found.as_raw().get_i32("_id").unwrap()).collect();
        assert!(found.into_iter().eq(ids.map(u32::cast_signed)));
    }
    assert_eq!(branch.head().await.unwrap().lsn().get(), 2, "one commit each");
}

#[tokio::test]
async fn what_an_import_does_not_commit_is_not_in_its_summary() {
    let branch = argon_backends::memory_branch().await.unwrap();
    let name = CollectionName::new("boats").unwrap();
    branch.collection(&name).put(bson::rawdoc! { "_id": 1, "of": "before" }).await.unwrap();
    let definition = bson::doc! { "key": { "of": 1 }, "name": "of_1" };
    branch.create_index(&name, definition, &branch.request()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("boats.jsonl");
    std::fs::write(&path, "{\"_id\":1}\n{\"_id\":2}\n{\"_id\":2}\nnonsense\n").unwrap();
    let mut request = request(&path, OnDuplicate::Error);
    request.batch = 100;
    let mut plan = Plan::make(&request).unwrap();
    plan.items[0].metadata = Some(argon_formats::Metadata::default());
    let target = target(&branch);
    let before = branch.head().await.unwrap().lsn();
    let mut replaced = Summary::default();
    replace(&plan, &target, &request, &mut replaced).await.unwrap_err();
    // What stands before a bad document would be committed.
    std::fs::write(&path, "nonsense\n").unwrap();
    let mut dropped = Summary::default();
    request.drop = true;
    load(&plan, &target, &request, &mut dropped).await.unwrap_err();
    assert_eq!(branch.head().await.unwrap().lsn(), before);
    for summary in [replaced, dropped] {
        let summary = summary.shown(branch.name(), 0, 0.0);
        assert_eq!((summary.documents, summary.commits), (0, 0));
        assert!(summary.dropped_indexes.is_empty(), "{:?}", summary.dropped_indexes);
        let Replaced { added, changed, removed } = summary.replaced.unwrap_or_default();
        assert_eq!((added, changed, removed), (0, 0, 0));
    }
    // What is committed is.
    std::fs::write(&path, "{\"_id\":1}\n").unwrap();
    let mut replaced = Summary::default();
    replace(&plan, &target, &request, &mut replaced).await.unwrap();
    let replaced = replaced.shown(branch.name(), 0, 0.0);
    assert_eq!((replaced.documents, replaced.commits), (1, 1));
    assert_eq!(replaced.dropped_indexes[0].index, "of_1");
}

#[test]
fn two_batches_of_large_documents_fit_into_one_append() {
    const APPEND_BYTES: usize = 8 * 1024 * 1024;
    let directory = tempfile::tempdir().unwrap();
    let (path, padding) = (directory.path().join("large.jsonl"), "x".repeat(300 * 1024));
    let lines = (0..20).map(|id| format!("{{\"_id\":{id},\"text\":\"{padding}\"}}\n"));
    std::fs::write(&path, lines.collect::<String>()).unwrap();
    let options = ImportFiles { batch: 1000, ..request(&path, OnDuplicate::Error) };
    let plan = Plan::make(&options).unwrap();
    let environment = argon_backends::environment();
    let input = &plan.items[0].input;
    let mut found = reader::start(input, &options, &environment, Arc::new(())).unwrap();
    let mut batches = Vec::new();
    while let Some(reader::Found::Batch(entries)) = found.blocking_recv() {
        let bytes = |entry: &reader::Entry| entry.document.as_bytes().len();
        batches.push((entries.len(), entries.iter().map(bytes).sum::<usize>()));
    }
    assert_eq!(batches.iter().map(|(documents, _)| documents).sum::<usize>(), 20);
    assert_eq!(batches.len(), 2, "{batches:?}");
    assert!(batches.iter().all(|(_, bytes)| 2 * bytes <= APPEND_BYTES), "{batches:?}");
}
