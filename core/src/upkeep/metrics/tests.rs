use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::kept::sum;
use super::{Metric, Metrics, Summary};
use crate::storage::{CasResult, RefName, RefVersion, Refs, VersionedRef};
use crate::store::records;
use crate::{Error, Result};

fn one_append() -> Summary {
    let metrics = Metrics::default();
    metrics.count(Metric::Append, 1);
    metrics.take(1)
}

/// Refs that fail from the Nth write on.
#[derive(Default)]
struct Cut {
    refs: Mutex<BTreeMap<RefName, VersionedRef>>,
    versions: AtomicUsize,
    writes_left: AtomicUsize,
}

#[async_trait]
impl Refs for Cut {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        Ok(self.refs.lock().unwrap().get(name).cloned())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let refs = self.refs.lock().unwrap().clone();
        Ok(refs.into_iter().filter(|(name, _)| name.starts_with(prefix)).collect())
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        if self.writes_left.load(Ordering::SeqCst) == 0 {
            return Err(Error::unavailable("the process was cut off"));
        }
        self.writes_left.fetch_sub(1, Ordering::SeqCst);
        let mut refs = self.refs.lock().unwrap();
        let current = refs.get(name).cloned();
        if current.as_ref().map(|stored| &stored.version) != expected {
            return Ok(CasResult::Moved(current));
        }
        let version = RefVersion(self.versions.fetch_add(1, Ordering::SeqCst).to_string());
        match value {
            Some(value) => {
                refs.insert(name.to_owned(), VersionedRef { version: version.clone(), value });
                Ok(CasResult::Done(Some(version)))
            }
            None => {
                refs.remove(name);
                Ok(CasResult::Done(None))
            }
        }
    }
}

impl Cut {
    /// Refs with this number of records, of one append each.
    async fn with_records(records: usize) -> Self {
        let cut = Self::default();
        cut.writes_left.store(records, Ordering::SeqCst);
        for record in 0..records {
            let value = records::encode(&one_append()).unwrap();
            cut.compare_and_set(&format!("metrics/{record:02}"), None, Some(value)).await.unwrap();
        }
        cut
    }

    async fn sum(&self) -> u64 {
        sum(self).await.unwrap().get(Metric::Append).unwrap().count
    }
}

#[tokio::test]
async fn absorbing_that_is_cut_off_after_any_write_counts_every_record_once() {
    for writes in 0..=41 {
        let refs = Cut::with_records(40).await;
        refs.writes_left.store(writes, Ordering::SeqCst);
        assert_eq!(refs.sum().await, 40);
        refs.writes_left.store(100, Ordering::SeqCst);
        assert_eq!(refs.sum().await, 40, "cut off after {writes} writes");
        assert_eq!(refs.sum().await, 40, "cut off after {writes} writes, and taken up");
    }
}

#[tokio::test]
async fn absorbing_leaves_one_record() {
    let refs = Cut::with_records(40).await;
    refs.writes_left.store(100, Ordering::SeqCst);
    assert_eq!(refs.sum().await, 40);
    assert_eq!(refs.list("metrics/").await.unwrap().len(), 1);
}
