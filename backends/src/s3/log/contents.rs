//! Reads segments and packs: a small one in one request, of a large one the parts that are needed.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use argon_core::model::{Commit, Lsn, TimelineId, Touched};
use argon_core::segment::{Footer, FooterRead, Part};
use argon_core::{Error, Result};
use futures::future::try_join;

use crate::s3::bucket::Wanted;
use crate::s3::log::segment_index::SegmentLocation;
use crate::s3::store::{S3Store, compute, copy_key};

/// Up to this size an object is fetched whole, with documents or for its headers only.
pub(super) const WHOLE_WITH_DOCUMENTS: u64 = 1024 * 1024;
pub(super) const WHOLE_FOR_HEADERS: u64 = 256 * 1024;

/// The size of the first request for the footer of a large object.
const TAIL: u64 = 64 * 1024;

/// A segment or pack that is being read.
#[derive(Clone)]
pub(super) struct Contents {
    pub(super) footer: Arc<Footer>,
    name: String,
    /// All of its bytes, unless it is large.
    whole: Option<Arc<Vec<u8>>>,
}

/// A commit as it is read: with its documents or without.
pub(in crate::s3) trait Item: Sized + Send + 'static {
    /// Whether documents are needed.
    const DOCUMENTS: bool;

    fn decode(
        footer: &Footer,
        lsns: &RangeInclusive<Lsn>,
        headers: Part<'_>,
        documents: Part<'_>,
    ) -> Result<Vec<Self>>;
}

impl Item for Commit {
    const DOCUMENTS: bool = true;

    fn decode(
        footer: &Footer,
        lsns: &RangeInclusive<Lsn>,
        headers: Part<'_>,
        documents: Part<'_>,
    ) -> Result<Vec<Self>> {
        footer.commits(lsns, headers, documents)
    }
}

impl Item for Commit<Touched> {
    const DOCUMENTS: bool = false;

    fn decode(
        footer: &Footer,
        lsns: &RangeInclusive<Lsn>,
        headers: Part<'_>,
        _documents: Part<'_>,
    ) -> Result<Vec<Self>> {
        footer.headers(lsns, headers)
    }
}

/// Reads segments and packs, and keeps copies of small ones in memory.
pub(super) struct SegmentReader {
    store: Arc<S3Store>,
}

impl SegmentReader {
    pub(super) fn new(store: Arc<S3Store>) -> Self {
        Self { store }
    }

    /// Opens an object: fetches all of up to `whole` bytes, else its footer. `None` if it is gone.
    pub(super) async fn open(
        &self,
        timeline: TimelineId,
        location: &SegmentLocation,
        whole: u64,
    ) -> Result<Option<Contents>> {
        let found = if location.length <= whole {
            self.whole(location).await?
        } else {
            self.footer(location).await?
        };
        if let Some(contents) = &found {
            let footer = &contents.footer;
            if footer.timeline().id != timeline || footer.before().lsn.next() != location.first {
                return Err(Error::corrupt(format!(
                    "the object {} holds other commits than its name says",
                    location.name
                )));
            }
        }
        Ok(found)
    }

    async fn whole(&self, location: &SegmentLocation) -> Result<Option<Contents>> {
        let bytes = self.store.get_lasting(&location.name, &location.etag, location.length).await?;
        bytes.map(|bytes| Contents::of_whole(&location.name, bytes)).transpose()
    }

    async fn footer(&self, location: &SegmentLocation) -> Result<Option<Contents>> {
        let contents = |footer| {
            let (name, footer) = (location.name.clone(), Arc::new(footer));
            Ok(Some(Contents { footer, name, whole: None }))
        };
        let key = format!("footer of {}", copy_key(&location.name, &location.etag));
        if let Some(tail) = self.store.memory.get(&key)
            && let FooterRead::Complete(footer) =
                Footer::parse(&location.name, &tail, location.length)?
        {
            return contents(footer);
        }
        let mut wanted = TAIL;
        loop {
            let Some(tail) = self.store.bucket.get(&location.name, Wanted::Last(wanted)).await?
            else {
                return Ok(None);
            };
            match Footer::parse(&location.name, &tail.bytes, tail.length)? {
                FooterRead::Complete(footer) => {
                    self.store.memory.put(key, &Arc::new(tail.bytes));
                    return contents(footer);
                }
                FooterRead::NeedLast(more) if more > wanted => wanted = more,
                FooterRead::NeedLast(_) => {
                    return Err(Error::corrupt(format!(
                        "segment {} ends too early",
                        location.name
                    )));
                }
            }
        }
    }

