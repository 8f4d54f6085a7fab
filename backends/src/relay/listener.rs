//! The process that has the store: it listens, and runs the requests of others.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use argon_core::model::Point;
use argon_core::storage::{Backend, BuildStatus, Finding, Maintenance, Sharing, StoreInfo};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;

use super::answer::{answer, failed};
use super::codec::Encode as _;
use super::recent_chunks::RecentChunks;
use super::{DONE, FAILED, GREETING, MOST_FRAME_BYTES, SOCKET, address};
use crate::directory::identity;

/// The most connections at one time; further ones are refused.
const CONNECTIONS: usize = 256;

/// How long a connection has to say what it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens at a store's socket until it is dropped.
pub(crate) struct Listener {
    path: PathBuf,
    /// Device and inode of the socket.
    identity: Option<(u64, u64)>,
    accepting: AbortHandle,
}

impl Listener {
    /// Shares `backend` with other processes of this user, and returns it as this process uses it. The
    /// last one that has it ends the listening.
    ///
    /// Runs on the current runtime of tokio, which needs its IO and time. Where no socket can be, the store stays
    /// this process's own.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn share(
        directory: &Path,
        mut backend: Backend,
        environment: &Environment,
    ) -> Result<Backend> {
        let path = directory.join(SOCKET);
        let listener = match bind(directory) {
            Ok(listener) => listener,
            Err(error) => {
                let path = path.display();
                tracing::warn!(%error, "can't listen at {path}: other processes wait for the store");
                return Ok(backend);
            }
        };
        close_interrupted(&backend).await?;
        let sharing = Arc::new(Sharing::default());
        let recent = RecentChunks::new(backend.snapshots, environment.clone());
        backend.snapshots = Arc::new(recent);
        backend.capabilities.shared = true;
        let shared = Arc::new(Shared { backend: backend.clone(), sharing: sharing.clone() });
        let accepting = tokio::spawn(accept(listener, shared)).abort_handle();
        let listening = Self { identity: identity(&path), path, accepting };
        backend.maintenance = Arc::new(ListenedTo {
            listening,
            inner: backend.maintenance,
            sharing: sharing.clone(),
        });
        backend.sharing = Some(sharing);
        Ok(backend)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Left behind, it refuses connections, and the next listener replaces it. Another store may have been made
        // at the path.
        if identity(&self.path) == self.identity {
            let _ = fs::remove_file(&self.path);
        }
        self.accepting.abort();
    }
}

/// Ends the builds of indexes that were interrupted: once other processes use the store, one of them may be building.
async fn close_interrupted(backend: &Backend) -> Result<()> {
    let Some(indexes) = &backend.indexes else { return Ok(()) };
    for timeline in backend.wal.timelines().await? {
        for build in indexes.builds(timeline).await?.iter() {
            if build.status == BuildStatus::Building {
                indexes.close(timeline, build.id).await?;
            }
        }
    }
    Ok(())
}

/// Binds the socket, for this user alone; the store is locked, so what is there is left over.
fn bind(directory: &Path) -> io::Result<UnixListener> {
    let (path, _open) = address(directory)?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // The directory of a store is for its owner alone already.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// What all connections use.
pub(super) struct Shared {
    pub(super) backend: Backend,
    /// What core hears of the others, and they of it.
    pub(super) sharing: Arc<Sharing>,
}

/// The connections are tasks of this one, which end with it: a write that has begun is completed by the
/// engine's own thread.
async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((mut stream, _)) => {
                let (shared, is_free) = (shared.clone(), connections.len() < CONNECTIONS);
                connections.spawn(async move {
                    let served = if is_free {
                        serve(&mut stream, &shared).await
                    } else {
                        refuse(&mut stream).await
                    };
                    if let Err(error) = served {
                        tracing::debug!(%error, "a connection of another process ended");
                    }
                });
            }
            // Such as too many open files: wait for some to be closed.
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection at {SOCKET}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn refuse(stream: &mut UnixStream) -> io::Result<()> {
    tracing::warn!("other processes have {CONNECTIONS} connections; one more was refused");
    let error = Error::unavailable(format!(
        "process {} has the store open, and other processes have {CONNECTIONS} connections to it; try again when \
         some have ended",
        std::process::id()
    ));
    send(stream, &failed(&error)).await
}

/// Answers the requests of a connection, one after the other, until it is closed.
async fn serve(stream: &mut UnixStream, shared: &Shared) -> io::Result<()> {
    let mut greeting = [0; GREETING.len()];
    let greeted = tokio::time::timeout(PATIENCE, stream.read_exact(&mut greeting)).await;
    greeted.map_err(|_| io::ErrorKind::TimedOut)??;
    let mut out = Vec::new();
    if greeting == *GREETING {
        out.push(DONE);
        shared.backend.maintenance.info().put(&mut out);
    } else {
        out.push(FAILED);
        Error::unsupported(format!(
            "process {} has the store open, and is of another version of Argon; use the same version, or \
             end that process",
            std::process::id()
        ))
        .put(&mut out);
    }
    send(stream, &out).await?;
    while let Some(request) = receive(stream).await? {
        answer(&request, shared, stream).await?;
    }
    Ok(())
}

/// Writes a frame.
pub(super) async fn send(stream: &mut UnixStream, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MOST_FRAME_BYTES);
    let length = length.ok_or(io::ErrorKind::InvalidData)?;
    stream.write_all(&length.to_le_bytes()).await?;
    stream.write_all(body).await
}

/// Reads a frame; `None` at the end of the connection.
async fn receive(stream: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = u32::from_le_bytes(length);
    if length > MOST_FRAME_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    stream.take(length.into()).read_to_end(&mut body).await?;
    if body.len() as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(body))
}

/// The upkeep of a store that is shared; it ends the listening when it is dropped.
struct ListenedTo {
    #[expect(dead_code, reason = "it listens as long as it exists")]
    listening: Listener,
    inner: Arc<dyn Maintenance>,
    sharing: Arc<Sharing>,
}

#[async_trait]
impl Maintenance for ListenedTo {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn stored_bytes(&self) -> Result<u64> {
        self.inner.stored_bytes().await
    }

    async fn compact(&self) -> Result<()> {
        self.inner.compact().await
    }

    async fn open_elsewhere(&self) -> Result<Vec<Point>> {
        Ok(self.sharing.held())
    }

    fn verify(&self) -> BoxStream<'static, Result<Finding>> {
        self.inner.verify()
    }
}
