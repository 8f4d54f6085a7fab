//! Which commit gave each field of a document its value.

use std::collections::BTreeMap;

use bson::raw::RawBson;
use futures::TryStreamExt;

use crate::diff::FieldPath;
use crate::diff::compare::members;
use crate::key::Key;
use crate::model::{CollectionId, CollectionName, CommitMeta, Image, Lsn};
use crate::value::Value;
use crate::{Result, State, log};

/// A field, and since when it has its value.
#[derive(Debug, Clone, PartialEq)]
pub struct BlamedField {
    /// Where it is: a value with nothing inside, or an array that one commit gave all its elements.
    pub path: FieldPath,
    /// Its value.
    pub value: RawBson,
    /// Who gave it.
    pub since: Since,
}

/// Since when a field has its value.
#[derive(Debug, Clone, PartialEq)]
pub enum Since {
    /// This commit gave it.
    Commit(Box<CommitMeta>),
    /// It was so at this position already, and the commits before are gone from the log.
    AtOrBefore(Lsn),
}

/// A value of the document that is followed back.
struct Leaf<'a> {
    keys: Vec<String>,
    value: Value<'a>,
    since: Option<Found>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    At(Lsn),
    AtOrBefore(Lsn),
}

/// Finds for each field of a document the last commit that gave it its value; `None` if the state has
/// no such document.
///
/// Fields are followed by their paths, and elements of arrays by their indexes; equal means equal type
/// and bytes. A field that was taken away and came back has the commit by which it came back. It reads
/// the document's history from its end, until all fields are explained.
///
/// ```
/// # use bson::rawdoc;
/// # use argon_core::blame::{Since, blame};
/// # use argon_core::key::Key;
/// # use argon_core::model::{CollectionName, Lsn};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let branch = argon_backends::memory_branch().await?;
/// let name = CollectionName::new("users")?;
/// let users = branch.collection(&name);
/// users.insert(rawdoc! { "_id": 1, "name": "Ada", "city": "London" }).await?;
/// users.replace(rawdoc! { "_id": 1, "name": "Ada", "city": "Paris" }).await?;
///
/// let fields = blame(&branch.head().await?, &name, &Key::of(&1.into())?).await?.unwrap();
/// let since = |at: usize| match &fields[at].since {
///     Since::Commit(meta) => meta.lsn.get(),
///     Since::AtOrBefore(lsn) => lsn.get(),
/// };
/// assert_eq!((since(0), since(1), since(2)), (1, 1, 2));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `NotFound` if there is no such collection; those of reading the history.
#[tracing::instrument(level = "info", skip_all)]
pub async fn blame(
    state: &State,
    collection: &CollectionName,
    key: &Key,
) -> Result<Option<Vec<BlamedField>>> {
    let info = state.collection(collection)?.info().clone();
    let Some(version) = state.materialize().get(state.view(), info.id, key).await? else {
        return Ok(None);
    };
    let mut leaves = Vec::new();
    gather(&mut Vec::new(), Value::of(version.document.as_raw()), &mut leaves)?;
    let mut newer = version.lsn;
    let mut history = state.materialize().history(state.view(), info.id, key);
    let mut ended = true;
    while let Some((lsn, image)) = history.try_next().await? {
        if lsn < newer {
            explain(&mut leaves, &image, Found::At(newer))?;
            newer = lsn;
        }
        if matches!(image, Image::Deleted) || leaves.iter().all(|leaf| leaf.since.is_some()) {
            ended = false;
            break;
        }
    }
    if ended {
        explain_rest(state, info.id, key, newer, &mut leaves).await?;
    }
    let mut joined = Vec::new();
    join(
        &mut Vec::new(),
        Value::of(version.document.as_raw()),
        &mut leaves.into_iter(),
        &mut joined,
    )?;
    blamed(state, joined).await.map(Some)
}

/// The values of a document that have nothing inside, in order.
fn gather<'a>(keys: &mut Vec<String>, value: Value<'a>, leaves: &mut Vec<Leaf<'a>>) -> Result<()> {
    if value.is_container()
        && let Some(members) = members(value)?
        && !members.is_empty()
    {
        for member in members {
            keys.push(member.name.to_owned());
            gather(keys, member.value, leaves)?;
            keys.pop();
        }
        return Ok(());
    }
    leaves.push(Leaf { keys: keys.clone(), value, since: None });
    Ok(())
}

