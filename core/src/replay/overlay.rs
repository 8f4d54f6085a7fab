//! Laying what the log says over what a snapshot holds.

use std::collections::BTreeMap;
use std::collections::btree_map::IntoIter;
use std::iter::Peekable;

use futures::stream::{self, BoxStream, Peekable as PeekableStream, StreamExt};

use crate::Result;
use crate::key::Key;
use crate::model::{Image, Lsn};
use crate::storage::{Version, VersionStream};

/// The last change of each document.
pub(super) type Overlay = BTreeMap<Key, (Lsn, Image)>;

struct Merge {
    overlay: Peekable<IntoIter<Key, (Lsn, Image)>>,
    stored: std::pin::Pin<Box<PeekableStream<VersionStream>>>,
}

/// Both in key order; where both have a key, the overlay's image counts.
pub(super) fn merge(
    overlay: Overlay,
    stored: VersionStream,
) -> BoxStream<'static, Result<(Key, Version)>> {
    let merge =
        Merge { overlay: overlay.into_iter().peekable(), stored: Box::pin(stored.peekable()) };
    stream::try_unfold(merge, |mut merge| async move {
        Ok(merge.next().await?.map(|entry| (entry, merge)))
    })
    .boxed()
}

impl Merge {
    async fn next(&mut self) -> Result<Option<(Key, Version)>> {
        loop {
            let stored = match self.stored.as_mut().peek().await {
                Some(Ok((key, _))) => Some(key),
                Some(Err(_)) => return self.stored.next().await.transpose(),
                None => None,
            };
            let from_overlay = match (self.overlay.peek(), stored) {
                (Some((changed, _)), Some(stored)) if changed == stored => {
                    self.stored.next().await.transpose()?;
                    true
                }
                (Some((changed, _)), Some(stored)) => changed < stored,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if !from_overlay {
                return self.stored.next().await.transpose();
            }
            if let Some((key, (lsn, Image::Document(document)))) = self.overlay.next() {
                return Ok(Some((key, Version { lsn, document })));
            }
        }
    }
}
