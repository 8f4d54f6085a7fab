//! The rows of entries, and the rows that an append changes.
//!
//! `N timeline build key id` holds the first state in which the document has the key, up to now.
//! `X timeline build key id !to` holds the first state of a span that ended before the state `to`.
//! So a read of the head passes over no entry of the past.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use argon_core::codec::{Reader, put_varint};
use argon_core::key::Key;
use argon_core::model::{Digest, Lsn};
use argon_core::storage::{BuildId, Entry, EntryChange};
use argon_core::{Error, Result};

use crate::ordered::engine::{Batch, Engine, Write};
use crate::ordered::keys::{self, LSN_BYTES, Short};
use crate::ordered::value;

/// The longest `_id` in a row's key; of a longer one the key has the first bytes and a digest, and
/// the value has the whole.
const MOST_ID_BYTES: usize = 512;

/// The bytes of the digest of a long `_id`.
const DIGEST_BYTES: usize = 16;

/// Completes a prefix from [`keys::entries`] to the key of an entry's row.
pub(super) fn row_key(prefix: &[u8], entry: &Entry) -> Vec<u8> {
    let id = entry.id.as_bytes();
    let mut key = Vec::with_capacity(prefix.len() + entry.key.len() + id.len() + LSN_BYTES);
    key.extend_from_slice(prefix);
    key.extend_from_slice(&entry.key);
    if id.len() <= MOST_ID_BYTES {
        key.extend_from_slice(id);
    } else {
        key.extend_from_slice(&id[..MOST_ID_BYTES - DIGEST_BYTES]);
        key.extend_from_slice(&Digest::of(id).as_bytes()[..DIGEST_BYTES]);
    }
    key
}

fn put(batch: &mut Batch, row: Vec<u8>, entry: &Entry, from: Lsn) -> Result<()> {
    let mut payload = Vec::with_capacity(8);
    put_varint(&mut payload, from.get());
    put_varint(&mut payload, entry.key.len() as u64);
    if entry.id.as_bytes().len() > MOST_ID_BYTES {
        payload.extend_from_slice(entry.id.as_bytes());
    }
    value::put(batch, row, &[&payload])
}

/// Reads the row of an entry: `rest` is its key after the prefix, without the LSN of a past one.
pub(super) fn decode(row: &[u8], rest: &[u8], stored: &[u8]) -> Result<(Entry, Lsn)> {
    // Entries are small, so their values are never in parts.
    let payload = value::whole(row, stored).ok_or_else(|| value::mismatch(row))?;
    let mut reader = Reader::new("index entry", payload);
    let from = reader.lsn()?;
    let key_bytes = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    let (key, id) =
        rest.split_at_checked(key_bytes).ok_or_else(|| reader.corrupt("has a wrong length"))?;
    let id = if reader.rest().is_empty() { id } else { reader.rest() };
    let malformed =
        |source| Error::corrupt("a stored index entry is malformed").with_source(source);
    Ok((Entry { key: key.to_vec(), id: Key::from_bytes(id).map_err(malformed)? }, from))
}

/// Adds the rows that change with entries to a batch. Reads the rows of entries that end.
pub(super) fn put_changes(
    engine: &dyn Engine,
    batch: &mut Batch,
    timeline: Short,
    changes: &[EntryChange],
) -> Result<()> {
    // The first state of each entry that is held after the changes so far.
    let mut held: BTreeMap<(BuildId, &Entry), Option<Lsn>> = BTreeMap::new();
    for EntryChange { build, lsn, entry, held: added } in changes {
        let now = match held.entry((*build, entry)) {
            Slot::Occupied(known) => known.into_mut(),
            // An added entry was not there before, so its row need not be read.
            Slot::Vacant(new) if *added => new.insert(None),
            Slot::Vacant(new) => {
                let row = row_key(&keys::entries(timeline, *build), entry);
                let stored = value::get(engine, &row)?;
                new.insert(stored.map(|payload| from_of(&payload)).transpose()?)
            }
        };
        if *added {
            now.get_or_insert(*lsn);
            continue;
        }
        // Without a row, an earlier timeline of the chain has the entry.
        if let Some(from) = now.take() {
            let row = row_key(&keys::past_entries(timeline, *build), entry);
            put(batch, keys::ending_at(row, *lsn), entry, from)?;
        }
    }
    for ((build, entry), from) in held {
        let row = row_key(&keys::entries(timeline, build), entry);
        match from {
            Some(from) => put(batch, row, entry, from)?,
            None => batch.push(Write::Remove { key: row }),
        }
    }
    Ok(())
}

fn from_of(payload: &[u8]) -> Result<Lsn> {
    Reader::new("index entry", payload).lsn()
}

/// Adds the rows of entries of a build that is being made to a batch.
pub(super) fn put_filled(
    batch: &mut Batch,
    timeline: Short,
    build: BuildId,
    from: Lsn,
    added: &[Entry],
    removed: &[Entry],
) -> Result<()> {
    let prefix = keys::entries(timeline, build);
    for entry in removed {
        batch.push(Write::Remove { key: row_key(&prefix, entry) });
    }
    added.iter().try_for_each(|entry| put(batch, row_key(&prefix, entry), entry, from))
}
