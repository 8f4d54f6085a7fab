//! The commits of a branch as they are made.

use std::time::Duration;

use argon_core::model::{BranchName, Image, Lsn, Point, ProjectName};
use argon_core::watch::{WatchFrom, WatchStream, WatchedChange, WatchedCommit};
use argon_core::{Error, Result as CoreResult};
use argon_service::Result;
use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::commands as parsed;
use crate::connection::Lease;
use crate::documents::encode;
use crate::runtime::wait_here;

/// Follows a branch. The store stays open until it is closed or ends.
#[pyclass(frozen, module = "argondb._argondb")]
pub(crate) struct Watch {
    stream: Mutex<Option<(WatchStream, Lease)>>,
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
        Ok(Self { stream: Mutex::new(Some((stream, lease))) })
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
            let mut stream = self.stream.lock().await;
            let Some((commits, _)) = stream.as_mut() else {
                return Err(Error::invalid("the watch is closed").into());
            };
            let next = async {
                match commits.try_next().await? {
                    Some(commit) => encode(&shown(commit)?).map(Some),
                    None => Ok(None),
                }
            };
            match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
                Some(time) => timeout(time, next).await.unwrap_or(Ok(None)),
                None => next.await,
            }
        })?;
        Ok(bytes.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Ends the watch.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        wait_here(py, async {
            drop(self.stream.lock().await.take());
            Ok(())
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
