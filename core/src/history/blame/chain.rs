//! Blame along one chain: the commit that last changed each field.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use super::search::BlamedDocument;
use super::{At, Leaf, gather};
use crate::Result;
use crate::document::value::Value;
use crate::model::{Image, Lsn};
use crate::store::State;

/// A value whose commit is searched for.
struct UnexplainedLeaf<'l, 'a> {
    leaf: &'l Leaf<'a>,
    since: Option<At>,
}

/// Returns since when a document of the state has each of these values. Reads the document's
/// history from its end until all are explained.
pub(super) async fn explained(
    state: &State,
    place: &BlamedDocument<'_>,
    leaves: &[Leaf<'_>],
) -> Result<Vec<At>> {
    let mut open: Vec<UnexplainedLeaf<'_, '_>> =
        leaves.iter().map(|leaf| UnexplainedLeaf { leaf, since: None }).collect();
    let (materialize, view) = (state.materialize(), state.view());
    let version = materialize.get(view, place.collection, place.key).await?;
    let mut newer = version.map_or(state.lsn(), |version| version.lsn);
    let mut history = materialize.history(view, place.collection, place.key);
    let mut ended = true;
    while let Some((lsn, image)) = history.try_next().await? {
        if lsn < newer {
            explain(&mut open, &image, At::Commit(newer))?;
            newer = lsn;
        }
        if matches!(image, Image::Deleted) || open.iter().all(|open| open.since.is_some()) {
            ended = false;
            break;
        }
    }
    if ended {
        explain_rest(state, place, newer, &mut open).await?;
    }
    let since = |open: UnexplainedLeaf<'_, '_>| open.since.unwrap_or(At::AtOrBefore(state.lsn()));
    Ok(open.into_iter().map(since).collect())
}

/// Assigns fields that an older image lacks to the commit after it.
fn explain(leaves: &mut [UnexplainedLeaf<'_, '_>], older: &Image, since: At) -> Result<()> {
    let mut values = Vec::new();
    if let Image::Document(document) = older {
        gather(&mut Vec::new(), Value::of(document.as_raw()), &mut values)?;
    }
    let had: BTreeMap<&[String], Value<'_>> =
        values.iter().map(|leaf| (leaf.keys.as_slice(), leaf.value)).collect();
    for open in leaves.iter_mut().filter(|open| open.since.is_none()) {
        if had.get(open.leaf.keys.as_slice()) != Some(&open.leaf.value) {
            open.since = Some(since);
        }
    }
    Ok(())
}

/// Explains values that the oldest known image, of commit `oldest`, already has.
async fn explain_rest(
    state: &State,
    place: &BlamedDocument<'_>,
    oldest: Lsn,
    leaves: &mut [UnexplainedLeaf<'_, '_>],
) -> Result<()> {
    let mut rest = At::Commit(oldest);
    if let Some(floor) = floor_below(state, oldest).await? {
        rest = At::AtOrBefore(oldest);
        // The state at the floor is not retained, so it can't be read.
        if let Some(before) = oldest.back(1).filter(|before| *before > floor) {
            let view = state.view().at(before);
            let earlier = state.materialize().get(&view, place.collection, place.key).await?;
            let lsn = earlier.as_ref().map_or(before, |version| version.lsn);
            let image = earlier.map_or(Image::Deleted, |version| Image::Document(version.document));
            explain(leaves, &image, At::Commit(oldest))?;
            rest = At::AtOrBefore(lsn);
        }
    }
    for open in leaves.iter_mut().filter(|open| open.since.is_none()) {
        open.since = Some(rest);
    }
    Ok(())
}

/// Returns the last position at or below `lsn`, on any timeline of the state, up to which commits
/// were collected.
async fn floor_below(state: &State, lsn: Lsn) -> Result<Option<Lsn>> {
    let wal = &state.shared().backend.wal;
    for segment in state.view().segments().iter().filter(|segment| segment.above < lsn) {
        if let Some(timeline) = wal.state(segment.timeline).await?
            && timeline.floor > timeline.timeline.base_lsn()
        {
            return Ok(Some(timeline.floor));
        }
    }
    Ok(None)
}
