//! The entries of indexes: their documents, and those that an append changes.
//!
//! An entry that a timeline's last state has is a document with the build's number in `b`; one of past
//! states only has its negative there, and the state before which it ended in `x`. So a read of the
//! head passes over no entry of the past. The `_id` is a digest of what identifies the entry, so that it
//! is found without a look into the index.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;

use argon_core::Result;
use argon_core::key::Key;
use argon_core::model::{Digest, Lsn, TimelineId};
use argon_core::storage::{BuildId, Entry, EntryChange, IndexChanges};
use bson::{Binary, Document, RawDocument, RawDocumentBuf, cstr, doc, rawdoc};
use mongodb::options::ReadConcern;

use super::checksum::{self, Sum};
use super::connection::{Connection, READ_TIME};
use super::failure::corrupt;
use super::key;
use super::record::{
    binary, bytes_field, id, id_field, int_field, lsn, lsn_field, missing, optional, text_field,
};
use super::schema;

pub(super) const ENTRY: &str = "index entry";

/// The bytes of an `_id`.
const NAME_BYTES: usize = 16;

/// The entries that are looked up, or removed, by one request.
pub(super) const NAMES: usize = 1_000;

/// The most changes of entries in one transaction, and their bytes.
const MOST_CHANGES: usize = 50_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// An entry of a build on a timeline, and the states that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredEntry {
    pub(super) entry: Entry,
    pub(super) from: Lsn,
    /// The first state that does not have it any more; `None` if the last one has it.
    pub(super) to: Option<Lsn>,
}

/// A build on a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) timeline: TimelineId,
    pub(super) build: BuildId,
}

impl Place {
    /// The number in `b`.
    pub(super) fn number(self, is_past: bool) -> i64 {
        let number = i64::from(self.build.0);
        if is_past { -number } else { number }
    }

    /// Matches all entries.
    pub(super) fn all(self) -> Document {
        let (held, past) = (self.number(false), self.number(true));
        doc! { "t": id(self.timeline), "b": { "$in": [held, past] } }
    }

