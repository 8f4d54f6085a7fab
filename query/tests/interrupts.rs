//! What computes for hours ends once it is interrupted.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

use std::sync::{Arc, mpsc};
use std::time::Duration;

use argon_query::expression::Context;
use argon_query::find::{Find, FindCommand};
use argon_query::pipeline::{Execution, Limits, MemoryCollections, Options, Pipeline, Row, Rows};
use argon_query::{Code, Interrupt};
use bson::{Bson, DateTime, Document, doc, rawdoc};
use futures::TryStreamExt;

/// The documents of the collection `boats`, each with the numbers of all.
const BOATS: i32 = 3000;

/// An expression that takes hours.
fn endless() -> Document {
    let range = doc! { "$range": [0, 2000] };
    (0..4).fold(doc! { "$add": ["$$value", 1] }, |inner, _| {
        doc! { "$reduce": { "input": range.clone(), "initialValue": 0, "in": inner } }
    })
}

fn execution(interrupt: Interrupt) -> Execution {
    let all: Vec<i32> = (0..BOATS).collect();
    let numbers = all.iter().copied().collect::<bson::raw::RawArrayBuf>();
    let boats = all.iter().map(|id| Row::from(rawdoc! { "_id": *id, "all": numbers.clone() }));
    let mut collections = MemoryCollections::default();
    collections.insert("boats", boats.collect());
    let context = Context::new(DateTime::from_millis(0), 1).with_interrupt(interrupt);
    Execution::new(Arc::new(collections), Arc::new(context), Limits::default())
}

/// The code of the error that ends rows, which are interrupted while they are read.
fn code(what: &str, rows: impl FnOnce(&Execution) -> Rows + Send + 'static) -> u32 {
    let (interrupt, (begun, begins), (ended, ends)) =
        (Interrupt::default(), mpsc::channel(), mpsc::channel());
    let own = interrupt.clone();
    std::thread::spawn(move || {
        let mut rows = rows(&execution(own));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            begun.send(()).unwrap();
            let error = loop {
                match rows.try_next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(error) => break Code::of(&error),
                }
            };
            let _ = ended.send(error);
        });
    });
    begins.recv().unwrap();
    // Most likely it computes by then; it ends in any case.
    std::thread::sleep(Duration::from_millis(20));
    interrupt.set(Code::location(11601), "operation was interrupted");
    let code = ends.recv_timeout(Duration::from_mins(1));
    code.unwrap_or_else(|_| panic!("{what} goes on"))
        .unwrap_or_else(|| panic!("{what} ended"))
        .number()
}

#[test]
fn every_stage_that_computes_ends_with_the_error_of_the_interrupt() {
    let everything = doc! { "from": "boats", "as": "x", "let": { "id": "$_id" }, "pipeline": [
        { "$match": { "$expr": { "$lt": ["$_id", "$$id"] } } },
        { "$lookup": { "from": "boats", "as": "y", "let": { "id": "$_id" }, "pipeline": [
            { "$match": { "$expr": { "$eq": ["$_id", "$$id"] } } },
        ] } },
        { "$count": "n" },
    ] };
    let graph = doc! {
        "from": "boats", "as": "x", "startWith": "$_id", "connectFromField": "all", "connectToField": "_id",
    };
    let window = doc! { "sortBy": { "_id": 1 }, "output": {
        "x": { "$addToSet": "$_id", "window": { "documents": [-2000, 2000] } },
        "y": { "$addToSet": "$all", "window": { "documents": [-2000, 2000] } },
    } };
    let unwind = |path: &str| doc! { "$unwind": path };
    for stages in [
        vec![doc! { "$set": { "x": endless() } }],
        vec![doc! { "$match": { "$expr": { "$eq": [endless(), 1] } } }],
        vec![doc! { "$group": { "_id": endless() } }],
        vec![doc! { "$group": { "_id": null, "x": { "$sum": endless() } } }],
        vec![
            doc! { "$set": { "a": "$all", "b": "$all" } },
            unwind("$all"),
            unwind("$a"),
            unwind("$b"),
            doc! { "$count": "n" },
        ],
        vec![doc! { "$lookup": everything }],
        vec![doc! { "$graphLookup": graph }],
        vec![doc! { "$setWindowFields": window }],
        vec![doc! { "$facet": { "x": [{ "$set": { "x": endless() } }] } }],
        vec![doc! { "$bucket": { "groupBy": endless(), "boundaries": [0, 1] } }],
        vec![doc! { "$bucketAuto": { "groupBy": endless(), "buckets": 2 } }],
        vec![doc! { "$redact": { "$cond": [{ "$eq": [endless(), 1] }, "$$KEEP", "$$PRUNE"] } }],
    ] {
        let shown = Bson::from(stages.clone()).to_string();
        let pipeline = Arc::new(Pipeline::compile(&stages, &Options::default()).unwrap());
        let run = move |execution: &Execution| pipeline.run("boats", execution);
        assert_eq!(code(&shown, run), 11601, "{shown}");
    }
}

#[test]
fn a_query_ends_with_the_error_of_the_interrupt() {
    for command in [
        FindCommand {
            filter: doc! { "$expr": { "$eq": [endless(), 1] } },
            ..FindCommand::default()
        },
        FindCommand { projection: doc! { "x": endless() }, ..FindCommand::default() },
    ] {
        let shown = format!("{command:?}");
        let find = Find::compile(&command).unwrap();
        let run = move |execution: &Execution| find.run("boats", execution);
        assert_eq!(code(&shown, run), 11601, "{shown}");
    }
}

#[test]
fn the_first_interrupt_counts() {
    let interrupt = Interrupt::default();
    interrupt.check().unwrap();
    interrupt.clone().set(Code::location(50), "operation exceeded time limit");
    interrupt.set(Code::location(11601), "operation was interrupted");
    assert_eq!(Code::of(&interrupt.check().unwrap_err()).unwrap().number(), 50);
}
