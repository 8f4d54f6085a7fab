//! A proxy that makes a server far away: what it answers comes late by a fixed time.
//!
//! Requests that are sent together are late together, so the time that an operation takes longer than
//! without the proxy, divided by that fixed time, is how many round trips it waits for.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::Result;

/// The proxy. Its connections are closed when it is dropped.
#[derive(Debug)]
pub struct Distance {
    address: SocketAddr,
    listening: JoinHandle<()>,
}

impl Distance {
    /// Listens on a free port of this machine, and passes all on to `server`.
    pub async fn start(server: SocketAddr, late: Duration) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(connection(client, server, late));
            }
        });
        Ok(Self { address, listening })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Distance {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Ends when either side closes.
async fn connection(client: TcpStream, server: SocketAddr, late: Duration) -> Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((mut from_client, to_client), (from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let (on_the_way, arriving) = mpsc::unbounded_channel();
    tokio::select! {
        copied = tokio::io::copy(&mut from_client, &mut to_server) => copied.map(drop)?,
        read = answers(from_server, late, on_the_way) => read?,
        written = arrivals(arriving, to_client) => written?,
    }
    Ok(())
}

/// Takes what the server says, with the moment at which it is to arrive.
async fn answers(
    mut from: OwnedReadHalf,
    late: Duration,
    on_the_way: mpsc::UnboundedSender<(Instant, Vec<u8>)>,
) -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        on_the_way.send((Instant::now() + late, buffer[..length].to_vec()))?;
    }
}

async fn arrivals(
    mut arriving: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>,
    mut to: OwnedWriteHalf,
) -> Result<()> {
    while let Some((at, bytes)) = arriving.recv().await {
        sleep_until(at).await;
        to.write_all(&bytes).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::future::join;

    use super::*;
    use crate::clock::time_of;

    const LATE: Duration = Duration::from_millis(50);

    /// Gives back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) -> Result<()> {
        let (mut from, mut to) = stream.split();
        let mut answer = vec![0; bytes.len()];
        let (written, read) = join(to.write_all(bytes), from.read_exact(&mut answer)).await;
        written?;
        read?;
        assert_eq!(answer, bytes);
        Ok(())
    }

    #[tokio::test]
    async fn each_answer_is_late_and_whole() {
        let proxy = Distance::start(echo().await, LATE).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        let in_turn = time_of(async {
            round_trip(&mut stream, b"ping").await?;
            round_trip(&mut stream, &vec![7; 300_000]).await
        });
        assert!(in_turn.await.unwrap() >= 2 * LATE);
    }
}
