//! A client of MongoDB's protocol that does no more than it must, so that the server is what is measured: it makes a
//! message, and looks at whether the reply is `ok`.

use std::net::SocketAddr;

use argon_server::wire::{Flags, MAX_MESSAGE_BYTES, Message, read_frame};
use bson::raw::RawDocument;
use bson::rawdoc;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::Result;

/// The bytes of an `OP_MSG` before its body: the flags and the kind of the section.
const BEFORE_BODY: usize = 5;

/// A connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    requests: i32,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), requests: 0 })
    }

    /// Runs a command, which names its database, and gives what `read` takes from the reply.
    pub(super) async fn run<T>(
        &mut self,
        command: &RawDocument,
        read: impl FnOnce(&RawDocument) -> Result<T>,
    ) -> Result<T> {
        self.requests += 1;
        let message = Message::encode(command, Flags::default(), self.requests, 0);
        self.stream.write_all(&message).await?;
        let frame = read_frame(&mut self.stream, MAX_MESSAGE_BYTES).await?;
        let frame = frame.ok_or("the server has closed the connection")?;
        let body = frame.body.get(BEFORE_BODY..).ok_or("a reply without a body")?;
        let reply = RawDocument::from_bytes(body)?;
        if !reply.get_f64("ok").is_ok_and(|ok| ok > 0.0) || reply.get_array("writeErrors").is_ok() {
            return Err(format!("{command:?} failed: {reply:?}").into());
        }
        read(reply)
    }

    /// Runs a command whose reply does not matter.
    pub(super) async fn done(&mut self, command: &RawDocument) -> Result<()> {
        self.run(command, |_| Ok(())).await
    }

    /// Runs a command that opens a cursor, and reads it to its end; gives the number of documents.
    pub(super) async fn drained(&mut self, database: &str, command: &RawDocument) -> Result<u64> {
        let (mut id, mut count) = self.run(command, |reply| batch(reply, "firstBatch")).await?;
        while id != 0 {
            let more = rawdoc! { "getMore": id, "collection": "documents", "$db": database };
            let (next, read) = self.run(&more, |reply| batch(reply, "nextBatch")).await?;
            (id, count) = (next, count + read);
        }
        Ok(count)
    }
}

/// The number of the cursor, and of the documents in a batch.
fn batch(reply: &RawDocument, name: &str) -> Result<(i64, u64)> {
    let cursor = reply.get_document("cursor")?;
    let documents = cursor.get_array(name)?.into_iter();
    Ok((cursor.get_i64("id")?, documents.count() as u64))
}
