//! Decorators that count and time the reads and refs of a store.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, Stream, StreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::model::environment::Environment;
use crate::model::metrics::Metric;
use crate::model::{CollectionId, Image, Lsn, View};
use crate::storage::{
    CasResult, KeyRange, Materialize, Predicate, RefChange, RefName, RefVersion, Refs, Together,
    Version, VersionStamp, VersionStream, VersionedRef,
};

/// Reads that are counted and timed.
pub(crate) struct TimedMaterialize {
    pub(crate) inner: Arc<dyn Materialize>,
    pub(crate) environment: Environment,
}

#[async_trait]
impl Materialize for TimedMaterialize {
    // Written out, so that a read that is not timed is the inner future itself.
    fn get<'life0, 'life1, 'life2, 'async_trait>(
        &'life0 self,
        view: &'life1 View,
        collection: CollectionId,
        key: &'life2 Key,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Version>>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        Self: 'async_trait,
    {
        let read = self.inner.get(view, collection, key);
        if !self.environment.metrics().begin_read() {
            return read;
        }
        Box::pin(async move {
            let begun = self.environment.elapsed();
            let answer = read.await;
            let took = self.environment.elapsed().saturating_sub(begun);
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.environment.metrics().sample(Metric::Read, nanos);
            answer
        })
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        let read = self.inner.get_many(view, collection, keys);
        self.environment.timed(Metric::ReadMany, read).await
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>> {
        self.inner.stamps(view, collection, keys).await
    }

    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream {
        let scan = self.inner.scan(view, collection, range);
        Box::pin(TimedScan::new(scan, self.environment.clone()))
    }

    fn scan_with(
        &self,
        view: &View,
        collection: CollectionId,
        range: KeyRange,
        predicate: Predicate,
    ) -> VersionStream {
        let scan = self.inner.scan_with(view, collection, range, predicate);
        Box::pin(TimedScan::new(scan, self.environment.clone()))
    }

    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>> {
        self.inner.history(view, collection, key)
    }
}

/// A scan that is counted and timed when it ends or is dropped. It reads the clock for the first
/// version and for the versions that the reader waits for.
pub(crate) struct TimedScan {
    inner: VersionStream,
    environment: Environment,
    /// The begin of the wait for the next version.
    waiting: Option<Duration>,
    /// The time that the reader has waited; `None` before the first read.
    waited: Option<Duration>,
}

impl TimedScan {
    pub(crate) fn new(inner: VersionStream, environment: Environment) -> Self {
        Self { inner, environment, waiting: None, waited: None }
    }
}

impl Stream for TimedScan {
    type Item = <VersionStream as Stream>::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.waited.is_none() {
            self.waited = Some(Duration::ZERO);
            self.waiting = Some(self.environment.elapsed());
        }
        let next = self.inner.poll_next_unpin(context);
        match (next.is_ready(), self.waiting) {
            (true, Some(since)) => {
                let waited = self.environment.elapsed().saturating_sub(since);
                self.waited = self.waited.map(|before| before + waited);
                self.waiting = None;
            }
            (false, None) => self.waiting = Some(self.environment.elapsed()),
            _ => {}
        }
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl Drop for TimedScan {
    fn drop(&mut self) {
        if let Some(waited) = self.waited {
            self.environment.metrics().time(Metric::Materialize, waited);
        }
    }
}

/// Refs that are counted and timed.
pub(crate) struct TimedRefs {
    pub(crate) inner: Arc<dyn Refs>,
    pub(crate) environment: Environment,
}

#[async_trait]
impl Refs for TimedRefs {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.environment.timed(Metric::Refs, self.inner.get(name)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        self.environment.timed(Metric::Refs, self.inner.list(prefix)).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        let swap = self.inner.compare_and_set(name, expected, value);
        self.environment.timed(Metric::Refs, swap).await
    }

    async fn change_together(&self, changes: Vec<RefChange>) -> Result<Together> {
        self.environment.timed(Metric::Refs, self.inner.change_together(changes)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Error;
    use crate::model::environment::{Clock, Ids};

    /// A clock on which every look takes a microsecond.
    #[derive(Default)]
    struct Ticking(AtomicUsize);

    impl Clock for Ticking {
        fn now(&self) -> bson::DateTime {
            bson::DateTime::from_millis(0)
        }

        fn elapsed(&self) -> Duration {
            Duration::from_micros(self.0.fetch_add(1, Ordering::SeqCst) as u64)
        }
    }

    struct NoIds;

    impl Ids for NoIds {
        fn fill(&self, _: &mut [u8]) {}
    }

    #[tokio::test]
    async fn a_scan_looks_at_the_clock_for_the_first_version_and_when_it_waits() {
        let clock = Arc::new(Ticking::default());
        let environment = Environment::new(clock.clone(), Arc::new(NoIds));
        let ready = || futures::stream::iter((0..100).map(|_| Err(Error::internal("a version"))));
        let waits = futures::stream::once(async {
            tokio::task::yield_now().await;
            Err(Error::internal("a version that comes late"))
        });
        let inner = ready().chain(waits).chain(ready()).boxed();
        let scan = TimedScan::new(inner, environment.clone());
        assert_eq!(scan.count().await, 201);
        assert_eq!(clock.0.load(Ordering::SeqCst), 4, "begun and ended, twice");
        drop(TimedScan::new(ready().boxed(), environment.clone()));
        let summary = environment.metrics().take(1);
        let series = summary.get(Metric::Materialize).unwrap();
        assert_eq!((series.count, series.sum), (1, 2_000), "one that nobody reads is none");
    }
}