    /// The `_id` of an entry.
    pub(super) fn name(self, entry: &Entry, to: Option<Lsn>) -> Binary {
        let mut bytes = Vec::with_capacity(48 + entry.key.len() + entry.id.as_bytes().len());
        bytes.extend_from_slice(self.timeline.as_bytes());
        bytes.extend_from_slice(&self.number(to.is_some()).to_le_bytes());
        bytes.extend_from_slice(&to.map_or(0, lsn).to_le_bytes());
        bytes.extend_from_slice(&(entry.key.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&entry.key);
        bytes.extend_from_slice(entry.id.as_bytes());
        binary(&Digest::of(&bytes).as_bytes()[..NAME_BYTES])
    }

    /// The document of an entry.
    pub(super) fn encode(self, entry: &Entry, from: Lsn, to: Option<Lsn>) -> RawDocumentBuf {
        let number = self.number(to.is_some());
        let (k, i) = (key::text(&entry.key), key::encode(&entry.id));
        let sum = sum(self.timeline, number, (&k, &i), from, to);
        let mut row = rawdoc! {
            "_id": self.name(entry, to),
            "t": id(self.timeline),
            "b": number,
            "k": k,
            "i": i,
            "f": lsn(from),
        };
        if let Some(to) = to {
            row.append(cstr!("x"), lsn(to));
        }
        row.append(cstr!("crc"), sum.value());
        row
    }
}

/// Decodes the document of an entry.
pub(super) fn decode(row: &RawDocument) -> Result<StoredEntry> {
    let (timeline, number) = (id_field(row, ENTRY, "t")?, int_field(row, ENTRY, "b")?);
    let (k, i) = (text_field(row, ENTRY, "k")?, text_field(row, ENTRY, "i")?);
    let from = lsn_field(row, ENTRY, "f")?;
    let to = optional(row, ENTRY, "x")?.map(|_| lsn_field(row, ENTRY, "x")).transpose()?;
    let crc = checksum::stored(row, ENTRY)?.ok_or_else(|| missing(ENTRY, checksum::FIELD))?;
    let name = || format!("an index entry of timeline {timeline}");
    checksum::check(Some(crc), sum(timeline, number, (k, i), from, to), name)?;
    let malformed = |source| corrupt(ENTRY, "has a malformed key", source);
    let id = Key::from_bytes(&key::bytes(i, ENTRY)?).map_err(malformed)?;
    Ok(StoredEntry { entry: Entry { key: key::bytes(k, ENTRY)?, id }, from, to })
}

fn sum(timeline: TimelineId, number: i64, (k, i): (&str, &str), from: Lsn, to: Option<Lsn>) -> Sum {
    let sum = Sum::of(schema::ENTRIES).id(timeline).number(number).text(k).text(i);
    sum.number(lsn(from)).number(to.map_or(0, lsn))
}

/// The writes of the entries that an append changes.
#[derive(Debug, Default)]
pub(super) struct EntryWrites {
    /// The `_id`s of documents that are removed first.
    pub(super) removed: Vec<Binary>,
    /// The documents that are inserted then.
    pub(super) rows: Vec<RawDocumentBuf>,
    /// The builds with more changes than a transaction takes.
    pub(super) too_many: Vec<BuildId>,
}

impl EntryWrites {
    /// Reads the first states of the entries that end. The transaction of the append requires the same
    /// head, so they can't change before it.
    pub(super) async fn of(
        server: &Arc<Connection>,
        timeline: TimelineId,
        changes: &IndexChanges,
    ) -> Result<Self> {
        let too_many = excess(&changes.entries);
        let place = |build| Place { timeline, build };
        let taken: Vec<&EntryChange> =
            changes.entries.iter().filter(|change| !too_many.contains(&change.build)).collect();
        // An entry that a commit adds was not there before it.
        let mut first: BTreeMap<(BuildId, &Entry), bool> = BTreeMap::new();
        for change in &taken {
            first.entry((change.build, &change.entry)).or_insert(change.held);
        }
        let ended = first.into_iter().filter(|(_, held)| !held);
        let names = ended.map(|((build, entry), _)| place(build).name(entry, None)).collect();
        let stored = by_name(server, names).await?;
        Ok(Self { too_many, ..writes(&taken, place, &stored) })
    }
}

/// The first states of the entries with these `_id`s, as far as they exist.
pub(super) async fn by_name(
    server: &Arc<Connection>,
    names: Vec<Binary>,
) -> Result<HashMap<Vec<u8>, Lsn>> {
    let entries = server.collection(schema::ENTRIES);
    let mut found = HashMap::with_capacity(names.len());
    for names in names.chunks(NAMES) {
        let query = entries
            .find(doc! { "_id": { "$in": names.to_vec() } })
            .batch_size(u32::try_from(names.len() + 1).unwrap_or(u32::MAX))
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let mut rows = server.rows("look up entries of indexes", query).await?;
        while let Some(row) = rows.next().await? {
            let name = bytes_field(row, ENTRY, "_id")?.to_vec();
            found.insert(name, decode(row)?.from);
        }
    }
    Ok(found)
}

fn writes(
    changes: &[&EntryChange],
    place: impl Fn(BuildId) -> Place,
    stored: &HashMap<Vec<u8>, Lsn>,
) -> EntryWrites {
    let mut writes = EntryWrites::default();
    // The first state of each entry that is held after the changes so far.
    let mut held: BTreeMap<(BuildId, &Entry), Option<Lsn>> = BTreeMap::new();
    for EntryChange { build, lsn, entry, held: added } in changes.iter().copied() {
        let now = match held.entry((*build, entry)) {
            Slot::Occupied(known) => known.into_mut(),
            Slot::Vacant(new) if *added => new.insert(None),
            Slot::Vacant(new) => {
                let name = place(*build).name(entry, None);
                let from = stored.get(&name.bytes).copied();
                if from.is_some() {
                    writes.removed.push(name);
                }
                new.insert(from)
            }
        };
        if *added {
            now.get_or_insert(*lsn);
            continue;
        }
        // Without a document, an earlier timeline of the chain has the entry.
        if let Some(from) = now.take() {
            writes.rows.push(place(*build).encode(entry, from, Some(*lsn)));
        }
    }
    for ((build, entry), from) in held {
        writes.rows.extend(from.map(|from| place(build).encode(entry, from, None)));
    }
    writes
}

/// The builds that must be left out so that the changes fit into a transaction; those with the fewest
/// changes stay.
fn excess(changes: &[EntryChange]) -> Vec<BuildId> {
    let mut sizes: BTreeMap<BuildId, (usize, usize)> = BTreeMap::new();
    for EntryChange { build, entry, .. } in changes {
        let (count, bytes) = sizes.entry(*build).or_default();
        *count += 1;
        *bytes += entry.key.len() + entry.id.as_bytes().len();
    }
    let mut sizes: Vec<_> = sizes.into_iter().map(|(build, size)| (size, build)).collect();
    sizes.sort_unstable();
    let (mut count, mut bytes) = (0, 0);
    let fits = |((more, larger), _): &&((usize, usize), BuildId)| {
        count += more;
        bytes += larger;
        count <= MOST_CHANGES && bytes <= MOST_BYTES
    };
    let fitting = sizes.iter().take_while(fits).count();
    sizes[fitting..].iter().map(|(_, build)| *build).collect()
}

#[cfg(test)]
mod tests {
    use bson::Bson;

