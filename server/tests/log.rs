//! What operators see of commands: a line for each that was slow, a span each, and counts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use argon_core::metrics::Metric;
use argon_server::ServeOptions;
use bson::{Bson, Document, doc};
use common::{cursor, options, serve};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Fields by name.
type Fields = BTreeMap<&'static str, String>;

/// Notes events, and the spans of commands.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Fields>>>);

struct Visitor<'f>(&'f mut Fields);

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("argon_server")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::from([("span", span.metadata().name().to_owned())]);
        fields.insert("root", span.is_root().to_string());
        span.record(&mut Visitor(&mut fields));
        let mut log = self.0.lock().unwrap();
        log.push(fields);
        Id::from_u64(log.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let place = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Visitor(&mut self.0.lock().unwrap()[place]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Visitor(&mut fields));
        self.0.lock().unwrap().push(fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Log {
    /// What was noted of the last slow command.
    fn slow(&self) -> Fields {
        let log = self.0.lock().unwrap();
        let slow =
            |fields: &&Fields| fields.get("message").is_some_and(|text| text == "slow command");
        log.iter().rev().find(slow).cloned().unwrap_or_default()
    }

    fn spans(&self) -> Vec<Fields> {
        let log = self.0.lock().unwrap();
        log.iter().filter(|fields| fields.contains_key("span")).cloned().collect()
    }
}

/// All commands are slow.
fn slow() -> ServeOptions {
    ServeOptions { slow: Duration::ZERO, ..options() }
}

#[tokio::test]
async fn a_slow_command_is_logged_with_its_plan_and_without_its_values() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let server = serve(slow()).await;
    let mut client = server.client().await;
    let boats: Vec<Bson> =
        (0..200).map(|id| doc! { "_id": id, "a": id % 10, "s3cret": "s3cret" }.into()).collect();
    client.ok("shop", doc! { "insert": "boats", "documents": boats }).await;
    let index = doc! { "key": { "a": 1, "b": -1 }, "name": "a" };
    client.ok("shop", doc! { "createIndexes": "boats", "indexes": [index] }).await;
    let or = doc! { "$or": [{ "_id": 5 }, { "a": 1 }] };
    let aggregate =
        |stages: Vec<Document>| doc! { "aggregate": "boats", "pipeline": stages, "cursor": {} };
    let lookup = doc! { "from": "boats", "localField": "_id", "foreignField": "a", "as": "x" };
    let update = |filter: Document| {
        doc! { "update": "boats", "updates": [{ "q": filter, "u": { "$set": { "c": "s3cret" } } }] }
    };
    let modify = doc! { "findAndModify": "boats", "query": { "a": 1 }, "remove": true };
    for (command, plan, keys, documents, returned) in [
        (doc! { "find": "boats", "filter": { "c": "s3cret" } }, "COLLSCAN", 0, 200, Some(0)),
        (
            doc! { "find": "boats", "filter": { "a": 3 } },
            "IXSCAN { a: 1, b: -1 }",
            20,
            20,
            Some(20),
        ),
        (doc! { "find": "boats", "filter": { "_id": 5 } }, "IDHACK", 0, 1, Some(1)),
        (
            doc! { "find": "boats", "filter": { "_id": { "$lt": 3 } } },
            "IXSCAN { _id: 1 }",
            0,
            4,
            Some(3),
        ),
        (doc! { "find": "none" }, "EOF", 0, 0, Some(0)),
        (
            doc! { "find": "boats", "filter": or },
            "IDHACK, IXSCAN { a: 1, b: -1 }",
            20,
            21,
            Some(21),
        ),
        (doc! { "count": "boats", "query": { "c": 1 } }, "COLLSCAN", 0, 200, None),
        (
            aggregate(vec![doc! { "$match": { "a": 3 } }]),
            "IXSCAN { a: 1, b: -1 }",
            20,
            20,
            Some(20),
        ),
        (
            aggregate(vec![doc! { "$match": { "_id": 3 } }, doc! { "$lookup": lookup }]),
            "IDHACK, IXSCAN { a: 1, b: -1 }",
            20,
            21,
            Some(1),
        ),
        (update(doc! { "_id": 3 }), "IDHACK", 0, 1, None),
        (update(doc! { "a": 3 }), "IXSCAN { a: 1, b: -1 }", 20, 20, None),
        (modify, "IXSCAN { a: 1, b: -1 }", 20, 20, None),
    ] {
        client.ok("shop", command.clone()).await;
        let logged = log.slow();
        let number = |name: &str| logged.get(name).map(|number| number.parse::<i64>().unwrap());
        assert_eq!(logged["planSummary"], plan, "{command}");
        assert_eq!(number("nreturned"), returned, "{command}");
        // One batch may be read ahead.
        let (read_keys, read) = (number("keysExamined").unwrap(), number("docsExamined").unwrap());
        let is_first = command.contains_key("update") || command.contains_key("findAndModify");
        let at_least = if is_first { 1 } else { documents };
        assert!(
            read_keys <= keys && (at_least..=documents).contains(&read),
            "{command}: {logged:?}"
        );
        assert!(logged["ns"].starts_with("shop."), "{logged:?}");
        assert!(number("durationMillis").is_some() && number("reslen").is_some());
        assert!(logged["command"].contains(command.keys().next().unwrap()), "{logged:?}");
        assert!(!logged.values().any(|value| value.contains("\"s3cret\"")), "{logged:?}");
    }
    let find = doc! { "find": "boats", "filter": { "c": { "$ne": 1 } }, "batchSize": 1 };
    let id = cursor(&client.ok("shop", find).await);
    let more = doc! { "getMore": id, "collection": "boats", "batchSize": 5 };
    client.ok("shop", more).await;
    let logged = log.slow();
    assert_eq!([&logged["planSummary"], &logged["nreturned"]], ["COLLSCAN", "5"]);
    client.fails("shop", doc! { "find": "boats", "filter": { "$no": "s3cret" } }).await;
    assert_eq!(log.slow()["errCode"], "2");
    server.stop().await;
}

#[tokio::test]
async fn a_command_is_a_span_and_counts() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let server = serve(options()).await;
    let mut client = server.client().await;
    server.store.environment().metrics().take(0);
    client.ok("admin", doc! { "hello": 1 }).await;
    client.ok("shop", doc! { "insert": "boats", "documents": [{ "_id": "s3cret" }] }).await;
    client.ok("shop", doc! { "find": "boats" }).await;
    client.fails("shop", doc! { "find": "boats", "filter": { "$no": "s3cret" } }).await;
    let spans = log.spans();
    let of = |name: &str| -> Vec<String> {
        spans.iter().map(|span| span.get(name).cloned().unwrap_or_default()).collect()
    };
    assert_eq!(of("otel.name"), ["hello", "insert", "find", "find"]);
    assert_eq!(of("otel.status_code"), ["OK", "OK", "OK", "ERROR"]);
    assert_eq!(of("ns"), ["admin.$cmd", "shop.boats", "shop.boats", "shop.boats"]);
    assert!(of("root").iter().all(|root| root == "true"));
    assert!(!spans.iter().flatten().any(|(_, value)| value.contains("s3cret")), "{spans:?}");
    let counted = server.store.environment().metrics().take(0);
    let of = |metric| -> Vec<_> {
        counted.by_command(metric).map(|(name, series)| (name, series.count)).collect()
    };
    assert_eq!(of(Metric::Command), [("find", 2), ("insert", 1)], "what only waits does not count");
    assert_eq!(of(Metric::CommandError), [("find", 1)]);
    server.stop().await;
}
