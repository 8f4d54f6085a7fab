//! Reads by the server: of the head, of the past, and of a branch of a branch.

use std::sync::Arc;
use std::time::Duration;

use argon_core::model::BranchName;
use argon_core::write::Precondition;
use argon_core::{Branch, State};
use argon_query::expression::Evaluation;
use argon_query::filter::FilterOptions;
use argon_query::find::{Find, FindCommand, Selection};
use argon_query::pipeline::{Options, Pipeline};
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Document, doc, rawdoc};

use super::client::Client;
use super::{DATABASE, Serving};
use crate::Result;
use crate::clock::Stopwatch;
use crate::places::{COUNTIES, place, ready};
use crate::report::{Bar, Quantity, Row};
use crate::samples::Samples;
use crate::subject::{Subject, collection};
use crate::workloads::query::{context, drained, execution, expect};
use crate::writing::{commit, import};

/// The documents that are read.
const DOCUMENTS: u64 = 50_000;

/// The documents that each commit on the way changes.
const CHANGED: u64 = 100;

/// What the past and branches may take in terms of the head.
const OF_HEAD: f64 = 1.3;

/// A read.
#[derive(Clone, Copy)]
enum Read {
    One,
    All,
    Count,
    Group,
}

impl Read {
    const ALL: [Self; 4] = [Self::One, Self::All, Self::Count, Self::Group];

    fn name(self) -> &'static str {
        match self {
            Self::One => "find_one",
            Self::All => "find of 50,000",
            Self::Count => "count of 50,000 by a filter",
            Self::Group => "$group of 50,000",
        }
    }

    /// How often it is measured in a round.
    fn times(self) -> u64 {
        match self {
            Self::One => 200,
            Self::All | Self::Count | Self::Group => 1,
        }
    }
}

/// Where something is read: by the library at the head, and by the server.
struct Samples4([Samples; 4]);

pub(super) async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let (store, branch) = subject.create("served-reads").await?;
    import(&branch, (0..DOCUMENTS).map(|number| place(number, DOCUMENTS, 0))).await?;
    let past = branch.head().await?.lsn();
    change(&branch, 1).await?;
    let one = forked(&branch, "one").await?;
    forked(&one, "two").await?;
    drop(one);
    let (store, branch) = subject.open_again("served-reads", (store, branch)).await?;
    let serving = Serving::start(&store).await?;
    let (mut client, head) = (serving.client().await?, branch.head().await?);
    let databases = [DATABASE.to_owned(), format!("{DATABASE}@{past}"), format!("{DATABASE}:two")];
    let mut rows = Vec::new();
    for read in Read::ALL {
        let mut samples = Samples4([const { Samples::new() }; 4]);
        for round in 0..=subject.size(15, 7) {
            if round == 1 {
                // What the first round has read is in caches.
                samples = Samples4([const { Samples::new() }; 4]);
            }
            for number in (0..read.times()).map(|number| number * 7919 % DOCUMENTS) {
                samples.0[0].push(library(read, &head, number).await?);
                for (samples, database) in samples.0[1..].iter_mut().zip(&databases) {
                    samples.push(served(read, &mut client, database, number).await?);
                }
            }
        }
        rows.extend(samples.rows(read, subject));
    }
    serving.stop().await?;
    Ok(rows)
}

impl Samples4 {
    fn rows(&self, read: Read, subject: &Subject) -> [Row; 3] {
        let [library, head, past, branch] = &self.0;
        let row = |what: &str, samples: &Samples, floor: &Samples| {
            let what = format!("{} by the server{what}", read.name());
            Row::new(what, subject.engine, Quantity::time(samples.median()))
                .floor(Some(Quantity::time(floor.median())))
        };
        let bar = Bar::AtMostFloorTimes(OF_HEAD);
        [
            row(", floor: the library", head, library),
            row(" in the past, floor: at head", past, head).bar(bar),
            row(" on a branch of a branch, floor: at head", branch, head).bar(bar),
        ]
    }
}

