//! Every query has its index.

use argon_core::key::Key;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{BuildId, Direction, KeyRange, RetainedStates};
use bson::{Bson, Document, doc};

use super::{COLLECTION, Chain, beneath, create, put, server, url};
use crate::mongodb::entries::Place;
use crate::mongodb::entry_scan::{EntrySegment, order};
use crate::mongodb::extents::RowSource;
use crate::mongodb::record::id;
use crate::mongodb::{
    extents, images, indexes, large_commit, log_walk, lookup, old_versions, parts, prune, refs,
    removal, scan, schema, snapshots, timeline, transaction::named,
};

/// All values of a field, at any depth.
fn all<'a>(value: &'a Bson, name: &str, found: &mut Vec<&'a str>) {
    match value {
        Bson::Document(document) => {
            for (field, value) in document {
                if field == name {
                    found.extend(value.as_str());
                }
                all(value, name, found);
            }
        }
        Bson::Array(values) => values.iter().for_each(|value| all(value, name, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_looks_through_a_collection() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let mut chain = Chain::new();
    for round in 0..20 {
        chain.write(&backend, vec![put(bson::rawdoc! { "_id": round % 3, "n": round })]).await;
    }
    let timeline = chain.timeline.id;
    let source = RowSource { rows: timeline, above: Lsn::new(3), upto: Lsn::new(9) };
    let key = Key::of(&Bson::Int32(1)).unwrap();
    let text = crate::mongodb::key::encode(&key);
    let some = KeyRange { from: Some(key.clone()), to: Some(Key::of(&Bson::Int32(7)).unwrap()) };
    let newest = doc! { "t": 1, "c": 1, "k": 1, "l": -1 };
    let find = |collection: &str, filter: Document, sort: Document| {
        doc! { "find": collection, "filter": filter, "sort": sort }
    };
    let aggregate_in = |collection: &str, pipeline: Vec<Document>| {
        doc! { "aggregate": collection, "pipeline": pipeline, "cursor": {} }
    };
    let aggregate = |pipeline: Vec<Document>| aggregate_in(schema::VERSIONS, pipeline);
    let number = COLLECTION.get().cast_signed();
    let walk =
        |from: old_versions::WalkPosition| aggregate(old_versions::page(timeline, &from, 100));
    let page =
        |range: &KeyRange| aggregate(scan::page(&source, COLLECTION, &scan::bounds(range), 100));
    let mut above = scan::bounds(&some);
    above.remove("$gte");
    above.insert("$gt", &text);
    let head = argon_core::model::Head::EMPTY;
    let place = Place { timeline, build: BuildId(1) };
    let entries = |is_past: bool, keys: Document, sort: &Document| {
        let mut stages = EntrySegment { place, upto: Lsn::new(9) }.matches(is_past, keys);
        stages.push(doc! { "$sort": sort });
        aggregate_in(schema::ENTRIES, stages)
    };
    let ended = prune::ended_unneeded(place, &RetainedStates::default());
    let queries: Vec<(&str, &str, Document)> = vec![
        (
            "a document",
            "newest_version",
            find(schema::VERSIONS, lookup::of_document(&source, COLLECTION, &key), newest.clone()),
        ),
        (
            "many documents",
            "newest_version",
            aggregate(lookup::newest_of_keys(
                &source,
                COLLECTION,
                &[text.clone(), "x".into()],
                true,
            )),
        ),
        (
            "many stamps",
            "newest_version",
            aggregate(lookup::newest_of_keys(
                &source,
                COLLECTION,
                &[text.clone(), "x".into()],
                false,
            )),
        ),
        (
            "a fresh range",
            "newest_version",
            find(schema::VERSIONS, lookup::between(&source, COLLECTION, "a", "x"), newest.clone()),
        ),
        ("a scan", "newest_version", page(&KeyRange::default())),
        ("a scan of a range", "newest_version", page(&some)),
        (
            "a scan's next page",
            "newest_version",
            aggregate(scan::page(&source, COLLECTION, &above, 100)),
        ),
        (
            "documents of commits",
            "newest_version",
            aggregate(images::versions_of_keys(&source, COLLECTION, [&text])),
        ),
        (
            "documents of a large commit",
            "newest_version",
            aggregate(images::versions_of_extent(&source, COLLECTION)),
        ),
        (
            "commits",
            "timeline_lsn",
            find(
                schema::COMMITS,
                log_walk::commits(timeline, Lsn::new(2), Lsn::new(7)),
                doc! { "t": 1, "l": 1 },
            ),
        ),
        (
            "commits, newest first",
            "timeline_lsn",
            find(
                schema::COMMITS,
                log_walk::commits(timeline, Lsn::new(2), Lsn::new(7)),
                doc! { "t": -1, "l": -1 },
            ),
        ),
        (
            "the pieces of a timeline",
            "timeline_lsn",
            find(
                schema::PIECES,
                extents::published_upto(timeline, Lsn::new(9)),
                doc! { "t": 1, "l": 1 },
            ),
        ),
        ("pieces of none", "timeline_lsn", find(schema::PIECES, doc! { "t": Bson::Null }, doc! {})),
        ("a piece", "_id_", find(schema::PIECES, doc! { "_id": id(timeline) }, doc! {})),
        (
            "parts",
            "owner_part",
            find(
                schema::PARTS,
                parts::of_owner(timeline, crate::environment().object_id()),
                doc! { "t": 1, "o": 1, "n": 1 },
            ),
        ),
        (
            "a manifest",
            "timeline_lsn",
            find(
                schema::MANIFESTS,
                snapshots::up_to(timeline, Lsn::new(9)),
                doc! { "t": -1, "l": -1 },
            ),
        ),
        (
            "the next collection",
            "newest_version",
            find(
                schema::VERSIONS,
                old_versions::collections_after(timeline, Some(number - 1)),
                newest.clone(),
            ),
        ),
        (
            "versions of a collection",
            "newest_version",
            walk(old_versions::WalkPosition::Key(number, None)),
        ),
        (
            "versions behind a key",
            "newest_version",
            walk(old_versions::WalkPosition::Key(number, Some(text.clone()))),
        ),
        (
            "older versions of a key",
            "newest_version",
            walk(old_versions::WalkPosition::Below(number, text.clone(), Lsn::new(9))),
        ),
        (
            "headers to be removed",
            "timeline_lsn",
            aggregate_in(
                schema::COMMITS,
                removal::headers_upto(timeline, Lsn::new(2), Lsn::new(7)),
            ),
        ),
        (
            "parts to be removed",
            "owner_part",
            find(
                schema::PARTS,
                removal::parts_of(timeline, &[crate::environment().object_id()]),
                doc! {},
            ),
        ),
        (
            "entries of an index",
            "entry",
            entries(false, doc! { "k": { "$gte": "a", "$lt": "b" } }, &order(Direction::Ascending)),
        ),
        (
            "entries of past states, backwards",
            "entry",
            entries(true, doc! { "k": { "$lt": "b" } }, &order(Direction::Descending)),
        ),
        (
            "more entries of a key",
            "entry",
            entries(false, doc! { "k": "a", "i": { "$gt": &text } }, &order(Direction::Ascending)),
        ),
        (
            "entries of many keys",
            "entry",
            entries(false, indexes::with_one_of(&["a".into(), "b".into()]), &doc! { "t": 1 }),
        ),
        (
            "a fresh range of keys",
            "entry",
            find(
                schema::ENTRIES,
                indexes::between(place, false, "a", "b"),
                order(Direction::Ascending),
            ),
        ),
        ("entries of an index of the past", "entry", find(schema::ENTRIES, ended, doc! {})),
        ("entries of a build", "entry", find(schema::ENTRIES, place.all(), doc! {})),
        ("an entry", "_id_", find(schema::ENTRIES, named(&[id(timeline)]), doc! {})),
        ("builds", "_id_", find(schema::BUILDS, doc! { "_id": id(timeline) }, doc! {})),
        ("refs", "name", find(schema::REFS, refs::with_prefix("branch/"), doc! { "name": 1 })),
        ("a ref", "name", find(schema::REFS, doc! { "name": "branch/x" }, doc! {})),
        ("a timeline", "_id_", find(schema::TIMELINES, doc! { "_id": id(timeline) }, doc! {})),
    ];
    let beneath = beneath(&url).await;
    for (what, index, query) in queries {
        let explain = doc! { "explain": query, "verbosity": "queryPlanner" };
        let plan = beneath.database().run_command(explain).await.unwrap();
        let plan = Bson::Document(plan);
        let (mut stages, mut indexes) = (Vec::new(), Vec::new());
        all(&plan, "stage", &mut stages);
        all(&plan, "indexName", &mut indexes);
        assert!(!stages.contains(&"COLLSCAN"), "{what}: {plan}");
        // A server may have a stage of its own for one document by its `_id`.
        let by_id = index == "_id_" && stages.contains(&"IDHACK");
        assert!(by_id || indexes.contains(&index), "{what} does not use {index}: {plan}");
    }
    // Compare-and-sets name one document by its `_id`, or by an index with one row.
    let set = timeline::unsealed(timeline, &head);
    assert!(set.contains_key("_id"));
    assert!(large_commit::unassigned(TimelineId::from_bytes([1; 16])).contains_key("_id"));
}
