//! Runs a request on the backend, and sends its answer.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use argon_core::document::key::Key;
use argon_core::model::codec::put_varint;
use argon_core::model::{CollectionId, Digest, Lsn, Point, TimelineId, View};
use argon_core::storage::{Backend, Direction, HeldState, Indexes, Materialize};
use argon_core::{Error, Result};
use bson::Document as BsonDocument;
use futures::FutureExt as _;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use tokio::net::UnixStream;

use super::codec::{Encode, decode};
use super::listener::{Shared, send};
use super::method::Method;
use super::{DONE, FAILED, ITEMS, MOST_FRAME_BYTES};

/// Items are sent when they are this many bytes, or when the next one is not there yet.
const BATCH_BYTES: usize = 256 * 1024;

/// Answers a request.
///
/// # Errors
/// Those of the connection; the errors of the request are sent.
pub(super) async fn answer(
    request: &[u8],
    shared: &Shared,
    stream: &mut UnixStream,
) -> io::Result<()> {
    match run(request, shared).await {
        Ok(Answer::Value(bytes)) if bytes.len() > MOST_FRAME_BYTES as usize => {
            let error = Error::unsupported(format!(
                "the answer has {} bytes, and one to another process at most {MOST_FRAME_BYTES}: ask for less, or \
                 end the process that has the store open",
                bytes.len()
            ));
            send(stream, &failed(&error)).await
        }
        Ok(Answer::Value(bytes)) => send(stream, &bytes).await,
        Ok(Answer::Items(items)) => send_items(items, stream).await,
        Err(error) => send(stream, &failed(&error)).await,
    }
}

/// The answer to a request.
enum Answer {
    /// A frame.
    Value(Vec<u8>),
    /// Encoded items, which are sent as they come.
    Items(BoxStream<'static, Result<Vec<u8>>>),
}

/// The answer that a request failed.
pub(super) fn failed(error: &Error) -> Vec<u8> {
    let mut out = vec![FAILED];
    error.put(&mut out);
    out
}

fn value(value: &impl Encode) -> Answer {
    let mut out = vec![DONE];
    value.put(&mut out);
    Answer::Value(out)
}

fn items<T: Encode + 'static>(items: impl Stream<Item = Result<T>> + Send + 'static) -> Answer {
    let encoded = items.map(|item| {
        item.map(|item| {
            let mut out = Vec::new();
            item.put(&mut out);
            out
        })
    });
    Answer::Items(encoded.boxed())
}

/// A stream that keeps a state from being collected.
fn during<T: Send + 'static>(
    held: HeldState,
    stream: BoxStream<'static, T>,
) -> impl Stream<Item = T> + Send + 'static {
    stream.inspect(move |_| {
        let _ = &held;
    })
}

async fn send_items(
    mut items: BoxStream<'static, Result<Vec<u8>>>,
    stream: &mut UnixStream,
) -> io::Result<()> {
    loop {
        let (mut count, mut batch) = (0_u64, Vec::new());
        let mut next = Some(items.next().await);
        while let Some(Some(Ok(item))) = &next {
            batch.extend_from_slice(item);
            count += 1;
            let is_full = batch.len() >= BATCH_BYTES;
            next = if is_full { None } else { items.next().now_or_never() };
        }
        if count > 0 {
            let mut out = vec![ITEMS];
            put_varint(&mut out, count);
            out.extend_from_slice(&batch);
            send(stream, &out).await?;
        }
        match next {
            Some(Some(Err(error))) => return send(stream, &failed(&error)).await,
            Some(None) => return send(stream, &[DONE]).await,
            _ => {}
        }
    }
}

async fn run(request: &[u8], shared: &Shared) -> Result<Answer> {
    let (number, arguments) = request
        .split_first()
        .ok_or_else(|| Error::corrupt("a request of another process is empty"))?;
    let method = Method::of(*number).ok_or_else(|| {
        Error::unsupported(format!("unknown request {number} of another process"))
    })?;
    let answer = call(method, arguments, shared).await;
    if method.writes() {
        shared.sharing.writes.notify_waiters();
    }
    answer
}

