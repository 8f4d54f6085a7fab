//! Durable writes by the server.

use std::time::Duration;

use argon_core::Branch;
use argon_core::write::Precondition;
use argon_query::commands::{UpdateCommand, insert};
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{doc, rawdoc};
use futures::future::join_all;

use super::client::Client;
use super::{DATABASE, Serving};
use crate::Result;
use crate::clock::{Stopwatch, time_of};
use crate::documents::{DOCUMENT_BYTES, checked, id, raw};
use crate::report::{Bar, Quantity, Row};
use crate::samples::{Samples, median};
use crate::subject::{EngineName, Subject, collection};
use crate::workloads::query::expect;
use crate::workloads::writers::count;
use crate::writing::by_writers;

const CONNECTIONS: usize = 64;

/// How long a sandbox may take until it answers.
const SANDBOX: Duration = Duration::from_millis(5);

pub(super) async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let (store, branch) = subject.create("served-writes").await?;
    let serving = Serving::start(&store).await?;
    let mut rows = vec![connections(subject, &branch, &serving).await?];
    rows.extend(one_connection(subject, &branch, &serving).await?);
    rows.push(sandbox(subject, &serving).await?);
    serving.stop().await?;
    Ok(rows)
}

/// Inserts by 64 connections, next to 64 writers of the library, in turns.
async fn connections(subject: &Subject, branch: &Branch, serving: &Serving) -> Result<Row> {
    let round_size = subject.size(12_800, 6_400);
    let share = round_size / CONNECTIONS as u64;
    let [mut served, mut library] = [const { Vec::new() }; 2];
    for round in 0..subject.size(7, 3) {
        let first = 2 * round * round_size;
        let rate = |stopwatch: Stopwatch| count(round_size) / stopwatch.elapsed().as_secs_f64();
        let documents =
            (first..first + round_size).map(|number| checked(number, 0, DOCUMENT_BYTES));
        let documents = documents.collect::<Result<Vec<_>>>()?;
        let stopwatch = Stopwatch::start();
        by_writers(branch, documents, CONNECTIONS, Precondition::Absent).await?;
        library.push(rate(stopwatch));

        let mut clients = Vec::new();
        for connection in 0..CONNECTIONS as u64 {
            let first = first + round_size + connection * share;
            let commands = (first..first + share).map(insertion).collect::<Vec<_>>();
            clients.push((serving.client().await?, commands));
        }
        let stopwatch = Stopwatch::start();
        let tasks =
            clients.into_iter().map(|(client, commands)| tokio::spawn(all(client, commands)));
        let done = join_all(tasks.collect::<Vec<_>>()).await;
        done.into_iter().try_for_each(|joined| joined?)?;
        served.push(rate(stopwatch));
    }
    let rate = |rates| Quantity::per_second(median(rates));
    let what = "64 connections, inserts, floor: 64 writers of the library";
    Ok(Row::new(what, subject.engine, rate(served))
        .floor(Some(rate(library)))
        .bar_on(EngineName::Fjall, Bar::AtLeastFloorTimes(0.5)))
}

async fn all(mut client: Client, commands: Vec<RawDocumentBuf>) -> Result<()> {
    for command in &commands {
        client.done(command).await?;
    }
    Ok(())
}

fn insertion(number: u64) -> RawDocumentBuf {
    let document = raw(number, 0, DOCUMENT_BYTES);
    rawdoc! { "insert": "documents", "documents": [document], "$db": DATABASE }
}

/// Inserts and updates one after the other, next to those of the library, in turns.
async fn one_connection(subject: &Subject, branch: &Branch, serving: &Serving) -> Result<Vec<Row>> {
    let (mut client, name) = (serving.client().await?, collection()?);
    let [mut inserted, mut own_inserted, mut updated, mut own_updated] =
        [const { Samples::new() }; 4];
    let first = 1_000_000;
    for number in (first..first + subject.size(4_000, 1_000)).step_by(2) {
        inserted.push(time_of(client.done(&insertion(number))).await?);
        let own = raw(number + 1, 0, DOCUMENT_BYTES);
        let own = async { Ok(insert(branch, &name, [own], branch.request()).await?) };
        own_inserted.push(time_of(own).await?);

        let change = rawdoc! { "q": { "_id": id(number) }, "u": { "$inc": { "revision": 1 } } };
        let update = rawdoc! { "update": "documents", "updates": [change], "$db": DATABASE };
        updated.push(time_of(client.done(&update)).await?);
        let update = UpdateCommand {
            filter: doc! { "_id": id(number + 1) },
            ..UpdateCommand::new(doc! { "$inc": { "revision": 1 } }.into())
        };
        let stopwatch = Stopwatch::start();
        let modified = update.run(branch, &name, None, &|| branch.request()).await?.modified;
        own_updated.push(stopwatch.elapsed());
        expect(modified, 1)?;
    }
    let row = |what: &str, samples: &Samples, floor: &Samples| {
        Row::new(what, subject.engine, Quantity::time(samples.median()))
            .floor(Some(Quantity::time(floor.median())))
    };
    Ok(vec![
        row("insert_one by the server, p50, floor: the library", &inserted, &own_inserted),
        row("update_one by the server, p50, floor: the library", &updated, &own_updated),
    ])
}

/// A sandbox that is made, and its first answer.
async fn sandbox(subject: &Subject, serving: &Serving) -> Result<Row> {
    let mut client = serving.client().await?;
    let create = rawdoc! { "argonSandbox": 1, "action": "create", "ttl": "1h", "$db": DATABASE };
    let mut samples = Samples::new();
    for _ in 0..subject.size(400, 100) {
        let stopwatch = Stopwatch::start();
        let branch = client.run(&create, |reply| Ok(branch_of(reply)?.to_owned())).await?;
        let database = format!("{DATABASE}:{}", branch.replace('/', "%2F"));
        let filter = rawdoc! { "_id": id(0) };
        let find = rawdoc! { "find": "documents", "filter": filter, "$db": database.as_str() };
        let found = client.drained(&database, &find).await?;
        samples.push(stopwatch.elapsed());
        expect(found, 1)?;
    }
    let bar = Bar::AtMost(Quantity::time(SANDBOX));
    let time = Quantity::time(samples.median());
    Ok(Row::new("sandbox made by the server, with its first answer, p50", subject.engine, time)
        .bar(bar))
}

/// The branch in the reply to `argonSandbox`.
fn branch_of(reply: &RawDocument) -> Result<&str> {
    Ok(reply.get_document("result")?.get_str("branch")?)
}
