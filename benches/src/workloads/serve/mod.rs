//! The server of MongoDB's protocol, next to the same operations of the library in this process.
//!
//! The load comes from a client of its own (`client`), which costs less than a driver: that would be as busy as
//! the server.

mod client;
mod reads;
mod writes;

use std::net::SocketAddr;

use argon_core::Store;
use argon_core::model::BranchName;
use argon_server::{ServeOptions, Server, Stopper};
use tokio::task::JoinHandle;

use crate::Result;
use crate::report::Row;
use crate::subject::Subject;

use client::Client;

/// The project of the benches, which is the database of its first branch.
const DATABASE: &str = "bench";

/// Measures writes by 64 connections and by one; reads of the head, of the past and of a branch of a branch;
/// and a sandbox that answers.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let mut rows = writes::run(subject).await?;
    rows.extend(reads::run(subject).await?);
    Ok(rows)
}

/// A server over a store, in this process.
struct Serving {
    address: SocketAddr,
    stopper: Stopper,
    task: JoinHandle<()>,
}

impl Serving {
    async fn start(store: &Store) -> Result<Self> {
        let options = ServeOptions::new(BranchName::new(Store::FIRST_BRANCH)?);
        let server = Server::bind(store.clone(), "127.0.0.1:0", options).await?;
        let (address, stopper) = (server.address()?, server.stopper());
        Ok(Self { address, stopper, task: tokio::spawn(server.run()) })
    }

    async fn client(&self) -> Result<Client> {
        Client::connect(self.address).await
    }

    async fn stop(self) -> Result<()> {
        self.stopper.stop();
        Ok(self.task.await?)
    }
}