    /// The commits of `lsns`, which are in this object; or those before the first that can't be read, and
    /// the error that names it. `None` if the object is gone.
    pub(super) async fn read<C: Item>(
        &self,
        contents: &Contents,
        lsns: RangeInclusive<Lsn>,
    ) -> Result<Option<(Vec<C>, Option<Error>)>> {
        let footer = contents.footer.clone();
        if let Some(whole) = contents.whole.clone() {
            let decode = move || {
                let part = Part { offset: 0, bytes: &whole };
                Ok(Some(decode_each(&footer, &lsns, part, part)))
            };
            return if contents.is_small() { decode() } else { compute(decode).await };
        }
        let headers = footer.header_range(&lsns);
        let documents = if C::DOCUMENTS { footer.document_range(&lsns) } else { 0..0 };
        let bytes = try_join(
            self.bytes(&contents.name, headers.clone()),
            self.bytes(&contents.name, documents.clone()),
        );
        let (Some(header_bytes), Some(document_bytes)) = bytes.await? else { return Ok(None) };
        compute(move || {
            let header_part = Part { offset: headers.start, bytes: &header_bytes };
            let document_part = Part { offset: documents.start, bytes: &document_bytes };
            Ok(Some(decode_each(&footer, &lsns, header_part, document_part)))
        })
        .await
    }

    async fn bytes(&self, name: &str, range: Range<u64>) -> Result<Option<Vec<u8>>> {
        if range.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let found = self.store.bucket.get(name, Wanted::Bytes(range)).await?;
        Ok(found.map(|object| object.bytes))
    }
}

impl Contents {
    /// A segment with all of its bytes.
    pub(super) fn of_whole(name: &str, bytes: Arc<Vec<u8>>) -> Result<Self> {
        match Footer::parse(name, &bytes, bytes.len() as u64)? {
            FooterRead::Complete(footer) => {
                let (footer, name) = (Arc::new(footer), name.to_owned());
                Ok(Self { footer, name, whole: Some(bytes) })
            }
            FooterRead::NeedLast(_) => {
                Err(Error::corrupt(format!("segment {name} ends too early")))
            }
        }
    }

    /// Footer and bytes, if they were fetched.
    pub(super) fn into_whole(self) -> Option<(Arc<Footer>, Arc<Vec<u8>>)> {
        Some((self.footer, self.whole?))
    }

    /// Whether it is decoded faster than it would be handed to another thread.
    fn is_small(&self) -> bool {
        self.footer.raw_bytes() <= 16 * 1024
    }

    /// The last position from `from` towards `to` for which a read of at most `most` bytes is enough; at
    /// least `from`. It is `to` if the object was fetched whole.
    pub(super) fn piece<C: Item>(&self, from: Lsn, to: Lsn, most: u64) -> Lsn {
        if self.whole.is_some() {
            return to;
        }
        let (low, high) = (from.get().min(to.get()), from.get().max(to.get()));
        let length = |range: Range<u64>| range.end - range.start;
        let bytes = |lsns: RangeInclusive<Lsn>| {
            let documents = if C::DOCUMENTS { self.footer.document_range(&lsns) } else { 0..0 };
            length(self.footer.header_range(&lsns)) + length(documents)
        };
        // The number of commits that fit besides the first one, by binary search.
        let (mut fits, mut fails) = (0, high - low + 1);
        while fits + 1 < fails {
            let more = fits + (fails - fits) / 2;
            let lsns =
                if from <= to { from..=Lsn::new(low + more) } else { Lsn::new(high - more)..=from };
            if bytes(lsns) <= most { fits = more } else { fails = more }
        }
        if from <= to { Lsn::new(low + fits) } else { Lsn::new(high - fits) }
    }
}

/// The commits before the first that can't be read, and the error about that one.
fn decode_each<C: Item>(
    footer: &Footer,
    lsns: &RangeInclusive<Lsn>,
    headers: Part<'_>,
    documents: Part<'_>,
) -> (Vec<C>, Option<Error>) {
    if let Ok(all) = C::decode(footer, lsns, headers, documents) {
        return (all, None);
    }
    let mut found = Vec::new();
    for number in lsns.start().get()..=lsns.end().get() {
        let lsn = Lsn::new(number);
        match C::decode(footer, &(lsn..=lsn), headers, documents) {
            Ok(mut one) => found.append(&mut one),
            Err(source) => return (found, Some(unreadable(lsn, source))),
        }
    }
    (found, None)
}

/// The error about a commit that is stored and can't be read.
pub(super) fn unreadable(lsn: Lsn, source: Error) -> Error {
    if source.kind() != argon_core::ErrorKind::Corrupt {
        return source;
    }
    Error::corrupt(format!("commit {lsn} can't be read")).with_source(source)
}
