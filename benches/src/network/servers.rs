//! The servers that are started if none is named.

use argon_test_servers::{MongoServer, S3Server};

use crate::Result;
use crate::network::ServerName;

/// The database or the bucket of a started server.
const NAME: &str = "argon";

/// A server of a kind that runs until this is dropped.
pub struct Started {
    /// Where it is, without credentials.
    pub url: String,
    /// What a process needs in its environment to be let in.
    pub environment: Vec<(&'static str, &'static str)>,
    _server: Server,
}

#[expect(dead_code, reason = "held for what their destruction does")]
enum Server {
    MongoDb(MongoServer),
    S3(S3Server),
}

impl Started {
    /// Starts one, which takes a minute the first time on a machine.
    pub fn new(server: ServerName) -> Result<Self> {
        Ok(match server {
            ServerName::MongoDb => {
                let server = MongoServer::start()?;
                let (url, environment) = (server.url(NAME), Vec::new());
                Self { url, environment, _server: Server::MongoDb(server) }
            }
            ServerName::S3 => {
                let server = S3Server::start()?;
                server.create_bucket(NAME)?;
                let (url, environment) = (server.url(NAME, "bench"), server.environment().into());
                Self { url, environment, _server: Server::S3(server) }
            }
        })
    }
}
