//! Finds the commit that gave each field of a document its value.
//!
//! | file | content |
//! | --- | --- |
//! | `chain.rs` | the commit that last changed each field, along one chain |
//! | `search.rs` | follows values from commits that brought them to those that wrote them |

mod chain;
mod search;

use bson::raw::RawBson;

use self::search::{BlamedDocument, Search};
use crate::Result;
use crate::document::Path;
use crate::document::key::Key;
use crate::document::value::Value;
use crate::history::diff::compare::members;
use crate::model::{CollectionName, CommitMeta, Lsn, Point};
use crate::store::State;

/// A field, and since when it has its value.
#[derive(Debug, Clone, PartialEq)]
pub struct BlamedField {
    /// The path of a scalar or empty value, or of an array whose elements all come from one commit.
    pub path: Path,
    /// The value.
    pub value: RawBson,
    /// The commit that wrote it.
    pub since: Since,
    /// The position of that commit; on a timeline outside of the state if the value was brought
    /// here.
    pub written_at: Option<Point>,
    /// The commits that brought the value here, the last one first; empty if it was written here.
    pub brought_by: Vec<Brought>,
}

/// A commit that brought a value that another commit wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Brought {
    /// The position.
    pub at: Point,
    /// The commit.
    pub meta: Box<CommitMeta>,
}

/// Since when a field has its value.
#[derive(Debug, Clone, PartialEq)]
pub enum Since {
    /// Since this commit.
    Commit(Box<CommitMeta>),
    /// Already at this position; earlier commits are gone from the log.
    AtOrBefore(Lsn),
}

/// A value of the document that is traced back.
#[derive(Clone)]
struct Leaf<'a> {
    /// Its index among the values of the document.
    nth: usize,
    keys: Vec<String>,
    value: Value<'a>,
    since: Option<ValueOrigin>,
}

/// The origin of a value, as far as known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ValueOrigin {
    /// The commit, or the first known position.
    at: At,
    /// The timeline and position; `None` for the empty state.
    point: Option<Point>,
    /// The commits that brought it, the last one first.
    brought_by: Vec<Point>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Commit(Lsn),
    AtOrBefore(Lsn),
}

/// Finds for each field of a document the last commit that gave it its value; `None` if the state
/// does not have the document.
///
/// Merges, cherry-picks, patches and undo bring values that other commits wrote: the result is the
/// commit that wrote the value, on any timeline, and [`BlamedField::brought_by`] lists the commits
/// that brought it here. If that commit was collected, or the state is masked, the commit that
/// brought it is returned instead.
///
/// Fields are followed by their paths, and array elements by their indexes; values are equal if
/// type and bytes are. A field that was removed and restored has the commit that restored it. Reads
/// the document's history from its end until all fields are explained.
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
/// `NotFound` if the collection does not exist; the errors of reading the history.
#[tracing::instrument(level = "info", skip_all)]
pub async fn blame(
    state: &State,
    collection: &CollectionName,
    key: &Key,
) -> Result<Option<Vec<BlamedField>>> {
    // The merged logs contain originals, which a masked state does not return.
    blamed(state, collection, key, !state.is_masked()).await
}

/// Like [`blame`], but only along the state's own chain: a value that was brought here has the
/// commit that brought it.
///
/// # Errors
/// The errors of [`blame`].
#[tracing::instrument(level = "info", skip_all)]
pub async fn blame_first_parent(
    state: &State,
    collection: &CollectionName,
    key: &Key,
) -> Result<Option<Vec<BlamedField>>> {
    blamed(state, collection, key, false).await
}

async fn blamed(
    state: &State,
    collection: &CollectionName,
    key: &Key,
    through: bool,
) -> Result<Option<Vec<BlamedField>>> {
    let info = state.collection(collection)?.info().clone();
    let Some(version) = state.materialize().get(state.view(), info.id, key).await? else {
        return Ok(None);
    };
    let value = Value::of(version.document.as_raw());
    let mut leaves = Vec::new();
    gather(&mut Vec::new(), value, &mut leaves)?;
    let mut search = Search::new(BlamedDocument { collection: info.id, key }, through);
    let leaves = search.run(state, leaves).await?;
    let mut joined = Vec::new();
    join(&mut Vec::new(), value, &mut leaves.into_iter(), &mut joined)?;
    joined.into_iter().map(|leaf| search.field(leaf)).collect::<Result<_>>().map(Some)
}

/// Collects the values of a document that contain no other values, in order.
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
    let nth = leaves.len();
    leaves.push(Leaf { nth, keys: keys.clone(), value, since: None });
    Ok(())
}

/// Joins the elements of an array if they have the same commit. `leaves` are those inside `value`,
/// in the order of [`gather`].
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
        && let Some(since) = joined.get(start).map(|leaf| leaf.since.clone())
        && joined[start..].iter().all(|leaf| leaf.since == since)
    {
        joined.truncate(start);
        joined.push(Leaf { nth: 0, keys: keys.clone(), value, since });
    }
    Ok(())
}
