//! A decorator of refs that lets others do something in between, at a given moment.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use argon_core::Result;
use argon_core::storage::{Backend, CasResult, RefName, RefVersion, Refs, VersionedRef};
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;

/// When something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// After the refs with this prefix were listed, before the caller gets them.
    Listed(&'static str),
    /// Before a ref with this prefix is changed.
    Changing(&'static str),
    /// After a ref with this prefix was changed, before the caller hears of it.
    Changed(&'static str),
}

/// What is done at which moment, in order: the second waits until the first is done.
#[derive(Default)]
pub(crate) struct Hooks {
    planned: Mutex<VecDeque<(Moment, BoxFuture<'static, ()>)>>,
}

impl Hooks {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Does this the next time that the moment comes.
    pub(crate) fn at(&self, moment: Moment, what: impl Future<Output = ()> + Send + 'static) {
        self.planned.lock().unwrap().push_back((moment, what.boxed()));
    }

    /// Whether all moments have come.
    pub(crate) fn all_met(&self) -> bool {
        self.planned.lock().unwrap().is_empty()
    }

    pub(crate) fn decorate(self: &Arc<Self>, backend: Backend) -> Backend {
        let refs = Arc::new(HookedRefs { inner: backend.refs, hooks: self.clone() });
        Backend { refs, ..backend }
    }

    async fn met(&self, moment: impl Fn(Moment) -> bool) {
        let next = {
            let mut planned = self.planned.lock().unwrap();
            let due = planned.front().is_some_and(|(planned, _)| moment(*planned));
            if due { planned.pop_front() } else { None }
        };
        if let Some((_, what)) = next {
            what.await;
        }
    }
}

struct HookedRefs {
    inner: Arc<dyn Refs>,
    hooks: Arc<Hooks>,
}

#[async_trait]
impl Refs for HookedRefs {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.inner.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let listed = self.inner.list(prefix).await;
        self.hooks.met(|moment| matches!(moment, Moment::Listed(of) if of == prefix)).await;
        listed
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        let before =
            |moment| matches!(moment, Moment::Changing(prefix) if name.starts_with(prefix));
        self.hooks.met(before).await;
        let swap = self.inner.compare_and_set(name, expected, value).await;
        let after = |moment| matches!(moment, Moment::Changed(prefix) if name.starts_with(prefix));
        self.hooks.met(after).await;
        swap
    }
}