async fn call(method: Method, arguments: &[u8], shared: &Shared) -> Result<Answer> {
    let backend = &shared.backend;
    let Backend { wal, refs, snapshots, maintenance, .. } = backend;
    Ok(match method {
        Method::State => value(&wal.state(decode(arguments)?).await?),
        Method::Append => {
            let (timeline, expected, commits, entries) = decode(arguments)?;
            value(&wal.append(&timeline, &expected, commits, entries).await?)
        }
        Method::Seal => {
            let (timeline, expected) = decode(arguments)?;
            value(&wal.seal(&timeline, &expected).await?)
        }
        Method::Read => {
            let (timeline, from, to) = decode::<(TimelineId, Lsn, Lsn)>(arguments)?;
            items(wal.read(timeline, from..=to))
        }
        Method::ReadHeaders => {
            let (timeline, from, to, direction) =
                decode::<(TimelineId, Lsn, Lsn, Direction)>(arguments)?;
            items(wal.read_headers(timeline, from..=to, direction))
        }
        Method::Timelines => value(&wal.timelines().await?),
        Method::Prune => {
            let (timeline, keep) = decode(arguments)?;
            value(&wal.prune(timeline, &keep).await?)
        }
        Method::Prunable => {
            let (timeline, keep) = decode(arguments)?;
            value(&wal.prunable(timeline, &keep).await?)
        }
        Method::Usage => {
            let (timeline, keep) = decode(arguments)?;
            value(&wal.usage(timeline, &keep).await?)
        }
        Method::DropTimeline => value(&wal.drop_timeline(decode(arguments)?).await?),
        Method::Droppable => value(&wal.droppable(decode(arguments)?).await?),
        Method::GetRef => value(&refs.get(&decode::<String>(arguments)?).await?),
        Method::ListRefs => value(&refs.list(&decode::<String>(arguments)?).await?),
        Method::CompareAndSet => {
            let (name, expected, to): (String, Option<_>, _) = decode(arguments)?;
            value(&refs.compare_and_set(&name, expected.as_ref(), to).await?)
        }
        Method::ChangeTogether => value(&refs.change_together(decode(arguments)?).await?),
        Method::PutChunk => {
            let (digest, bytes) = decode(arguments)?;
            value(&snapshots.put_chunk(digest, bytes).await?)
        }
        Method::GetChunk => value(&snapshots.get_chunk(decode(arguments)?).await?),
        Method::MissingChunks => {
            value(&snapshots.missing_chunks(&decode::<HashSet<Digest>>(arguments)?).await?)
        }
        Method::PutManifest => value(&snapshots.put_manifest(&decode(arguments)?).await?),
        Method::LatestManifest => {
            let (timeline, at_most) = decode(arguments)?;
            value(&snapshots.latest_manifest(timeline, at_most).await?)
        }
        Method::ListSnapshots => value(&snapshots.list().await?),
        Method::RemoveManifest => {
            value(&snapshots.remove_manifest(decode::<Point>(arguments)?).await?)
        }
        Method::SweepChunks => {
            let (live, dry_run) = decode::<(HashSet<Digest>, bool)>(arguments)?;
            value(&snapshots.sweep_chunks(&live, dry_run).await?)
        }
        Method::Get => {
            let (view, collection, key) = decode::<(View, CollectionId, Key)>(arguments)?;
            value(&materialize(backend)?.get(&view, collection, &key).await?)
        }
        Method::GetMany => {
            let (view, collection, keys) = decode::<(View, _, _)>(arguments)?;
            // As items, because together they can exceed a frame.
            let found = materialize(backend)?.get_many(&view, collection, keys).await?;
            items(stream::iter(found.into_iter().map(Ok)))
        }
        Method::Stamps => {
            let (view, collection, keys) = decode::<(View, _, _)>(arguments)?;
            value(&materialize(backend)?.stamps(&view, collection, keys).await?)
        }
        Method::Scan => {
            let (view, collection, range) = decode::<(View, _, _)>(arguments)?;
            let held = shared.sharing.hold(&view);
            items(during(held, materialize(backend)?.scan(&view, collection, range)))
        }
        Method::History => {
            let (view, collection, key) = decode::<(View, CollectionId, Key)>(arguments)?;
            let held = shared.sharing.hold(&view);
            items(during(held, materialize(backend)?.history(&view, collection, &key)))
        }
        Method::Builds => value(&indexes(backend)?.builds(decode(arguments)?).await?),
        Method::ReserveBuilds => value(&indexes(backend)?.reserve(decode(arguments)?).await?),
        Method::BeginBuild => {
            let (timeline, head, collection, definition): (_, _, _, BsonDocument) =
                decode(arguments)?;
            value(&indexes(backend)?.begin(&timeline, &head, collection, &definition).await?)
        }
        Method::FillBuild => {
            let (timeline, build, from, added, removed) = decode(arguments)?;
            value(&indexes(backend)?.fill(timeline, build, from, added, removed).await?)
        }
        Method::CompleteBuild => {
            let (timeline, build, head, multikey) = decode(arguments)?;
            value(&indexes(backend)?.complete(&timeline, build, &head, multikey).await?)
        }
        Method::CloseBuild => {
            let (timeline, build) = decode(arguments)?;
            value(&indexes(backend)?.close(timeline, build).await?)
        }
        Method::ScanEntries => {
            let (view, build, range, direction) = decode::<(View, _, _, _)>(arguments)?;
            let held = shared.sharing.hold(&view);
            items(during(held, indexes(backend)?.scan(&view, build, range, direction)))
        }
        Method::Holders => {
            let (view, build, keys) = decode::<(View, _, _)>(arguments)?;
            value(&indexes(backend)?.holders(&view, build, keys).await?)
        }
        Method::MissingEntries => {
            let (view, build, entries) = decode::<(View, _, _)>(arguments)?;
            value(&indexes(backend)?.missing(&view, build, entries).await?)
        }
        Method::StoredEntries => {
            let (timeline, build) = decode(arguments)?;
            value(&indexes(backend)?.stored(timeline, build).await?)
        }
        Method::StoredBytes => value(&maintenance.stored_bytes().await?),
        Method::Compact => value(&maintenance.compact().await?),
        Method::OpenStates => {
            let mut open = shared.sharing.open_states();
            open.extend(shared.sharing.held());
            value(&open)
        }
        Method::Verify => items(maintenance.verify()),
    })
}

fn materialize(backend: &Backend) -> Result<&Arc<dyn Materialize>> {
    backend
        .materialize
        .as_ref()
        .ok_or_else(|| Error::unsupported("the store has no index of versions"))
}

fn indexes(backend: &Backend) -> Result<&Arc<dyn Indexes>> {
    backend
        .indexes
        .as_ref()
        .ok_or_else(|| Error::unsupported("the store keeps no entries of indexes"))
}
