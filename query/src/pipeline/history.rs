//! The rows of `$history` and `$diff` over a state.

use argon_core::diff::DocumentDiff;
use argon_core::key::Key;
use argon_core::model::{Change, Commit, CommitMeta, Document, Image, Touched};
use argon_core::{CollectionView, Error, ErrorKind, Result, State};
use bson::Bson;
use bson::raw::{RawBson, RawDocumentBuf};
use futures::{StreamExt, TryStreamExt};

use super::rows::{Row, Rows};
use crate::Code;
use crate::value::malformed;

/// The versions of a document, the newest first.
pub(super) fn of_one(state: &State, view: &CollectionView, id: &Bson) -> Result<Rows> {
    let key = Key::of(id).map_err(|source| {
        Code::BAD_VALUE.error(format!("invalid _id of $history: {source}")).with_source(source)
    })?;
    let state = state.clone();
    let versions = view.history(&key).then(move |version| {
        let (state, key) = (state.clone(), key.clone());
        async move {
            let (lsn, image) = version?;
            let meta = argon_core::log::commit_at(&state, lsn).await?.meta;
            Ok(vec![version_row(&meta, &key, image)?])
        }
    });
    Ok(versions.boxed())
}

/// The versions of all documents that the commits of a state changed, the newest first. Reads each
/// commit once.
pub(super) fn of_all(state: &State, view: &CollectionView) -> Rows {
    let (state, view) = (state.clone(), view.clone());
    let commits = argon_core::log::headers(&state);
    let rows = commits.and_then(move |commit| {
        let (state, view) = (state.clone(), view.clone());
        async move { of_commit(&state, &view, commit).await }
    });
    rows.try_filter(|rows| std::future::ready(!rows.is_empty())).boxed()
}

async fn of_commit(
    state: &State,
    view: &CollectionView,
    header: Commit<Touched>,
) -> Result<Vec<Row>> {
    let collection = view.info().id;
    let is_wanted = |touched: &Touched| touched.collection == collection;
    let keys: Vec<Key> =
        header.changes.into_iter().filter(is_wanted).map(|touched| touched.key).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let at = match state.at(header.meta.lsn).await {
        Ok(at) => at,
        // The log may reach further back than the states that can be read.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return from_histories(view, &header.meta, keys).await;
        }
        Err(error) => return Err(error),
    };
    let Some(commit) = argon_core::log::last_commit(&at).await? else { return Ok(Vec::new()) };
    let changes = commit.changes.into_iter().filter(|change| change.collection == collection);
    changes.map(|Change { key, image, .. }| version_row(&commit.meta, &key, image)).collect()
}

/// The versions of some documents in a commit, out of the history of each.
async fn from_histories(
    view: &CollectionView,
    meta: &CommitMeta,
    keys: Vec<Key>,
) -> Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        let mut images = view.history(&key);
        let image = loop {
            match images.try_next().await? {
                Some((lsn, image)) if lsn == meta.lsn => break image,
                Some(_) => {}
                None => {
                    return Err(Error::corrupt(format!(
                        "the commit {} has no image of the document {key}",
                        meta.lsn
                    )));
                }
            }
        };
        rows.push(version_row(meta, &key, image)?);
    }
    Ok(rows)
}

fn version_row(meta: &CommitMeta, key: &Key, image: Image) -> Result<Row> {
    let document = image.into_document();
    let mut row = RawDocumentBuf::new();
    append_id(&mut row, key, document.as_ref())?;
    row.append(bson::cstr!("lsn"), i64::try_from(meta.lsn.get()).unwrap_or(i64::MAX));
    row.append(bson::cstr!("time"), meta.time);
    row.append(bson::cstr!("actor"), meta.actor.as_str());
    row.append(bson::cstr!("message"), meta.message.as_str());
    row.append(bson::cstr!("operation"), if document.is_some() { "put" } else { "delete" });
    if let Some(document) = &document {
        row.append(bson::cstr!("document"), document.as_raw());
    }
    Ok(row.into())
}

/// A document that differs, as a row.
pub(super) fn diff_row(diff: &DocumentDiff) -> Result<Row> {
    let mut row = RawDocumentBuf::new();
    append_id(&mut row, &diff.key, diff.after.as_ref().or(diff.before.as_ref()))?;
    let operation = match (&diff.before, &diff.after) {
        (None, _) => "insert",
        (Some(_), None) => "delete",
        (Some(_), Some(_)) => "update",
    };
    row.append(bson::cstr!("operation"), operation);
    for (name, document) in
        [(bson::cstr!("before"), &diff.before), (bson::cstr!("after"), &diff.after)]
    {
        if let Some(document) = document {
            row.append(name, document.as_raw());
        }
    }
    Ok(row.into())
}

/// Appends the `_id` of the document itself, whose type a key does not keep.
fn append_id(row: &mut RawDocumentBuf, key: &Key, document: Option<&Document>) -> Result<()> {
    let stored = document.map(|document| document.as_raw().get("_id")).transpose();
    match stored.map_err(malformed)?.flatten() {
        Some(id) => row.append(bson::cstr!("_id"), id),
        None => {
            let id = RawBson::try_from(key.to_bson()).map_err(malformed)?;
            row.append(bson::cstr!("_id"), id);
        }
    }
    Ok(())
}
