//! What clients did: the numbers of `serverStatus`, and the times of `top`.

use std::array;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bson::raw::RawBsonRef;
use bson::{Bson, Document, doc};

use crate::wire::Request;

/// The kinds of operations that MongoDB counts. The last is any other command.
const KINDS: [&str; 6] = ["insert", "query", "update", "delete", "getmore", "command"];
/// The most collections with times of their own.
const MOST_COLLECTIONS: usize = 10_000;

/// Counts of operations, and the times of collections, since the server was started.
#[derive(Default)]
pub(crate) struct OperationCounts {
    counts: [AtomicU64; KINDS.len()],
    collections: Mutex<HashMap<String, Times>>,
}

/// The commands on a collection.
#[derive(Debug, Default, Clone, Copy)]
struct Times {
    reads: Sum,
    writes: Sum,
}

/// How many commands there were, and the time that they took.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    count: u64,
    took: Duration,
}

impl OperationCounts {
    /// Counts a command: each statement of a write is an operation.
    pub(crate) fn count(&self, request: &Request) {
        let (kind, number) = match command(request).map(|(command, _)| command) {
            Some("insert") => (0, statements(request, "documents")),
            Some("find") => (1, 1),
            Some("update") => (2, statements(request, "updates")),
            Some("delete") => (3, statements(request, "deletes")),
            Some("getMore") => (4, 1),
            _ => (5, 1),
        };
        self.counts[kind].fetch_add(number as u64, Ordering::Relaxed);
    }

    /// Adds the time of a command that has read or written documents of a collection.
    pub(crate) fn add(&self, request: &Request, took: Duration) {
        let (is_write, collection) = match command(request) {
            Some(("find" | "aggregate" | "count" | "distinct", name)) => (false, name.as_str()),
            Some(("getMore", _)) => (false, request.body.get_str("collection").ok()),
            Some(("insert" | "update" | "delete" | "findAndModify", name)) => (true, name.as_str()),
            _ => return,
        };
        let (Some(collection), Ok(database)) = (collection, request.body.get_str("$db")) else {
            return;
        };
        let namespace = format!("{database}.{collection}");
        let mut collections = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
        if collections.len() >= MOST_COLLECTIONS && !collections.contains_key(&namespace) {
            return;
        }
        let times = collections.entry(namespace).or_default();
        let sum = if is_write { &mut times.writes } else { &mut times.reads };
        sum.count += 1;
        sum.took += took;
    }

    /// The operations of each kind, as in `serverStatus`.
    pub(crate) fn counts(&self) -> Document {
        let counts: [u64; KINDS.len()] =
            array::from_fn(|kind| self.counts[kind].load(Ordering::Relaxed));
        KINDS.into_iter().zip(counts).map(|(kind, count)| (kind.to_owned(), long(count))).collect()
    }

    /// The times of each collection, as in `top`.
    pub(crate) fn times(&self) -> Document {
        let collections = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
        let mut times: Vec<_> = collections.iter().collect();
        times.sort_unstable_by_key(|(namespace, _)| *namespace);
        let shown = times.into_iter().map(|(namespace, Times { reads, writes })| {
            let total = Sum { count: reads.count + writes.count, took: reads.took + writes.took };
            let times = doc! {
                "total": total.shown(), "readLock": reads.shown(), "writeLock": writes.shown(),
            };
            (namespace.clone(), times.into())
        });
        shown.collect()
    }
}

impl Sum {
    fn shown(self) -> Document {
        let micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        doc! { "time": long(micros), "count": long(self.count) }
    }
}

fn long(number: u64) -> Bson {
    Bson::Int64(number.cast_signed())
}

/// The name of a command, and its value.
fn command(request: &Request) -> Option<(&str, RawBsonRef<'_>)> {
    let (name, value) = request.body.iter().next()?.ok()?;
    Some((name.as_str(), value))
}

/// The number of statements of a command.
fn statements(request: &Request, name: &str) -> usize {
    if let Some(sequence) = request.sequences.iter().find(|sequence| sequence.name == name) {
        return sequence.documents.len();
    }
    request.body.get_array(name).map_or(0, |statements| statements.into_iter().count())
}
