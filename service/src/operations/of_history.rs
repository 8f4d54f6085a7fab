//! Operations on states and on the history.

use argon_core::restore::Part;
use futures::TryStreamExt;

use super::operations;
use crate::changes::{CompareStates, ShowCommit, Shown};
use crate::document::{BlameDocument, DocumentVersion, FieldBlame, HistoryEntry, ListVersions};
use crate::log::{GraphCommit, GraphEntry, ListCommits, ListedCommit, LogEntry, ShowGraph};
use crate::reflog::{ListReflog, ReflogLine, ShownEntry};
use crate::restore::{
    BranchReset, PreviewPart, PreviewReset, ResetBranch, RestorePart, RestoredPart,
};
use crate::verify::{VerifiedHistory, VerifyHistory};
use crate::{changes, document, log, reflog, restore, verify};

operations! {
    |target, output|
    "log" Read Project(workspace), request: ListCommits => List<ListedCommit> = {
        log::list(workspace, request).await?.try_filter_map(async |entry| match entry {
            LogEntry::Commit(commit) => Ok(Some(*commit)),
            LogEntry::Floor(_) => Ok(None),
        })
    };
    "log.graph" Read Project(workspace), request: ShowGraph => List<GraphCommit> = {
        log::graph(workspace, request).await?.try_filter_map(async |entry| match entry {
            GraphEntry::Commit(commit) => Ok(Some(*commit)),
            GraphEntry::Floor(_) => Ok(None),
        })
    };
    "reflog" Read Project(workspace), request: ListReflog => List<ShownEntry> = {
        reflog::list(workspace, request).await?.try_filter_map(async |line| match line {
            ReflogLine::Entry(entry) => Ok(Some(entry)),
            ReflogLine::End(_) => Ok(None),
        })
    };
    "diff" Read Project(workspace), request: CompareStates => List<Shown> =
        changes::compare(workspace, &request).await?.items(request.listing);
    "show" Read Project(workspace), request: ShowCommit => List<Shown> =
        changes::commit(workspace, &request).await?.items(request.listing);
    "history" Read State(at), request: ListVersions => List<DocumentVersion> = {
        document::history(&at.state, request)?.try_filter_map(async |entry| match entry {
            HistoryEntry::Version(version) => Ok(Some(*version)),
            HistoryEntry::Floor(_) => Ok(None),
        })
    };
    "blame" Read State(at), request: BlameDocument => One<Vec<FieldBlame>> =
        document::blame(&at.state, &request).await?;
    "verify" Read Project(workspace), request: VerifyHistory => One<VerifiedHistory> =
        verify::verify(workspace, request, &|_| {}).await?;
    "reset.preview" Read Project(workspace), request: PreviewReset => List<Shown> =
        restore::preview(workspace, &request.revision).await?.comparison.items(request.listing);
    "reset" Write Project(workspace), request: ResetBranch => One<BranchReset> =
        restore::reset(workspace, &request).await?;
    "restore.preview" Read Project(workspace), request: PreviewPart => List<Shown> =
        restore::preview_part(workspace, &request.revision, Part {
            collection: request.collection.clone(),
            ids: request.ids.iter().map(|id| id.0.clone()).collect(),
        }).await?.items(request.listing);
    "restore" Write Project(workspace), request: RestorePart => One<RestoredPart> =
        restore::restore_part(workspace, request).await?;
}
