//! The check of every object.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use argon_core::model::{Digest, TimelineId};
use argon_core::snapshot::Manifest;
use argon_core::storage::Finding;
use argon_core::{Error, Result};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::s3::bucket::{Listed, PAGE};
use crate::s3::log::chain::broken_chain;
use crate::s3::log::walk::LogReader;
use crate::s3::names;
use crate::s3::reference::Reference;
use crate::s3::store::S3Store;

/// The most objects that are read at once.
const AT_ONCE: usize = 16;

/// Finds the problems of a store's objects. Core checks documents and the digests of commits, and reads
/// all objects that are in order here.
pub(super) fn verify(
    store: Arc<S3Store>,
    log: Arc<LogReader>,
) -> BoxStream<'static, Result<Finding>> {
    let check = Check { store, log, after: None, timelines: BTreeSet::new(), left: None };
    stream::try_unfold(check, |mut check| async {
        let Some(problems) = check.step().await? else { return Ok(None) };
        let findings: Vec<Result<Finding>> =
            problems.into_iter().map(|problem| Ok(Finding { problem })).collect();
        Ok::<_, Error>(Some((stream::iter(findings), check)))
    })
    .try_flatten()
    .boxed()
}

/// A walk over all names, and then over all timelines.
struct Check {
    store: Arc<S3Store>,
    log: Arc<LogReader>,
    after: Option<String>,
    timelines: BTreeSet<TimelineId>,
    /// The remaining timelines, once all names were seen.
    left: Option<VecDeque<TimelineId>>,
}

impl Check {
    /// The next problems; `None` at the end.
    async fn step(&mut self) -> Result<Option<Vec<String>>> {
        if let Some(left) = &mut self.left {
            let Some(timeline) = left.pop_front() else { return Ok(None) };
            return broken_chain(&self.log, timeline).await.map(Some);
        }
        let page = self.store.bucket.list("", self.after.as_deref(), PAGE).await?;
        self.after = page.objects.last().map(|last| last.name.clone());
        let mut problems = Vec::new();
        let mut inside = Vec::new();
        for listed in page.objects {
            match self.kind(&listed) {
                Kind::Fine => {}
                Kind::Inside => inside.push(listed),
                Kind::Foreign => {
                    problems
                        .push(format!("the object {} does not belong to the store", listed.name));
                }
            }
        }
        let looked: Vec<_> =
            inside.into_iter().map(|listed| look_inside(self.store.clone(), listed)).collect();
        let found: Vec<Option<String>> =
            stream::iter(looked).buffered(AT_ONCE).try_collect().await?;
        problems.extend(found.into_iter().flatten());
        if !page.more {
            self.left = Some(std::mem::take(&mut self.timelines).into_iter().collect());
        }
        Ok(Some(problems))
    }

    fn kind(&mut self, listed: &Listed) -> Kind {
        let name = listed.name.as_str();
        if name == names::IDENTITY || name.starts_with(names::DOCTOR) {
            return Kind::Fine;
        }
        if names::parse_reference(name).is_some() {
            return Kind::Inside;
        }
        if let Some(digest) = name.strip_prefix(names::CHUNKS) {
            let known = digest.parse::<Digest>().is_ok_and(|parsed| parsed.to_string() == digest);
            return if known { Kind::Fine } else { Kind::Foreign };
        }
        if let Some((_, rest)) = names::split_timeline(names::MANIFESTS, name) {
            return names::parse_manifest(rest).map_or(Kind::Foreign, |_| Kind::Inside);
        }
        if names::split_timeline(names::LOG, name)
            .is_some_and(|(_, rest)| names::parse_floor(rest).is_some())
        {
            return Kind::Fine;
        }
        for (folder, is_pack) in [(names::LOG, false), (names::PACKS, true)] {
            if let Some((timeline, rest)) = names::split_timeline(folder, name)
                && let Some((_, last)) = names::parse_segment(rest)
                && last.is_some() == is_pack
            {
                self.timelines.insert(timeline);
                return Kind::Fine;
            }
        }
        Kind::Foreign
    }
}

enum Kind {
    /// It belongs to the store, or is checked with its timeline.
    Fine,
    /// It belongs to the store, and its content must be checked.
    Inside,
    Foreign,
}

/// Describes why a ref or a manifest can't be read.
async fn look_inside(store: Arc<S3Store>, listed: Listed) -> Result<Option<String>> {
    let Some(object) = store.get_listed(&listed.name, &listed.etag, listed.length).await? else {
        return Ok(None);
    };
    let read = match names::parse_reference(&listed.name) {
        Some(name) => Reference::decode(&name, &object.bytes).map(drop),
        None => Manifest::decode(&object.bytes).and_then(|manifest| {
            if names::manifest(manifest.point) == listed.name {
                return Ok(());
            }
            Err(Error::corrupt("it is the manifest of another state"))
        }),
    };
    Ok(read.err().map(|error| format!("the object {} can't be read: {error}", listed.name)))
}
