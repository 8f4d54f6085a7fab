//! A server over a store in memory, and a client that speaks the protocol by hand.

#![allow(dead_code, reason = "each test uses a part")]

use std::net::SocketAddr;

use argon_core::Store;
use argon_core::model::BranchName;
use argon_server::wire::{Flags, MAX_MESSAGE_BYTES, Message, Opcode, read_frame};
use argon_server::{ServeOptions, Server, Stopper};
use bson::raw::RawDocumentBuf;
use bson::{Document, doc};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A server that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    stopper: Stopper,
    task: JoinHandle<()>,
}

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    last: i32,
}

pub(crate) fn options() -> ServeOptions {
    ServeOptions::new(BranchName::new("main").unwrap())
}

/// Serves a new store.
pub(crate) async fn serve(options: ServeOptions) -> Running {
    serve_store(argon_backends::memory_store().await.unwrap(), options).await
}

/// Serves a store.
pub(crate) async fn serve_store(store: Store, options: ServeOptions) -> Running {
    let server = Server::bind(store.clone(), "127.0.0.1:0", options).await.unwrap();
    let (address, stopper) = (server.address().unwrap(), server.stopper());
    Running { address, store, stopper, task: tokio::spawn(server.run()) }
}

impl Running {
    pub(crate) async fn client(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap(), last: 0 }
    }

    /// Stops the server, and waits for its end.
    pub(crate) async fn stop(self) {
        self.stopper.stop();
        self.task.await.unwrap();
    }
}

impl Client {
    /// Runs a command, whatever its reply.
    pub(crate) async fn run(&mut self, database: &str, command: Document) -> Document {
        self.begin(database, command).await;
        self.reply().await
    }

    /// Sends a command.
    pub(crate) async fn begin(&mut self, database: &str, mut command: Document) {
        command.insert("$db", database);
        let body = RawDocumentBuf::try_from(&command).unwrap();
        self.last += 1;
        let bytes = Message::encode(&body, Flags::default(), self.last, 0);
        self.send(&bytes).await;
    }

    /// Runs a command that succeeds.
    pub(crate) async fn ok(&mut self, database: &str, command: Document) -> Document {
        let shown = command.to_string();
        let reply = self.run(database, command).await;
        assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{shown}: {reply}");
        assert!(!reply.contains_key("writeErrors"), "{shown}: {reply}");
        reply
    }

    /// Runs a command that fails, and returns its code and message.
    pub(crate) async fn fails(&mut self, database: &str, command: Document) -> (i32, String) {
        let shown = command.to_string();
        let reply = self.run(database, command).await;
        assert_eq!(reply.get("ok"), Some(&bson::Bson::Double(0.0)), "{shown}: {reply}");
        (reply.get_i32("code").unwrap(), reply.get_str("errmsg").unwrap().to_owned())
    }

    /// The documents of a query that fit the first batch.
    pub(crate) async fn find(
        &mut self,
        database: &str,
        collection: &str,
        filter: Document,
    ) -> Vec<Document> {
        let reply = self.ok(database, doc! { "find": collection, "filter": filter }).await;
        batch(&reply, "firstBatch")
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next reply.
    pub(crate) async fn reply(&mut self) -> Document {
        let frame =
            read_frame(&mut self.stream, MAX_MESSAGE_BYTES).await.unwrap().expect("a reply");
        assert_eq!(frame.header.opcode, Opcode::Msg);
        let message = Message::decode(&frame).unwrap();
        Document::try_from(message.body.as_ref()).unwrap()
    }

    /// Whether the server has closed the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        matches!(read_frame(&mut self.stream, MAX_MESSAGE_BYTES).await, Ok(None) | Err(_))
    }
}

/// The documents of a batch.
pub(crate) fn batch(reply: &Document, name: &str) -> Vec<Document> {
    let cursor = reply.get_document("cursor").unwrap();
    let batch = cursor.get_array(name).unwrap();
    batch.iter().map(|document| document.as_document().unwrap().clone()).collect()
}

/// The number of a cursor.
pub(crate) fn cursor(reply: &Document) -> i64 {
    reply.get_document("cursor").unwrap().get_i64("id").unwrap()
}
