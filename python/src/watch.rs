//! The commits of a branch as they are made.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use argon_core::model::{BranchName, Image, Lsn, Point, ProjectName};
use argon_core::watch::{WatchFrom, WatchStream, WatchedChange, WatchedCommit};
use argon_core::{Error, Result as CoreResult};
use argon_service::{Failure, Result};
use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use futures::future::{BoxFuture, Either, select};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::sync::{Mutex, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::commands as parsed;
use crate::connection::{Connection, Lease};
use crate::documents::encode;
use crate::errors::exception;
use crate::runtime::{current, wait_here};
use crate::users::{StoreUser, closed};

/// Follows a branch. The store stays open until it is closed or ends.
#[pyclass(frozen, module = "argondb._argondb")]
pub(crate) struct Watch {
    reader: Arc<Reader>,
}

struct Reader {
    /// Held by whoever waits for a commit.
    stream: Mutex<Option<(WatchStream, Lease)>>,
    /// Whether it is closed, for those that wait.
    closed: watch::Sender<bool>,
    connection: Arc<Connection>,
}

impl Watch {
    pub(crate) async fn begin(
        lease: Lease,
        project: &ProjectName,
        branch: &BranchName,
        from_lsn: Option<u64>,
        token: Option<String>,
    ) -> Result<Self> {
        let from = match (token, from_lsn) {
            (Some(token), _) => WatchFrom::Point(token.parse::<Point>()?),
            (None, Some(lsn)) => WatchFrom::Lsn(Lsn::new(lsn)),
            (None, None) => WatchFrom::Head,
        };
        let stream = lease.branch(project, branch).await?.watch(from).await?;
        let connection = lease.connection().clone();
        let reader = Arc::new(Reader {
            stream: Mutex::new(Some((stream, lease))),
            closed: watch::Sender::new(false),
            connection: connection.clone(),
        });
        let user: Weak<Reader> = Arc::downgrade(&reader);
        connection.users.add(user)?;
        Ok(Self { reader })
    }
}

#[pymethods]
impl Watch {
    /// The next commit as a document; `None` if there is none within `seconds`.
    #[pyo3(signature = (seconds=None))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        seconds: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let bytes = wait_here(py, async {
            self.reader.connection.check_process()?;
            match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
                Some(time) => timeout(time, self.reader.next()).await.unwrap_or(Ok(None)),
                None => self.reader.next().await,
            }
        })?;
        Ok(bytes.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Calls `back(commit, error)` on another thread once there is a next commit, or the watch has ended or failed.
    /// Nobody waits meanwhile. Calls get the commits in their order.
    fn request(&self, py: Python<'_>, back: Py<PyAny>) -> PyResult<()> {
        let runtime = self.reader.connection.check_process().and_then(|()| current());
        let runtime = runtime.map_err(|failure| exception(py, &failure))?;
        let reader = self.reader.clone();
        runtime.spawn(async move {
            let next = reader.next().await;
            // Python may be busy for long.
            let _ = spawn_blocking(move || answer(&back, next)).await;
        });
        Ok(())
    }

    /// Ends the watch; those that wait for a commit get an error.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        wait_here(py, async {
            self.reader.end().await;
            Ok(())
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Requests whose answers nobody waits for would keep the store open. In a child of a fork there are none.
        if self.reader.connection.check_process().is_ok() {
            self.reader.closed.send_replace(true);
        }
    }
}

/// Gives the next commit to who asked for it; to nobody if Python has ended.
fn answer(back: &Py<PyAny>, next: Result<Option<Vec<u8>>>) {
    Python::try_attach(|py| {
        let (commit, error) = match next {
            Ok(commit) => (commit.map(|bytes| PyBytes::new(py, &bytes).unbind()), None),
            Err(failure) => (None, Some(exception(py, &failure).into_value(py))),
        };
        if let Err(error) = back.call1(py, (commit, error)) {
            error.write_unraisable(py, None);
        }
    });
}

impl Reader {
    async fn next(&self) -> Result<Option<Vec<u8>>> {
        let mut closed = self.closed.subscribe();
        let closed = pin!(closed.wait_for(|is_closed| *is_closed));
        match select(closed, pin!(self.read())).await {
            Either::Left(_) => Err(self.closed_error()),
            Either::Right((next, _)) => next,
        }
    }

    async fn read(&self) -> Result<Option<Vec<u8>>> {
        let mut stream = self.stream.lock().await;
        let Some((commits, _)) = stream.as_mut() else { return Err(self.closed_error()) };
        match commits.try_next().await? {
            Some(commit) => encode(&shown(commit)?).map(Some),
            None => Ok(None),
        }
    }

    fn closed_error(&self) -> Failure {
        if self.connection.is_closed() {
            return closed().into();
        }
        Error::invalid("the watch is closed").into()
    }
}

impl StoreUser for Reader {
    fn end(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.closed.send_replace(true);
            drop(self.stream.lock().await.take());
        })
    }
}

fn shown(commit: WatchedCommit) -> CoreResult<Document> {
    let meta = commit.meta;
    let changes = commit.changes.into_iter().map(change).collect::<CoreResult<Vec<_>>>()?;
    Ok(doc! {
        "token": commit.point.to_string(),
        "lsn": meta.lsn.get().cast_signed(),
        "time": meta.time,
        "actor": meta.actor.to_string(),
        "message": meta.message.as_str(),
        "changes": changes,
    })
}

fn change(change: WatchedChange) -> CoreResult<Document> {
    Ok(match change {
        WatchedChange::Document { collection, id, image } => {
            let document = match &image {
                Image::Document(document) => Bson::Document(
                    Document::try_from(document.as_raw()).map_err(parsed::malformed)?,
                ),
                Image::Deleted => Bson::Null,
            };
            doc! { "collection": collection.as_str(), "id": id.to_bson(), "document": document }
        }
        WatchedChange::Collection { info, dropped } => {
            doc! { "collection": info.name.as_str(), "dropped": dropped }
        }
    })
}
