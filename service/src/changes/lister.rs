//! Lists changes one by one in bounded memory, and counts them.

use std::collections::{BTreeMap, VecDeque};

use argon_core::State;
use argon_core::diff::{CollectionDiff, DocumentDiff};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};

use super::shown::{CollectionChange, DocumentChange, Numbers, Shown, Summary};
use super::{Detail, Listing};
use crate::{Failure, Result};

/// One change.
pub(crate) enum Change {
    /// A collection whose metadata differs, and the number of its documents if they are not listed.
    Collection(Box<CollectionDiff>, Option<u64>),
    /// A document that differs.
    Document(DocumentDiff),
}

impl Change {
    /// A collection whose metadata differs. The documents that were dropped with it are counted; those of a
    /// created one are listed one by one.
    pub(crate) async fn of_collection(diff: CollectionDiff, before: &State) -> Result<Self> {
        let documents = match &diff {
            CollectionDiff::Dropped(info) => Some(before.collection(&info.name)?.count().await?),
            CollectionDiff::Created(_) | CollectionDiff::Changed { .. } => None,
        };
        Ok(Self::Collection(Box::new(diff), documents))
    }
}

/// Lists changes after `first`. With [`Detail::Stat`] the numbers of each collection follow instead, and in the
/// end the `summary`, with all changes counted.
pub(crate) fn list<'a>(
    first: Option<Shown>,
    changes: impl Stream<Item = Result<Change>> + Send + 'a,
    summary: Option<Summary>,
    listing: Listing,
) -> BoxStream<'a, Result<Shown, Failure>> {
    let lister =
        Lister { changes: Some(changes.boxed()), numbers: BTreeMap::new(), summary, listing };
    let items =
        stream::try_unfold((lister, VecDeque::new()), |(mut lister, mut last)| async move {
            let item = lister.next(&mut last).await?;
            Ok(item.map(|item| (item, (lister, last))))
        });
    stream::iter(first.map(Ok)).chain(items).boxed()
}

struct Lister<'a> {
    changes: Option<BoxStream<'a, Result<Change>>>,
    numbers: BTreeMap<String, Numbers>,
    summary: Option<Summary>,
    listing: Listing,
}

impl Lister<'_> {
    async fn next(&mut self, last: &mut VecDeque<Shown>) -> Result<Option<Shown>> {
        while let Some(changes) = &mut self.changes {
            let Some(change) = changes.try_next().await? else {
                self.changes = None;
                last.extend(self.last_items());
                break;
            };
            self.count(&change);
            if self.listing.has_changes() {
                return Ok(Some(self.shown(&change)?));
            }
        }
        Ok(last.pop_front())
    }

    fn shown(&self, change: &Change) -> Result<Shown> {
        Ok(match change {
            Change::Collection(diff, documents) => {
                Shown::Collection(Box::new(CollectionChange::of(diff, *documents)))
            }
            Change::Document(diff) => Shown::Document(DocumentChange::of(diff, self.listing)?),
        })
    }

    fn count(&mut self, change: &Change) {
        match change {
            Change::Collection(diff, documents) => {
                let documents = documents.unwrap_or_default();
                let (info, words) = match &**diff {
                    CollectionDiff::Created(info) => (info, "created"),
                    CollectionDiff::Dropped(info) => (info, "dropped"),
                    CollectionDiff::Changed { before, after } if before.name != after.name => {
                        (after, "renamed")
                    }
                    CollectionDiff::Changed { after, .. } => (after, "options or indexes"),
                };
                let numbers = self.numbers_of(info.name.as_str());
                numbers.collection_change = Some(words.to_owned());
                match **diff {
                    CollectionDiff::Created(_) => numbers.added += documents,
                    CollectionDiff::Dropped(_) => numbers.removed += documents,
                    CollectionDiff::Changed { .. } => {}
                }
            }
            Change::Document(DocumentDiff { collection, before, after, .. }) => {
                let numbers = self.numbers_of(collection.as_str());
                match (before, after) {
                    (None, Some(_)) => numbers.added += 1,
                    (_, None) => numbers.removed += 1,
                    (Some(_), Some(_)) => numbers.changed += 1,
                }
            }
        }
    }

    fn numbers_of(&mut self, collection: &str) -> &mut Numbers {
        self.numbers.entry(collection.to_owned()).or_insert_with(|| Numbers::of(collection))
    }

    fn last_items(&mut self) -> Vec<Shown> {
        let numbers = std::mem::take(&mut self.numbers);
        let summary = self.summary.take().map(|summary| {
            numbers.values().fold(summary, |sum, numbers| Summary {
                added: sum.added + numbers.added,
                changed: sum.changed + numbers.changed,
                removed: sum.removed + numbers.removed,
                collections: sum.collections + 1,
                ..sum
            })
        });
        let is_stat = self.listing.detail == Detail::Stat;
        let numbers = numbers.into_values().filter(|_| is_stat).map(Shown::Numbers);
        numbers.chain(summary.map(Shown::Summary)).collect()
    }
}
