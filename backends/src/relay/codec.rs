//! The bytes of arguments and results: numbers as varints, lengths before what has one, fields in order.
//!
//! Both ends have one version of the protocol ([`GREETING`](super::GREETING)), so there is no versioning
//! below that.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use argon_core::document::key::Key;
use argon_core::model::codec::{Reader, put_bytes, put_varint};
use argon_core::model::{
    Change, CollectionId, Commit, CommitMeta, Digest, Document, Head, Image, Lsn, Point, Segment,
    Timeline, TimelineId, Touched, View,
};
use argon_core::storage::{
    Append, BuildId, BuildStatus, CasResult, Direction, Entry, EntryChange, EntryRange, Finding,
    IndexBuild, IndexChanges, KeyRange, Manifest, Reclaimed, RefChange, RefVersion, RetainedStates,
    StoreInfo, StoredEntries, TimelineState, Together, Usage, Version, VersionStamp, VersionedRef,
};
use argon_core::{Error, ErrorKind, Hint, Result};
use bson::{DateTime, Document as BsonDocument, RawBsonRef, RawDocument};

/// The most levels of a definition. It is in the catalog, whose documents have as many at most.
const MOST_LEVELS: usize = 100;

/// A value that can be sent.
pub(super) trait Encode {
    fn put(&self, out: &mut Vec<u8>);
}

/// A value that can be received.
pub(super) trait Decode: Sized {
    /// # Errors
    /// `Corrupt` if the bytes are malformed.
    fn take(reader: &mut Reader<'_>) -> Result<Self>;
}

/// Reads a value that takes all the bytes.
pub(super) fn decode<T: Decode>(bytes: &[u8]) -> Result<T> {
    let mut reader = Reader::new("message between processes", bytes);
    let value = T::take(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// The fields of a struct, in order.
macro_rules! fields {
    ($($type:ty { $($field:ident),* })*) => {$(
        impl Encode for $type {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }
        }
        impl Decode for $type {
            fn take(reader: &mut Reader<'_>) -> Result<Self> {
                Ok(Self { $($field: Decode::take(reader)?),* })
            }
        }
    )*};
}

/// The variants of an enum, each with its number and its fields.
macro_rules! variants {
    ($($type:ident { $($number:literal = $variant:ident $(($($value:ident),*))? $({$($field:ident),*})?),* })*) => {$(
        impl Encode for $type {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($($value),*))? $({$($field),*})? => {
                        out.push($number);
                        $($($value.put(out);)*)?
                        $($($field.put(out);)*)?
                    })*
                }
            }
        }
        impl Decode for $type {
            fn take(reader: &mut Reader<'_>) -> Result<Self> {
                match reader.byte()? {
                    $($number => {
                        $($(let $value = Decode::take(reader)?;)*)?
                        $($(let $field = Decode::take(reader)?;)*)?
                        Ok(Self::$variant $(($($value),*))? $({$($field),*})?)
                    })*
                    _ => Err(reader.corrupt(concat!("has an unknown ", stringify!($type)))),
                }
            }
        }
    )*};
}

/// Tuples of arguments, which are borrowed where they are sent.
macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => {$(
        impl<$($name: Encode),*> Encode for ($($name,)*) {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$index.put(out);)*
            }
        }
        impl<$($name: Decode),*> Decode for ($($name,)*) {
            fn take(reader: &mut Reader<'_>) -> Result<Self> {
                Ok(($($name::take(reader)?,)*))
            }
        }
    )*};
}

tuples! { (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4) }

fields! {
    Point { timeline, lsn }
    Timeline { id, base }
    Head { lsn, digest, time }
    Segment { timeline, above, upto }
    TimelineState { timeline, head, sealed, floor }
    Change { collection, key, image }
    Touched { collection, key, deleted }
    RetainedStates { from, points }
    Usage { head, window, points, shared, free }
    Reclaimed { versions, commits, chunks, bytes }
    VersionedRef { version, value }
    RefChange { name, expected, value }
    KeyRange { from, to }
    Version { lsn, document }
    VersionStamp { lsn }
    IndexBuild { id, collection, definition, status, inherited, multikey }
    Entry { key, id }
    EntryChange { build, lsn, entry, held }
    IndexChanges { builds, begun, multikey, entries }
    EntryRange { from, to }
    StoredEntries { held, past, bytes }
    Finding { problem }
    StoreInfo { engine, format, id, created, location, recovered }
}