/// Gives the fields that an older image does not have the commit after it.
fn explain(leaves: &mut [Leaf<'_>], older: &Image, since: Found) -> Result<()> {
    let mut values = Vec::new();
    if let Image::Document(document) = older {
        gather(&mut Vec::new(), Value::of(document.as_raw()), &mut values)?;
    }
    let had: BTreeMap<&[String], Value<'_>> =
        values.iter().map(|leaf| (leaf.keys.as_slice(), leaf.value)).collect();
    for leaf in leaves.iter_mut().filter(|leaf| leaf.since.is_none()) {
        if had.get(leaf.keys.as_slice()) != Some(&leaf.value) {
            leaf.since = Some(since);
        }
    }
    Ok(())
}

/// Explains what the oldest image that is known, of commit `oldest`, has already.
async fn explain_rest(
    state: &State,
    collection: CollectionId,
    key: &Key,
    oldest: Lsn,
    leaves: &mut [Leaf<'_>],
) -> Result<()> {
    let mut rest = Found::At(oldest);
    if let Some(floor) = floor_below(state, oldest).await? {
        rest = Found::AtOrBefore(oldest);
        // The state right at the floor is not kept, so nothing can be read there.
        if let Some(before) = oldest.back(1).filter(|before| *before > floor) {
            let view = state.view().at(before);
            let earlier = state.materialize().get(&view, collection, key).await?;
            let lsn = earlier.as_ref().map_or(before, |version| version.lsn);
            let image = earlier.map_or(Image::Deleted, |version| Image::Document(version.document));
            explain(leaves, &image, Found::At(oldest))?;
            rest = Found::AtOrBefore(lsn);
        }
    }
    for leaf in leaves.iter_mut().filter(|leaf| leaf.since.is_none()) {
        leaf.since = Some(rest);
    }
    Ok(())
}

/// The last position at or below `lsn`, or on its own timeline, up to which commits are gone.
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

/// Puts an array together again whose elements have one commit. `leaves` are those inside `value`, as
/// [`gather`] gave them.
fn join<'a>(
    keys: &mut Vec<String>,
    value: Value<'a>,
    leaves: &mut impl Iterator<Item = Leaf<'a>>,
    joined: &mut Vec<Leaf<'a>>,
) -> Result<()> {
    let members = if value.is_container() { members(value)? } else { None };
    let Some(members) = members.filter(|members| !members.is_empty()) else {
        joined.extend(leaves.next());
        return Ok(());
    };
    let start = joined.len();
    for member in members {
        keys.push(member.name.to_owned());
        join(keys, member.value, leaves, joined)?;
        keys.pop();
    }
    if value.is_array()
        && let Some(since) = joined.get(start).map(|leaf| leaf.since)
        && joined[start..].iter().all(|leaf| leaf.since == since)
    {
        joined.truncate(start);
        joined.push(Leaf { keys: keys.clone(), value, since });
    }
    Ok(())
}

/// The fields with their commits.
async fn blamed(state: &State, leaves: Vec<Leaf<'_>>) -> Result<Vec<BlamedField>> {
    let wal = &*state.shared().backend.wal;
    let mut commits: BTreeMap<Lsn, Box<CommitMeta>> = BTreeMap::new();
    let mut fields = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let since = match leaf.since {
            Some(Found::AtOrBefore(lsn)) => Since::AtOrBefore(lsn),
            Some(Found::At(lsn)) => {
                let meta = match commits.get(&lsn) {
                    Some(meta) => meta.clone(),
                    None => Box::new(log::header(wal, state.view(), lsn).await?.meta),
                };
                commits.insert(lsn, meta.clone());
                Since::Commit(meta)
            }
            None => Since::AtOrBefore(state.lsn()),
        };
        let path = FieldPath::new(leaf.keys);
        fields.push(BlamedField { path, value: leaf.value.to_raw_bson()?, since });
    }
    Ok(fields)
}
