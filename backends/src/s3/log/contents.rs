//! What is in segments and packs: small ones are fetched whole, of large ones the parts that are asked
//! for.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use argon_core::model::{Commit, Lsn, TimelineId, Touched};
use argon_core::segment::{Footer, FooterRead, Part};
use argon_core::{Error, Result};
use futures::future::try_join;

use crate::s3::bucket::Wanted;
use crate::s3::log::segment_index::SegmentLocation;
use crate::s3::store::{S3Store, compute, copy_key};

/// Up to this many bytes an object is fetched whole, if its documents are wanted or not.
pub(super) const WHOLE_WITH_DOCUMENTS: u64 = 1024 * 1024;
pub(super) const WHOLE_FOR_HEADERS: u64 = 256 * 1024;

/// How much of the end of a large object is fetched for its footer.
const TAIL: u64 = 64 * 1024;

/// A segment or pack that is being read.
#[derive(Clone)]
pub(super) struct Contents {
    pub(super) footer: Arc<Footer>,
    name: String,
    /// All of its bytes, unless it is large.
    whole: Option<Arc<Vec<u8>>>,
}

/// What is made of a commit: with its documents or without.
pub(super) trait Item: Sized + Send + 'static {
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

impl S3Store {
    /// Opens a place: fetches it whole up to `whole` bytes, else its footer. `None` if it is gone.
    pub(super) async fn contents(
        &self,
        timeline: TimelineId,
        place: &SegmentLocation,
        whole: u64,
    ) -> Result<Option<Contents>> {
        let found = if place.length <= whole {
            self.whole(place).await?
        } else {
            self.footer(place).await?
        };
        if let Some(contents) = &found {
            let footer = &contents.footer;
            if footer.timeline().id != timeline || footer.before().lsn.next() != place.first {
                return Err(Error::corrupt(format!(
                    "the object {} holds commits of another place",
                    place.name
                )));
            }
        }
        Ok(found)
    }

    async fn whole(&self, place: &SegmentLocation) -> Result<Option<Contents>> {
        let bytes = self.get_lasting(&place.name, &place.etag, place.length).await?;
        bytes.map(|bytes| Contents::of_whole(&place.name, bytes)).transpose()
    }

    async fn footer(&self, place: &SegmentLocation) -> Result<Option<Contents>> {
        let contents = |footer| {
            let (name, footer) = (place.name.clone(), Arc::new(footer));
            Ok(Some(Contents { footer, name, whole: None }))
        };
        let key = format!("footer of {}", copy_key(&place.name, &place.etag));
        if let Some(tail) = self.memory.get(&key)
            && let FooterRead::Complete(footer) = Footer::parse(&place.name, &tail, place.length)?
        {
            return contents(footer);
        }
        let mut wanted = TAIL;
        loop {
            let Some(tail) = self.bucket.get(&place.name, Wanted::Last(wanted)).await? else {
                return Ok(None);
            };
            match Footer::parse(&place.name, &tail.bytes, tail.length)? {
                FooterRead::Complete(footer) => {
                    self.memory.put(key, &Arc::new(tail.bytes));
                    return contents(footer);
                }
                FooterRead::NeedLast(more) if more > wanted => wanted = more,
                FooterRead::NeedLast(_) => {
                    return Err(Error::corrupt(format!("segment {} ends too early", place.name)));
                }
            }
        }
    }

    /// The commits of `lsns`, which lie in this place; those before one that can't be read, and the
    /// error that names it. `None` if the object is gone.
    pub(super) async fn read_contents<C: Item>(
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
        let found = self.bucket.get(name, Wanted::Bytes(range)).await?;
        Ok(found.map(|object| object.bytes))
    }
}

impl Contents {
    /// A segment of which all bytes are here.
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

    /// Footer and bytes, if all are here.
    pub(super) fn into_whole(self) -> Option<(Arc<Footer>, Arc<Vec<u8>>)> {
        Some((self.footer, self.whole?))
    }

    /// Whether reading it takes so little time that it may be done in place.
    fn is_small(&self) -> bool {
        self.footer.raw_bytes() <= 16 * 1024
    }

    /// The last position, going from `from` up to `to`, so that the bytes for both and what lies
    /// between stay under `most`; at least `from`. All if the object is here already.
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
        // How many commits fit besides the first one, by binary search.
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

/// The error about a commit that is there and can't be read.
pub(super) fn unreadable(lsn: Lsn, source: Error) -> Error {
    if source.kind() != argon_core::ErrorKind::Corrupt {
        return source;
    }
    Error::corrupt(format!("commit {lsn} can't be read")).with_source(source)
}