variants! {
    Append { 0 = Done, 1 = HeadMoved(head), 2 = Sealed(head) }
    Image { 0 = Deleted, 1 = Document(document) }
    Direction { 0 = Ascending, 1 = Descending }
    CasResult { 0 = Done(version), 1 = Moved(found) }
    Together { 0 = Done, 1 = Moved(name), 2 = NotOffered }
    BuildStatus { 0 = Building, 1 = Maintained { from }, 2 = Closed { from, until } }
    ErrorKind {
        0 = NotFound, 1 = AlreadyExists, 2 = Conflict, 3 = Invalid, 4 = Unavailable, 5 = Indeterminate,
        6 = Corrupt, 7 = Unsupported, 8 = Denied, 9 = Internal
    }
}

impl Encode for () {
    fn put(&self, _: &mut Vec<u8>) {}
}

impl Decode for () {
    fn take(_: &mut Reader<'_>) -> Result<Self> {
        Ok(())
    }
}

impl Encode for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Decode for bool {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(reader.byte()? != 0)
    }
}

impl Encode for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, *self);
    }
}

impl Decode for u64 {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        reader.varint()
    }
}

impl Encode for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(*self));
    }
}

impl Decode for u32 {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        let number = reader.varint()?;
        number.try_into().map_err(|_| reader.corrupt("has a number of more than 32 bits"))
    }
}

impl Encode for str {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }
}

impl Encode for String {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_str().put(out);
    }
}

impl Decode for String {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        reader.text().map(str::to_owned)
    }
}

// Bytes are their own, so that they are copied at once.
impl Encode for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Decode for u8 {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        reader.byte()
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }
}

impl<T: Encode + ?Sized> Encode for Arc<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }
}

impl<T: Decode> Decode for Arc<T> {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        T::take(reader).map(Self::new)
    }
}

impl<T: Decode> Decode for Arc<[T]> {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        Vec::take(reader).map(Self::from)
    }
}

impl<T: Encode> Encode for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(if bool::take(reader)? { Some(T::take(reader)?) } else { None })
    }
}

impl<T: Encode> Encode for [T] {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        for value in self {
            value.put(out);
        }
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_slice().put(out);
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        // Grows by what is there, not by what the length says.
        (0..reader.varint()?).map(|_| T::take(reader)).collect()
    }
}

macro_rules! collections {
    ($($type:ty, $item:ty, $iterate:ident;)*) => {$(
        impl Encode for $type {
            fn put(&self, out: &mut Vec<u8>) {
                put_varint(out, self.len() as u64);
                for item in self.$iterate() {
                    item.put(out);
                }
            }
        }
        impl Decode for $type {
            fn take(reader: &mut Reader<'_>) -> Result<Self> {
                (0..reader.varint()?).map(|_| <$item>::take(reader)).collect()
            }
        }
    )*};
}

collections! {
    BTreeSet<Lsn>, Lsn, iter;
    BTreeMap<Lsn, u64>, (Lsn, u64), iter;
    HashSet<Digest>, Digest, iter;
}

impl Encode for Lsn {
    fn put(&self, out: &mut Vec<u8>) {
        self.get().put(out);
    }
}

impl Decode for Lsn {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        // Ranges may end above every position of a log.
        reader.varint().map(Lsn::new)
    }
}

impl Encode for DateTime {
    fn put(&self, out: &mut Vec<u8>) {
        self.timestamp_millis().cast_unsigned().put(out);
    }
}

impl Decode for DateTime {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(DateTime::from_millis(reader.varint()?.cast_signed()))
    }
}

