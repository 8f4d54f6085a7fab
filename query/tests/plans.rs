//! Plans: which one is chosen, how `explain` shows it, and that it gives what a scan gives.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

#[expect(dead_code, reason = "the rest is for other tests")]
mod common;
mod plan_cases;

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::{Branch, CollectionView};
use argon_query::Code;
use argon_query::expression::{Context, Evaluation};
use argon_query::filter::FilterOptions;
use argon_query::find::{Find, FindCommand, Selection};
use argon_query::pipeline::{Execution, Limits, Options, Pipeline, Row, StateCollections};
use argon_query::plan::{
    Direction, Hint, IndexSource, Indexes, Plan, Query, choose, execution_stats,
};
use argon_query::sort::SortPattern;
use bson::{Bson, DateTime, Document, RawDocumentBuf, doc, rawdoc};
use futures::TryStreamExt;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use plan_cases::{MemoryIndexes, Provider, definitions};

/// A plan as text: the kind, the bounds, the direction, and what it gives besides documents.
fn summary(plan: &Plan, is_sorted: bool) -> String {
    let sorted = if is_sorted { ", sorted" } else { "" };
    match plan {
        Plan::IdPoints(keys) => format!("ids {keys:?}{sorted}"),
        Plan::IdRange(_) => format!("id range{sorted}"),
        Plan::CollectionScan { why, .. } => format!("scan{sorted}: {why}"),
        Plan::Or(plans) => {
            let plans: Vec<String> = plans.iter().map(|plan| summary(plan, false)).collect();
            format!("or({}){sorted}", plans.join(" | "))
        }
        Plan::IndexScan(scan) => {
            let bounds = scan.shown_bounds();
            let fields = bounds.iter().map(|(path, bounds)| {
                let bounds: Vec<&str> =
                    bounds.as_array().unwrap().iter().filter_map(Bson::as_str).collect();
                format!("{path} {}", bounds.join(" "))
            });
            let fields: Vec<String> = fields.collect();
            let backward = if scan.direction == Direction::Descending { ", backward" } else { "" };
            let covered = if scan.covers_filter { ", covered" } else { "" };
            format!("{}: {}{backward}{covered}{sorted}", scan.index.name(), fields.join(", "))
        }
    }
}

/// A text of a case.
fn text<'c>(case: &'c Document, field: &str) -> Option<&'c str> {
    case.get_str(field).ok()
}