    use super::*;

    const PLACE: Place = Place { timeline: TimelineId::from_bytes([7; 16]), build: BuildId(3) };

    fn entry(key: &[u8], id: i32) -> Entry {
        Entry { key: key.to_vec(), id: Key::of(&Bson::Int32(id)).unwrap() }
    }

    fn change(lsn: u64, entry: &Entry, held: bool) -> EntryChange {
        EntryChange { build: BuildId(3), lsn: Lsn::new(lsn), entry: entry.clone(), held }
    }

    #[test]
    fn an_entry_comes_back_and_a_damaged_one_is_refused() {
        let entry = entry(&[0, 1, 127, 128, 255], 9);
        for to in [None, Some(Lsn::new(12))] {
            let row = PLACE.encode(&entry, Lsn::new(8), to);
            let stored = StoredEntry { entry: entry.clone(), from: Lsn::new(8), to };
            assert_eq!(decode(&row).unwrap(), stored);
            let document: Document = Document::try_from(&*row).unwrap();
            for (name, value) in [
                ("t", Bson::Binary(id(TimelineId::from_bytes([8; 16])))),
                ("b", Bson::Int64(4)),
                ("k", "x".into()),
                ("i", "x".into()),
                ("f", Bson::Int64(7)),
                ("x", Bson::Int64(13)),
                ("crc", Bson::Null),
            ] {
                let mut changed = document.clone();
                changed.insert(name, value);
                assert!(decode(&RawDocumentBuf::try_from(&changed).unwrap()).is_err(), "{name}");
            }
        }
        let row = PLACE.encode(&entry, Lsn::new(8), None);
        let hex = Digest::of(row.as_bytes()).to_string();
        assert_eq!(
            hex, "c36bc4ffc10eb9791a733e1f89790878f612ef76b25f6d63984eaccbd642091c",
            "golden"
        );
    }

    #[test]
    fn names_tell_entries_apart() {
        let (a, b) = (entry(b"a", 1), entry(b"a", 2));
        let other = Place { build: BuildId(4), ..PLACE };
        let names = [
            PLACE.name(&a, None),
            PLACE.name(&b, None),
            PLACE.name(&a, Some(Lsn::new(1))),
            PLACE.name(&a, Some(Lsn::new(2))),
            other.name(&a, None),
        ];
        let distinct: std::collections::BTreeSet<Vec<u8>> =
            names.into_iter().map(|name| name.bytes).collect();
        assert_eq!(distinct.len(), 5);
    }

    #[test]
    fn an_entry_that_ends_is_kept_for_the_states_that_had_it() {
        let (old, new, brief) = (entry(b"old", 1), entry(b"new", 1), entry(b"brief", 1));
        let base = entry(b"base", 1);
        let changes = [
            change(5, &old, false),
            change(5, &brief, true),
            change(6, &brief, false),
            change(6, &new, true),
            change(7, &base, false),
            change(8, &base, true),
        ];
        let changes: Vec<&EntryChange> = changes.iter().collect();
        let stored = HashMap::from([(PLACE.name(&old, None).bytes, Lsn::new(2))]);
        let found = writes(&changes, |build| Place { build, ..PLACE }, &stored);
        assert_eq!(found.removed, [PLACE.name(&old, None)]);
        let rows: Vec<StoredEntry> = found.rows.iter().map(|row| decode(row).unwrap()).collect();
        let stored = |entry: &Entry, from, to: Option<u64>| StoredEntry {
            entry: entry.clone(),
            from: Lsn::new(from),
            to: to.map(Lsn::new),
        };
        let expected = [
            stored(&old, 2, Some(5)),
            stored(&brief, 5, Some(6)),
            stored(&base, 8, None),
            stored(&new, 6, None),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn builds_with_too_many_changes_are_left_out() {
        let of = |build, count: usize| {
            let change = EntryChange { build: BuildId(build), ..change(1, &entry(b"a", 1), true) };
            vec![change; count]
        };
        assert_eq!(excess(&of(1, MOST_CHANGES)), []);
        assert_eq!(excess(&of(1, MOST_CHANGES + 1)), [BuildId(1)]);
        let both = [of(1, MOST_CHANGES), of(2, 1)].concat();
        assert_eq!(excess(&both), [BuildId(1)], "the one with the fewest stays");
    }
}