impl Encode for TimelineId {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Decode for TimelineId {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array().map(Self::from_bytes)
    }
}

impl Encode for Digest {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Decode for Digest {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array().map(Self::from_bytes)
    }
}

impl Encode for CollectionId {
    fn put(&self, out: &mut Vec<u8>) {
        self.get().put(out);
    }
}

impl Decode for CollectionId {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        reader.varint().map(Self::new)
    }
}

impl Encode for BuildId {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
}

impl Decode for BuildId {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        u32::take(reader).map(Self)
    }
}

impl Encode for RefVersion {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
}

impl Decode for RefVersion {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        String::take(reader).map(Self)
    }
}

impl Encode for Key {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }
}

impl Decode for Key {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        Self::from_bytes(reader.bytes()?)
            .map_err(|error| reader.corrupt("has an invalid key").with_source(error))
    }
}

impl Encode for Document {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }
}

impl Decode for Document {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        Self::from_stored(reader.bytes()?)
    }
}

impl Encode for BsonDocument {
    fn put(&self, out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        // Only a name with a NUL fails, and a definition that was read has none.
        if self.to_writer(&mut bytes).is_err() {
            bytes.clear();
        }
        put_bytes(out, &bytes);
    }
}

impl Decode for BsonDocument {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        let bytes = reader.bytes()?;
        let invalid = |error| reader.corrupt("has an invalid document").with_source(error);
        let raw = RawDocument::from_bytes(bytes).map_err(invalid)?;
        if !nests_at_most(RawBsonRef::Document(raw), MOST_LEVELS).map_err(invalid)? {
            return Err(reader.corrupt("has a document that nests too deeply"));
        }
        // It recurses as deep as the document nests.
        Self::from_reader(bytes).map_err(invalid)
    }
}

/// Whether a value has at most this many levels.
fn nests_at_most(value: RawBsonRef<'_>, levels: usize) -> bson::error::Result<bool> {
    let document = match value {
        RawBsonRef::Document(document) => document,
        RawBsonRef::Array(array) => RawDocument::from_bytes(array.as_bytes())?,
        RawBsonRef::JavaScriptCodeWithScope(code) => code.scope,
        _ => return Ok(true),
    };
    let Some(inner) = levels.checked_sub(1) else { return Ok(false) };
    for field in document {
        if !nests_at_most(field?.1, inner)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Encode for View {
    fn put(&self, out: &mut Vec<u8>) {
        self.segments().put(out);
    }
}

impl Decode for View {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        let segments = Vec::take(reader)?;
        Self::of_segments(segments).ok_or_else(|| reader.corrupt("has a view with a gap"))
    }
}

impl Encode for Manifest {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.encode());
    }
}

impl Decode for Manifest {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        Self::decode(reader.bytes()?)
    }
}

impl<C: Encode> Encode for Commit<C> {
    fn put(&self, out: &mut Vec<u8>) {
        self.meta.encode(out);
        self.digest.put(out);
        self.changes.put(out);
    }
}

impl<C: Decode> Decode for Commit<C> {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        let meta = CommitMeta::decode(reader)?;
        Ok(Self { meta, digest: Decode::take(reader)?, changes: Decode::take(reader)? })
    }
}

/// The causes arrive as one text, and that a disk is full as a hint.
impl Encode for Error {
    fn put(&self, out: &mut Vec<u8>) {
        self.kind().put(out);
        self.message().put(out);
        let causes: Vec<String> = self.causes().map(ToString::to_string).collect();
        causes.join(": ").put(out);
        (self.hint() == Some(Hint::FreeSpace)).put(out);
    }
}

impl Decode for Error {
    fn take(reader: &mut Reader<'_>) -> Result<Self> {
        let mut error = Self::new(ErrorKind::take(reader)?, String::take(reader)?);
        let causes = String::take(reader)?;
        if !causes.is_empty() {
            error = error.with_source(causes);
        }
        Ok(if bool::take(reader)? { error.with_hint(Hint::FreeSpace) } else { error })
    }
}
