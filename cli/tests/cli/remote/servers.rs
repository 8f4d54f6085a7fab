//! The servers, started once for all tests of this program, and how to reach them.

use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;

use argon_test_servers::{MongoServer, S3Server, server_or_skip};

use crate::support::Place;

const BUCKET: &str = "argon";

/// A server that a store can be on.
pub(super) struct Remote {
    /// The store's engine.
    pub(super) name: &'static str,
    server: &'static Server,
}

enum Server {
    MongoDb(MongoServer),
    S3(S3Server),
}

/// The servers that this build has backends for and that can be had here.
pub(super) fn remotes(tests: &str) -> Vec<Remote> {
    static MONGODB: OnceLock<Result<Server, String>> = OnceLock::new();
    static S3: OnceLock<Result<Server, String>> = OnceLock::new();
    let mut remotes = Vec::new();
    let mut add = |name, server: &'static Result<Server, String>| {
        let tests = format!("{tests} ({name})");
        let server = server.as_ref().map_err(|reason| io::Error::other(reason.as_str()).into());
        remotes.extend(server_or_skip(&tests, server).map(|server| Remote { name, server }));
    };
    if cfg!(feature = "mongodb") {
        add("mongodb", MONGODB.get_or_init(start_mongodb));
    }
    if cfg!(feature = "s3") {
        add("s3", S3.get_or_init(start_s3));
    }
    remotes
}

fn start_mongodb() -> Result<Server, String> {
    MongoServer::start().map(Server::MongoDb).map_err(|reason| reason.to_string())
}

fn start_s3() -> Result<Server, String> {
    let server = S3Server::start().map_err(|reason| reason.to_string())?;
    server.create_bucket(BUCKET).map_err(|error| error.to_string())?;
    Ok(Server::S3(server))
}

impl Remote {
    /// An empty directory, with what the program needs to reach the server.
    pub(super) fn place(&self) -> Place {
        let mut place = Place::empty();
        if let Server::S3(server) = self.server {
            let variables = server.environment().map(|(name, value)| (name, value.to_owned()));
            place.variables.extend(variables);
        }
        place
    }

    /// The URL of a store; one for each name.
    pub(super) fn url(&self, name: &str) -> String {
        self.url_by(self.address(), name)
    }

    /// The same by way of a proxy.
    pub(super) fn url_by(&self, address: SocketAddr, name: &str) -> String {
        match self.server {
            Server::MongoDb(server) => server.url_by(address, name),
            Server::S3(server) => server.url_by(address, BUCKET, name),
        }
    }

    /// Where the server listens.
    pub(super) fn address(&self) -> SocketAddr {
        match self.server {
            Server::MongoDb(server) => server.address(),
            Server::S3(server) => server.address(),
        }
    }
}