/// Changes some documents, so that there are versions to choose from; no answer has other sizes.
async fn change(branch: &Branch, revision: u64) -> Result<()> {
    let numbers = (0..CHANGED).map(|number| number * (DOCUMENTS / CHANGED) + revision);
    let changed = numbers.map(|number| ready(number, DOCUMENTS, revision));
    let changed = changed.collect::<Result<Vec<_>>>()?;
    commit(branch, &collection()?, changed, Precondition::Present).await
}

async fn forked(branch: &Branch, name: &str) -> Result<Branch> {
    let (name, head) = (BranchName::new(name)?, branch.head().await?);
    let fork = branch.project().create_branch(&name, &head, None).await?;
    change(&fork, head.lsn().get()).await?;
    Ok(fork)
}

fn id(number: u64) -> String {
    format!("{number:07}")
}

/// The places of two of 50 states.
fn filter() -> Document {
    doc! { "state": { "$in": ["S07", "S08"] } }
}

fn group() -> Document {
    doc! { "$group": { "_id": "$county", "people": { "$sum": "$pop" } } }
}

async fn library(read: Read, state: &State, number: u64) -> Result<Duration> {
    let name = collection()?;
    let find = |filter: Document| Find::compile(&FindCommand { filter, ..FindCommand::default() });
    match read {
        Read::One => {
            let command = FindCommand {
                filter: doc! { "_id": id(number) },
                limit: 1,
                ..FindCommand::default()
            };
            let stopwatch = Stopwatch::start();
            let found = Find::compile(&command)?.run(name.as_str(), &execution(state));
            drained(found, 1).await?;
            Ok(stopwatch.elapsed())
        }
        Read::All => drained(find(doc! {})?.run(name.as_str(), &execution(state)), DOCUMENTS).await,
        Read::Count => {
            let view = state.collection(&name)?;
            let stopwatch = Stopwatch::start();
            let evaluation = Evaluation::new(context());
            let selection = Selection::compile(&filter(), &FilterOptions::default(), evaluation)?;
            selection.count(&view).await?;
            Ok(stopwatch.elapsed())
        }
        Read::Group => {
            let pipeline = Arc::new(Pipeline::compile(&[group()], &Options::default())?);
            drained(pipeline.run(name.as_str(), &execution(state)), COUNTIES).await
        }
    }
}

async fn served(read: Read, client: &mut Client, database: &str, number: u64) -> Result<Duration> {
    let (command, expected) = command(read, database, number)?;
    let stopwatch = Stopwatch::start();
    match expected {
        Some(expected) => expect(client.drained(database, &command).await?, expected)?,
        None => client.run(&command, counted).await?,
    }
    Ok(stopwatch.elapsed())
}

/// A command, and the number of documents in its cursor if it has one.
fn command(read: Read, database: &str, number: u64) -> Result<(RawDocumentBuf, Option<u64>)> {
    let raw = |document: Document| RawDocumentBuf::try_from(&document);
    Ok(match read {
        Read::One => {
            let filter = rawdoc! { "_id": id(number) };
            let find =
                rawdoc! { "find": "documents", "filter": filter, "limit": 1, "$db": database };
            (find, Some(1))
        }
        Read::All => (rawdoc! { "find": "documents", "$db": database }, Some(DOCUMENTS)),
        Read::Count => {
            (rawdoc! { "count": "documents", "query": raw(filter())?, "$db": database }, None)
        }
        Read::Group => {
            let aggregate = rawdoc! {
                "aggregate": "documents",
                "pipeline": [raw(group())?],
                "cursor": {},
                "$db": database,
            };
            (aggregate, Some(COUNTIES))
        }
    })
}

/// Looks whether something was counted.
fn counted(reply: &RawDocument) -> Result<()> {
    match reply.get_i32("n") {
        Ok(count) if count > 0 => Ok(()),
        _ => Err(format!("nothing was counted: {reply:?}").into()),
    }
}
