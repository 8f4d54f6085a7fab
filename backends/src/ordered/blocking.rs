//! The way from async code to an engine, whose calls block.
//!
//! Writes, long scans and lookups of many keys run on the runtime's blocking threads. A read of a
//! few keys runs on the calling thread: an embedded engine answers it in a few microseconds, and a round
//! trip to another thread takes several times as long.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use argon_core::{Error, Result};
use futures::stream::{BoxStream, Stream, StreamExt};
use tokio::task::{JoinError, JoinHandle};

use crate::ordered::{Ordered, Parts};
use crate::panics::{error_of_panic, panic_message};

/// The result of a step of a [stream](Ordered::steps).
pub(super) struct Step<T> {
    pub(super) items: Vec<T>,
    pub(super) more: bool,
}

/// Makes a step: reads from the store and advances the state.
trait MakeStep<S, T>: Fn(&Parts, &mut S) -> Result<Step<T>> + Copy + Send + Unpin + 'static {}

impl<S, T, F: Fn(&Parts, &mut S) -> Result<Step<T>> + Copy + Send + Unpin + 'static> MakeStep<S, T>
    for F
{
}

impl Ordered {
    /// Reads on a thread that may block.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Parts) -> Result<T> + Send + 'static,
    {
        let ordered = self.clone();
        flatten(tokio::task::spawn_blocking(move || work(&ordered.0)).await)
    }

    /// Writes on a thread that may block. If the engine panics, the write may have happened.
    pub(super) async fn run_write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Parts) -> Result<T> + Send + 'static,
    {
        let ordered = self.clone();
        let joined = tokio::task::spawn_blocking(move || work(&ordered.0)).await;
        joined.unwrap_or_else(|broken| {
            let error = Error::indeterminate(
                "the storage engine failed in the middle of a write; open the store again",
            );
            Err(error.with_source(joined_error(broken).in_full()))
        })
    }

    /// Reads a few keys on the calling thread.
    pub(super) fn in_place<T>(&self, work: impl FnOnce(&Parts) -> Result<T>) -> Result<T> {
        std::panic::catch_unwind(AssertUnwindSafe(|| work(&self.0)))
            .unwrap_or_else(|payload| Err(error_of_panic(ENGINE_FAILED, &panic_message(&*payload))))
    }

    /// A stream that is made in steps on threads that may block. Each step runs while the items of the
    /// previous one are consumed.
    pub(super) fn steps<S, T, F>(&self, state: S, step: F) -> BoxStream<'static, Result<T>>
    where
        S: Send + Unpin + 'static,
        T: Send + Unpin + 'static,
        F: Fn(&Parts, &mut S) -> Result<Step<T>> + Copy + Send + Unpin + 'static,
    {
        let (ordered, items) = (self.clone(), Vec::new().into_iter());
        Steps { ordered, step, items, next: Next::Begin(state), in_place: false }.boxed()
    }

    /// A [stream in steps](Ordered::steps) whose first step is small and runs on the calling thread,
    /// since many readers need no more.
    pub(super) fn steps_after_a_small_one<S, T, F>(
        &self,
        state: S,
        step: F,
    ) -> BoxStream<'static, Result<T>>
    where
        S: Send + Unpin + 'static,
        T: Send + Unpin + 'static,
        F: Fn(&Parts, &mut S) -> Result<Step<T>> + Copy + Send + Unpin + 'static,
    {
        let (ordered, items) = (self.clone(), Vec::new().into_iter());
        Steps { ordered, step, items, next: Next::Begin(state), in_place: true }.boxed()
    }
}

struct Steps<S, T, F> {
    ordered: Ordered,
    step: F,
    items: std::vec::IntoIter<T>,
    next: Next<S, T>,
    /// Whether the first step runs on the calling thread.
    in_place: bool,
}

enum Next<S, T> {
    Begin(S),
    Running(JoinHandle<Result<(Step<T>, S)>>),
    End,
}

impl<S, T, F> Steps<S, T, F>
where
    S: Send + 'static,
    T: Send + 'static,
    F: MakeStep<S, T>,
{
    fn start(&self, mut state: S) -> Next<S, T> {
        let (ordered, step) = (self.ordered.clone(), self.step);
        let work = move || step(&ordered.0, &mut state).map(|step| (step, state));
        Next::Running(tokio::task::spawn_blocking(work))
    }
}

impl<S, T, F> Stream for Steps<S, T, F>
where
    S: Send + Unpin + 'static,
    T: Send + Unpin + 'static,
    F: MakeStep<S, T>,
{
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            if let Some(item) = self.items.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            let made = match &mut self.next {
                Next::Running(running) => flatten(ready!(Pin::new(running).poll(context))),
                _ => match std::mem::replace(&mut self.next, Next::End) {
                    Next::Begin(state) if !self.in_place => {
                        self.next = self.start(state);
                        continue;
                    }
                    Next::Begin(mut state) => {
                        let step = self.step;
                        let made = self.ordered.in_place(|parts| step(parts, &mut state));
                        made.map(|step| (step, state))
                    }
                    _ => return Poll::Ready(None),
                },
            };
            self.next = Next::End;
            match made {
                Ok((step, state)) => {
                    self.items = step.items.into_iter();
                    if step.more {
                        self.next = self.start(state);
                    }
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

/// An engine may panic over unreadable bytes or a failed disk. That is an error of the store, not the
/// end of the program.
fn flatten<T>(joined: Result<Result<T>, JoinError>) -> Result<T> {
    joined.unwrap_or_else(|broken| Err(joined_error(broken)))
}

const ENGINE_FAILED: &str = "the storage engine failed in the middle of a read";

fn joined_error(broken: JoinError) -> Error {
    match broken.try_into_panic() {
        Ok(payload) => error_of_panic(ENGINE_FAILED, &panic_message(&*payload)),
        Err(cancelled) => Error::unavailable("the runtime has ended").with_source(cancelled),
    }
}
