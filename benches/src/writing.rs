//! The ways in which the workloads write documents.

use std::sync::Arc;

use argon_backends::raw::{Batch, Engine};
use argon_core::Branch;
use argon_core::key::Key;
use argon_core::model::{CollectionName, Document, Lsn};
use argon_core::write::{DOCUMENT_OVERHEAD_BYTES, Precondition, WriteRequest};
use bson::raw::RawDocumentBuf;
use futures::future::{join_all, try_join_all};

use crate::clock::Stopwatch;
use crate::samples::Samples;
use crate::subject::collection;
use crate::{Result, layout};

/// A document, ready to be written.
pub type Ready = (Key, Document);

/// How many documents an import commits at once.
pub const IMPORT_COMMIT: usize = 1000;

/// About how many bytes of memory an import submits at once.
const IMPORT_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// How many commits of one document are submitted at once to build a long history.
const TOGETHER: usize = 1024;

/// Commits documents one after another, each in a durable commit; gives the time of each.
pub async fn one_by_one(
    branch: &Branch,
    documents: Vec<Ready>,
    condition: Precondition,
) -> Result<Samples> {
    let collection = collection()?;
    let mut samples = Samples::default();
    for document in documents {
        let stopwatch = Stopwatch::start();
        commit(branch, &collection, [document], condition).await?;
        samples.push(stopwatch.elapsed());
    }
    Ok(samples)
}

/// Commits documents as so many writers at once, each one document after another.
pub async fn by_writers(
    branch: &Branch,
    documents: Vec<Ready>,
    writers: usize,
    condition: Precondition,
) -> Result<()> {
    let share = documents.len().div_ceil(writers);
    let mut documents = documents.into_iter();
    let tasks = (0..writers).map(|_| {
        let (branch, share) = (branch.clone(), documents.by_ref().take(share).collect());
        tokio::spawn(async move { one_by_one(&branch, share, condition).await.map(drop) })
    });
    join_all(tasks.collect::<Vec<_>>()).await.into_iter().try_for_each(|joined| joined?)
}

/// Commits documents each in a commit of its own, as fast as group commit allows; they get their
/// positions in order.
pub async fn as_history(branch: &Branch, documents: impl Iterator<Item = Ready>) -> Result<()> {
    let collection = collection()?;
    let mut documents = documents.peekable();
    while documents.peek().is_some() {
        let group = documents.by_ref().take(TOGETHER);
        let commits =
            group.map(|document| commit(branch, &collection, [document], Precondition::Any));
        try_join_all(commits.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Imports documents as the command does: commits of a thousand, each checked and refused if one
/// of its documents is there already. Those that are prepared while others are written are submitted
/// together.
pub async fn import(
    branch: &Branch,
    documents: impl IntoIterator<Item = RawDocumentBuf>,
) -> Result<()> {
    let collection = collection()?;
    let mut writing: Option<tokio::task::JoinHandle<Result<()>>> = None;
    let mut documents = documents.into_iter().peekable();
    let (mut ready, mut ready_bytes) = (Vec::new(), 0);
    while documents.peek().is_some() || !ready.is_empty() {
        let mut request = branch.request();
        for document in documents.by_ref().take(IMPORT_COMMIT) {
            let (key, document) = Document::checked(document)?;
            request.put(collection.clone(), key, document, Precondition::Absent)?;
        }
        if !request.is_empty() {
            ready_bytes += request.document_bytes() + request.len() * DOCUMENT_OVERHEAD_BYTES;
            ready.push(request);
        }
        let idle = writing.as_ref().is_none_or(tokio::task::JoinHandle::is_finished);
        if idle || ready_bytes >= IMPORT_GROUP_BYTES || documents.peek().is_none() {
            if let Some(before) = writing.take() {
                before.await??;
            }
            let (branch, group) = (branch.clone(), std::mem::take(&mut ready));
            ready_bytes = 0;
            writing = Some(tokio::spawn(async move {
                for outcome in branch.commit_in_turn(group).await {
                    outcome?.committed()?;
                }
                Ok(())
            }));
        }
    }
    match writing {
        Some(last) => last.await?,
        None => Ok(()),
    }
}

/// Commits documents in one commit.
pub async fn commit(
    branch: &Branch,
    collection: &CollectionName,
    documents: impl IntoIterator<Item = Ready>,
    condition: Precondition,
) -> Result<()> {
    let mut request: WriteRequest = branch.request();
    for (key, document) in documents {
        request.put(collection.clone(), key, document, condition)?;
    }
    branch.commit(request).await?.committed()?;
    Ok(())
}

/// The same bytes on the bare engine.
pub struct BareWriter {
    engine: Option<Arc<dyn Engine>>,
    head: Lsn,
}

impl BareWriter {
    /// A writer on a new engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine: Some(engine), head: Lsn::ZERO }
    }

    /// Writes documents in commits of `commit` documents, so many commits to a durable batch;
    /// gives the time of each batch. The rows are made before the time is taken.
    pub fn write(&mut self, documents: &[Ready], commit: usize, commits: usize) -> Result<Samples> {
        let mut samples = Samples::default();
        for group in documents.chunks(commit * commits) {
            let mut batch = Batch::new();
            for documents in group.chunks(commit) {
                self.head = self.head.next();
                layout::put_commit(&mut batch, self.head, documents)?;
            }
            let stopwatch = Stopwatch::start();
            self.engine()?.apply(batch)?;
            samples.push(stopwatch.elapsed());
        }
        Ok(samples)
    }

    /// The engine.
    pub fn engine(&self) -> Result<&Arc<dyn Engine>> {
        Ok(self.engine.as_ref().ok_or("the bare engine is closed")?)
    }

    /// Gives the engine away, to be closed.
    pub fn close(&mut self) -> Result<Arc<dyn Engine>> {
        Ok(self.engine.take().ok_or("the bare engine is closed")?)
    }

    /// Goes on with the engine, opened again.
    pub fn open(&mut self, engine: Arc<dyn Engine>) {
        self.engine = Some(engine);
    }
}
