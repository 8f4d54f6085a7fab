//! The way from async code to an engine, whose calls block.

use std::sync::Arc;

use argon_core::{Error, Result};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::ordered::Ordered;

impl Ordered {
    /// Runs `work` on a thread that may block.
    pub(super) async fn run<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Ordered) -> Result<T> + Send + 'static,
    {
        let ordered = self.clone();
        flatten(tokio::task::spawn_blocking(move || work(&ordered)).await)
    }

    /// A stream that is made in steps. Each step runs on a thread that may block, and gives some
    /// items and whether more may follow; `state` is kept from step to step.
    pub(super) fn steps<S, T, F>(
        self: &Arc<Self>,
        state: S,
        step: F,
    ) -> BoxStream<'static, Result<T>>
    where
        S: Send + 'static,
        T: Send + 'static,
        F: Fn(&Ordered, &mut S) -> Result<Step<T>> + Clone + Send + Sync + 'static,
    {
        let ordered = self.clone();
        stream::try_unfold(Some(state), move |state| {
            let (ordered, step) = (ordered.clone(), step.clone());
            async move {
                let Some(mut state) = state else { return Ok::<_, Error>(None) };
                let work = move || step(&ordered, &mut state).map(|step| (step, state));
                let (step, state) = flatten(tokio::task::spawn_blocking(work).await)?;
                Ok(Some((stream::iter(step.items.into_iter().map(Ok)), step.more.then_some(state))))
            }
        })
        .try_flatten()
        .boxed()
    }
}

/// What a step of a [stream](Ordered::steps) gives.
pub(super) struct Step<T> {
    pub(super) items: Vec<T>,
    pub(super) more: bool,
}

/// An engine that meets bytes that it can't read may panic; that is an error of the store, not the
/// end of the program.
fn flatten<T>(joined: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    joined.unwrap_or_else(|source| {
        Err(Error::corrupt(
            "the storage engine broke off in the middle of a call; its files may be damaged; \
             run `argon fsck`",
        )
        .with_source(source))
    })
}