fn planned(case: &Document) -> Result<String, argon_core::Error> {
    let mut listed = vec![doc! { "name": "_id_", "key": { "_id": 1 } }];
    for definition in case.get_array("indexes").unwrap() {
        listed.push(definition.as_document().unwrap().clone());
    }
    let with_arrays: Vec<String> = case
        .get_array("arrays")
        .map(|names| names.iter().filter_map(Bson::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let mut indexes = MemoryIndexes::new(&listed[1..]).with_arrays(&with_arrays);
    if let Some(name) = text(case, "unbuilt") {
        indexes = indexes.without(name, "is not built at this state");
    }
    let sort = case.get_document("sort").ok().map(|sort| SortPattern::compile(sort).unwrap());
    let hint = case.get("hint").map(|hint| Hint::compile(hint).unwrap().unwrap());
    let collation = case
        .get_document("collation")
        .ok()
        .and_then(|collation| argon_query::Collation::compile(collation).unwrap());
    let query = Query {
        sort: sort.as_ref(),
        limit: case.get_i32("limit").ok().map(|limit| u64::try_from(limit).unwrap()),
        collation: collation.as_ref(),
        hint: hint.as_ref(),
        ..Query::of(case.get_document("filter").unwrap())
    };
    let indexes = Indexes {
        readable: indexes.readable(),
        unreadable: indexes.unreadable(),
        definitions: &listed,
    };
    let choice = choose(&query, indexes)?;
    Ok(summary(&choice.plan, query.sort.is_some() && choice.is_sorted))
}

#[test]
fn each_query_has_the_plan_of_its_golden_case() {
    let mut wrong = Vec::new();
    for (place, case) in common::cases("plans.jsonl") {
        let found = planned(&case)
            .unwrap_or_else(|error| format!("error {}: {error}", common::number(&error)));
        if text(&case, "plan") != Some(&found) {
            wrong.push(format!("{place}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

async fn collection(documents: &[Document]) -> (Branch, CollectionView) {
    let branch = argon_backends::memory_branch().await.unwrap();
    let name = CollectionName::new("things").unwrap();
    let things = branch.collection(&name);
    // The collection exists without documents too.
    things.put(doc! { "_id": -1 }).await.unwrap();
    things.delete(&argon_core::key::Key::of(&Bson::Int32(-1)).unwrap()).await.unwrap();
    let mut request = branch.request();
    for document in documents {
        let raw = RawDocumentBuf::try_from(document).unwrap();
        let (key, document) = argon_core::model::Document::checked(raw).unwrap();
        let any = argon_core::write::Precondition::Any;
        request.put(name.clone(), key, document, any).unwrap();
    }
    if !documents.is_empty() {
        branch.commit(request).await.unwrap();
    }
    let view = branch.head().await.unwrap().collection(&name).unwrap();
    (branch, view)
}

fn context() -> Arc<Context> {
    Arc::new(Context::new(DateTime::from_millis(0), 1))
}

async fn execution(branch: &Branch, indexes: Option<Arc<dyn IndexSource>>) -> Execution {
    let mut collections = StateCollections::new(branch.head().await.unwrap());
    if let Some(indexes) = indexes {
        collections = collections.with_indexes(Arc::new(Provider(indexes)));
    }
    Execution::new(Arc::new(collections), context(), Limits::default())
}

async fn run(find: &Find, execution: &Execution) -> Vec<Document> {
    let batches: Vec<Vec<Row>> = find.run("things", execution).try_collect().await.unwrap();
    let rows = batches.into_iter().flatten();
    rows.map(|row| Document::try_from(row.as_raw()).unwrap()).collect()
}

fn ids(documents: &[Document]) -> Vec<i32> {
    let mut ids: Vec<i32> = documents.iter().map(|row| row.get_i32("_id").unwrap()).collect();
    ids.sort_unstable();
    ids
}

fn sort_keys(pattern: &Document, documents: &[Document]) -> Vec<Vec<u8>> {
    let pattern = SortPattern::compile(pattern).unwrap();
    let key = |document: &Document| {
        let mut key = Vec::new();
        pattern.key(&RawDocumentBuf::try_from(document).unwrap(), &mut key).unwrap();
        key
    };
    documents.iter().map(key).collect()
}

/// Compares the answers of a plan with those of a scan.
async fn compare(
    documents: &[Document],
    definitions: &[Document],
    command: &FindCommand,
    stale: &[(Document, i32)],
) -> Result<bool, TestCaseError> {
    let (Ok(find), Ok(all)) = (
        Find::compile(command),
        Find::compile(&FindCommand { limit: 0, skip: 0, hint: None, ..command.clone() }),
    ) else {
        return Ok(false);
    };
    let (branch, view) = collection(documents).await;
    let mut indexes = MemoryIndexes::new(definitions);
    indexes.add_all(documents);
    for (document, id) in stale {
        indexes.add_stale(document, &Bson::Int32(*id));
    }
    let indexes: Arc<dyn IndexSource> = Arc::new(indexes);
    let scanning = execution(&branch, None).await;
    let scanned: Result<Vec<Vec<Row>>, _> = all.run("things", &scanning).try_collect().await;
    // Some sorts are impossible: two parallel arrays.
    let Ok(scanned) = scanned else { return Ok(false) };
    let scanned: Vec<Document> = scanned
        .into_iter()
        .flatten()
        .map(|row| Document::try_from(row.as_raw()).unwrap())
        .collect();
    let planned = execution(&branch, Some(indexes.clone())).await;
    let explained = find.explain("things", &planned, ("p.things", "main")).await.unwrap();
    let found = run(&find, &planned).await;
    let from = usize::try_from(command.skip).unwrap().min(scanned.len());
    let limit = usize::try_from(command.limit).unwrap();
    let to = if limit == 0 { scanned.len() } else { scanned.len().min(from + limit) };
    let expected = &scanned[from..to];
    prop_assert_eq!(found.len(), expected.len(), "{}", explained);
    if command.sort.is_empty() {
        let (found, scanned) = (ids(&found), ids(&scanned));
        prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "twice: {}", explained);
        prop_assert!(found.iter().all(|id| scanned.contains(id)), "{}", explained);
    } else {
        let keys = sort_keys(&command.sort, &found);
        prop_assert_eq!(keys, sort_keys(&command.sort, expected), "{}", &explained);
        let found = ids(&found);
        prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "twice: {}", explained);
    }
    let options = FilterOptions::default();
    let selection =
        Selection::compile(&command.filter, &options, Evaluation::new(context())).unwrap();
    let selection = selection.with_indexes(Arc::new(Provider(indexes)));
    prop_assert_eq!(selection.count(&view).await.unwrap(), scanned.len() as u64);
    let winning = explained.get_document("winningPlan").unwrap().to_string();
    Ok(winning.contains("IXSCAN"))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// As many cases as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn a_plan_gives_what_a_scan_gives() {
    let scene = (
        plan_cases::documents(),
        plan_cases::filter(),
        plan_cases::sort(),
        (prop_oneof![Just(0), 0..3_u64], prop_oneof![Just(0), 1..6_u64]),
        proptest::collection::vec(any::<bool>(), 14),
        proptest::collection::vec((plan_cases::document(), 0..16_i32), 0..3),
    );
    let by_index = std::cell::Cell::new(0);
    let cases = config().cases;
    let mut runner = TestRunner::new(config());
    runner
        .run(&scene, |(documents, filter, sort, (skip, limit), chosen, stale)| {
            let chosen = definitions().into_iter().zip(chosen).filter(|(_, chosen)| *chosen);
            let definitions: Vec<Document> = chosen.map(|(definition, _)| definition).collect();
            let command = FindCommand { filter, sort, skip, limit, ..FindCommand::default() };
            let uses_index = block_on(compare(&documents, &definitions, &command, &stale))?;
            by_index.set(by_index.get() + u32::from(uses_index));
            Ok(())
        })
        .unwrap();
    assert!(by_index.get() > cases / 4, "only {} of {cases} cases use an index", by_index.get());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_document_that_matches_has_an_entry_inside_the_bounds(
        documents in plan_cases::documents(),
        filter in plan_cases::filter(),
        multikey in any::<bool>(),
    ) {
        let options = FilterOptions::default();
        let compiled = Selection::compile(&filter, &options, Evaluation::new(context()));
        prop_assume!(compiled.is_ok());
        let selection = compiled.unwrap();
        for definition in definitions() {
            let mut indexes = MemoryIndexes::new(std::slice::from_ref(&definition));
            if multikey {
                indexes = indexes.with_arrays(&["i0".into(), "i1".into(), "i4".into()]);
            }
            indexes.add_all(&documents);
            let definitions = [definition];
            let available =
                Indexes { readable: indexes.readable(), definitions: &definitions, ..Indexes::default() };
            let Ok(choice) = choose(&Query::of(&filter), available) else { continue };
            let Plan::IndexScan(scan) = choice.plan else { continue };
            for document in &documents {
                let raw = RawDocumentBuf::try_from(document).unwrap();
                if !selection.matches(&raw).unwrap() {
                    continue;
                }
                let keys = scan.index.entries_of(&raw).unwrap().keys;
                let inside = keys.iter().any(|key| {
                    scan.ranges.iter().any(|(from, to)| from <= key && key < to)
                });
                prop_assert!(inside, "{} {}", scan.shown_bounds(), document);
            }
        }
    }
}

fn many() -> Vec<Document> {
    (0..1000).map(|n| doc! { "_id": n, "a": n % 100, "tags": [n % 7, "x"] }).collect()
}

fn many_indexes() -> Arc<dyn IndexSource> {
    let definitions = [
        doc! { "name": "a_1", "key": { "a": 1 } },
        doc! { "name": "tags_1", "key": { "tags": 1 } },
    ];
    let mut indexes = MemoryIndexes::new(&definitions);
    indexes.add_all(&many());
    Arc::new(indexes)
}

#[tokio::test]
async fn a_limited_query_reads_few_entries_and_documents() {
    let (branch, _) = collection(&many()).await;
    for (filter, sort, limit, keys, documents) in [
        (doc! { "a": 5 }, doc! {}, 0, 10, 10),
        (doc! {}, doc! { "a": 1 }, 3, 16, 16),
        (doc! {}, doc! { "a": -1 }, 3, 16, 16),
        (doc! { "a": { "$gte": 98 } }, doc! { "a": 1, "_id": 1 }, 0, 20, 20),
        (doc! { "tags": 3 }, doc! {}, 0, 143, 143),
        (doc! { "$or": [{ "a": 1 }, { "tags": 3 }] }, doc! {}, 0, 153, 153),
        (doc! { "_id": 7 }, doc! {}, 0, 0, 1),
    ] {
        let execution = execution(&branch, Some(many_indexes())).await;
        let command = FindCommand { filter, sort, limit, ..FindCommand::default() };
        let find = Find::compile(&command).unwrap();
        let found = run(&find, &execution).await;
        let stats = execution_stats(found.len() as u64, 0, &execution.examined);
        assert_eq!(stats.get_i64("totalKeysExamined").unwrap(), keys, "{command:?}");
        assert_eq!(stats.get_i64("totalDocsExamined").unwrap(), documents, "{command:?}");
    }
}

#[tokio::test]
async fn lookups_find_by_an_index_what_they_find_by_a_scan() {
    let documents = vec![
        doc! { "_id": 0, "a": 1, "ref": [1, 3] },
        doc! { "_id": 1, "a": [1, 2], "ref": Bson::Null },
        doc! { "_id": 2, "a": [[1]], "ref": [[1]] },
        doc! { "_id": 3, "a": 3 },
        doc! { "_id": 4, "ref": "x".repeat(500) },
        doc! { "_id": 5, "a": "x".repeat(500), "ref": 1 },
        doc! { "_id": 6, "a": [], "ref": 2.0 },
    ];
    let (branch, _) = collection(&documents).await;
    let stages = [
        doc! { "$lookup": { "from": "things", "localField": "ref", "foreignField": "a", "as": "r" } },
        doc! { "$graphLookup": {
            "from": "things", "startWith": "$ref", "connectFromField": "ref",
            "connectToField": "a", "as": "g",
        } },
    ];
    let pipeline = Arc::new(Pipeline::compile(&stages, &Options::default()).unwrap());
    let run = async |indexes| {
        let execution = execution(&branch, indexes).await;
        let batches: Vec<Vec<Row>> =
            pipeline.run("things", &execution).try_collect().await.unwrap();
        let rows = batches.into_iter().flatten();
        rows.map(|row| Document::try_from(row.as_raw()).unwrap()).collect::<Vec<_>>()
    };
    let scanned = run(None).await;
    for key in [doc! { "a": 1 }, doc! { "a": -1, "b": 1 }] {
        let mut indexes = MemoryIndexes::new(&[doc! { "name": "i", "key": key }]);
        indexes.add_all(&documents);
        assert_eq!(run(Some(Arc::new(indexes))).await, scanned);
    }
}

#[tokio::test]
async fn documents_with_long_equal_beginnings_are_sorted() {
    let text = |end: i32| format!("{}{end:02}", "x".repeat(390));
    let documents: Vec<Document> =
        (0..50).map(|n| doc! { "_id": n, "a": text((n * 37) % 50) }).collect();
    let (branch, _) = collection(&documents).await;
    let mut indexes = MemoryIndexes::new(&[doc! { "name": "a_1", "key": { "a": 1 } }]);
    indexes.add_all(&documents);
    let execution = execution(&branch, Some(Arc::new(indexes))).await;
    for direction in [1, -1] {
        let command = FindCommand {
            filter: doc! { "a": { "$gt": text(9) } },
            sort: doc! { "a": direction },
            limit: 5,
            ..FindCommand::default()
        };
        let found = run(&Find::compile(&command).unwrap(), &execution).await;
        let found: Vec<&str> = found.iter().map(|row| row.get_str("a").unwrap()).collect();
        let ends = if direction > 0 { [10, 11, 12, 13, 14] } else { [49, 48, 47, 46, 45] };
        assert_eq!(found, ends.map(text));
    }
}

#[tokio::test]
async fn a_hint_is_obeyed_or_refused() {
    let (branch, _) = collection(&many()).await;
    let execution = execution(&branch, Some(many_indexes())).await;
    let find = |hint: Bson| {
        Find::compile(&FindCommand {
            filter: doc! { "a": 5 },
            limit: 2,
            hint: Some(hint),
            ..FindCommand::default()
        })
        .unwrap()
    };
    let natural = run(&find(doc! { "$natural": -1 }.into()), &execution).await;
    assert_eq!(
        natural.iter().map(|row| row.get_i32("_id").unwrap()).collect::<Vec<_>>(),
        [905, 805]
    );
    let explained = find(doc! { "$natural": -1 }.into())
        .explain("things", &execution, ("p.things", "main"))
        .await
        .unwrap();
    let winning = explained.get_document("winningPlan").unwrap();
    assert_eq!(winning.get_document("sortPattern").unwrap(), &doc! { "_id": -1 });
    // The collection itself has no definitions, and so no index of that name.
    let refused: Result<Vec<Vec<Row>>, _> =
        find("b_1".into()).run("things", &execution).try_collect().await;
    let error = refused.unwrap_err();
    assert_eq!(Code::of(&error), Some(Code::BAD_VALUE));
    assert!(error.message().contains("hint provided does not correspond to an existing index"));
}

#[tokio::test]
async fn an_explanation_has_the_stages_of_mongodb() {
    let (branch, _) = collection(&many()).await;
    let execution = execution(&branch, Some(many_indexes())).await;
    let explain = async |command: FindCommand| {
        let find = Find::compile(&command).unwrap();
        find.explain("things", &execution, ("shop.things", "main@7")).await.unwrap()
    };
    let explained = explain(FindCommand {
        filter: doc! { "a": { "$gte": 5 }, "b": 1 },
        projection: doc! { "a": 1 },
        sort: doc! { "a": -1 },
        skip: 2,
        limit: 3,
        ..FindCommand::default()
    })
    .await;
    assert_eq!(
        explained,
        doc! {
            "namespace": "shop.things",
            "parsedQuery": { "a": { "$gte": 5 }, "b": 1 },
            "indexFilterSet": false,
            "winningPlan": {
                "stage": "LIMIT",
                "limitAmount": 3_i64,
                "inputStage": {
                    "stage": "PROJECTION_SIMPLE",
                    "transformBy": { "a": 1 },
                    "inputStage": {
                        "stage": "SKIP",
                        "skipAmount": 2_i64,
                        "inputStage": {
                            "stage": "FETCH",
                            "filter": { "a": { "$gte": 5 }, "b": 1 },
                            "inputStage": {
                                "stage": "IXSCAN",
                                "keyPattern": { "a": 1 },
                                "indexName": "a_1",
                                "isMultiKey": false,
                                "isUnique": false,
                                "isSparse": false,
                                "isPartial": false,
                                "direction": "backward",
                                "indexBounds": { "a": ["[inf, 5]"] },
                            },
                        },
                    },
                },
            },
            "rejectedPlans": [],
            "argon": { "state": "main@7" },
        }
    );
    let scan = explain(FindCommand {
        filter: doc! { "b": 1 },
        sort: doc! { "b": 1 },
        limit: 4,
        ..FindCommand::default()
    })
    .await;
    let scan_stage = doc! { "stage": "COLLSCAN", "filter": { "b": 1 }, "direction": "forward" };
    assert_eq!(
        scan.get_document("winningPlan").unwrap(),
        &doc! {
            "stage": "SORT",
            "sortPattern": { "b": 1 },
            "type": "simple",
            "limitAmount": 4_i64,
            "inputStage": scan_stage,
        }
    );
    assert_eq!(
        scan.get_document("argon").unwrap().get_str("why").unwrap(),
        "no index with bounds on b"
    );
    let by_id = explain(FindCommand { filter: doc! { "_id": 5 }, ..FindCommand::default() }).await;
    assert_eq!(by_id.get_document("winningPlan").unwrap(), &doc! { "stage": "IDHACK" });
}

#[tokio::test]
async fn an_update_changes_each_document_that_an_index_finds_once() {
    let (branch, view) = collection(&many()).await;
    let options = FilterOptions::default();
    let selection = Selection::compile(
        &doc! { "tags": { "$in": [3, "x"] } },
        &options,
        Evaluation::new(context()),
    );
    let selection = selection.unwrap().with_indexes(Arc::new(Provider(many_indexes())));
    assert_eq!(selection.read(&view).try_collect::<Vec<_>>().await.unwrap().len(), 1000);
    let name = CollectionName::new("things").unwrap();
    let modify = argon_query::modify::Modify {
        collection: &name,
        selection: &selection,
        sort: None,
        many: true,
        state: None,
        change: &|document| {
            let id = document.get_i32("_id").unwrap();
            Ok(argon_query::modify::Change::Replace(rawdoc! { "_id": id, "seen": true }))
        },
        upsert: None,
        request: &|| branch.request(),
    };
    let modified = modify.run(&branch).await.unwrap();
    assert_eq!((modified.matched, modified.modified), (1000, 1000));
}
