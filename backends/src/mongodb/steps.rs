//! Streams in steps, each a short query. So no cursor on the server waits for a slow reader.

use std::future::Future;
use std::pin::Pin;

use argon_core::{Error, Result};
use futures::stream::{BoxStream, StreamExt};
use tokio::task::JoinHandle;

/// Items, and the state of the next step unless this is the last.
pub(super) type Step<S, T> = (Vec<T>, Option<S>);

type Making<S, T> = Pin<Box<dyn Future<Output = Result<Step<S, T>>> + Send>>;

/// A stream of the items of all steps. The first step begins when the first item is polled, every
/// later one while the items of its predecessor are consumed.
pub(super) fn steps<S, T, F, M>(state: S, make: F) -> BoxStream<'static, Result<T>>
where
    S: Send + 'static,
    T: Send + 'static,
    F: Fn(S) -> M + Send + 'static,
    M: Future<Output = Result<Step<S, T>>> + Send + 'static,
{
    let stream = Steps {
        make: move |state| -> Making<S, T> { Box::pin(make(state)) },
        items: Vec::new().into_iter(),
        next: Next::Begin(state),
    };
    futures::stream::unfold(stream, |mut stream| async move {
        let item = stream.next().await?;
        Some((item, stream))
    })
    .boxed()
}

struct Steps<S, T, F> {
    make: F,
    items: std::vec::IntoIter<T>,
    next: Next<S, T>,
}

enum Next<S, T> {
    Begin(S),
    Running(Running<Step<S, T>>),
    End,
}

/// A task that is aborted when its handle is dropped.
struct Running<T>(JoinHandle<Result<T>>);

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<S, T, F> Steps<S, T, F>
where
    S: Send + 'static,
    T: Send + 'static,
    F: Fn(S) -> Making<S, T>,
{
    async fn next(&mut self) -> Option<Result<T>> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(Ok(item));
            }
            let made = match std::mem::replace(&mut self.next, Next::End) {
                Next::Begin(state) => (self.make)(state).await,
                Next::Running(mut running) => (&mut running.0).await.unwrap_or_else(|source| {
                    Err(Error::internal("a read crashed").with_source(source))
                }),
                Next::End => return None,
            };
            match made {
                Ok((items, more)) => {
                    self.items = items.into_iter();
                    if let Some(state) = more {
                        self.next = Next::Running(Running(tokio::spawn((self.make)(state))));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn items_come_in_order_until_a_step_fails() {
        let count = |upto: u32| {
            steps(0_u32, move |at| async move {
                if at == 7 {
                    return Err(Error::internal("seven"));
                }
                let more = (at + 1 < upto).then_some(at + 1);
                Ok((vec![at; usize::try_from(at % 3).unwrap()], more))
            })
        };
        assert_eq!(count(6).try_collect::<Vec<_>>().await.unwrap(), [1, 2, 2, 4, 5, 5]);
        assert!(count(9).try_collect::<Vec<_>>().await.is_err());
        let mut failing = count(9).skip(6);
        assert!(failing.next().await.unwrap().is_err());
        assert!(failing.next().await.is_none(), "a stream ends with its error");
    }
}
