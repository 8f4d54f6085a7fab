//! The command line of `bench`.

use std::path::PathBuf;

use argon_benches::Result;
use argon_benches::network::{RemoteLocation, ServerName};
use argon_benches::report::AnyEngine;
use argon_benches::request::Request;
use argon_benches::subject::Scale;
use argon_core::storage::StoreUrl;
use clap::Parser;
use clap::builder::PossibleValuesParser;

/// Measures Argon next to what it is built on, the bare engines or the drivers of the servers, and
/// prints one table.
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    after_help = "Without a URL a server of the tests is started. A URL with a password belongs into \
                  ARGON_BENCH_MONGODB_URL instead; ARGON_STORE_PASSWORD is the password of the user \
                  that a URL names without one. S3's credentials are looked for as by every AWS tool. \
                  What a run writes has names of its own, and is removed in the end unless --keep says otherwise."
)]
pub(crate) struct Arguments {
    /// Which engines, separated by commas: sled, fjall, memory, mongodb, s3
    #[arg(long, value_delimiter = ',', default_value = "sled,fjall,memory")]
    pub(crate) engine: Vec<AnyEngine>,

    /// Only these workloads, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = names(), value_name = "NAME")]
    only: Vec<String>,

    /// Cut the large sizes down, to see quickly where one stands
    #[arg(long)]
    quick: bool,

    /// Write the figures to this file as well, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Put the stores here, on the disk that is to be measured; they are removed in the end
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Measure this server of MongoDB
    #[arg(long, value_name = "mongodb://HOST/DATABASE")]
    mongodb_url: Option<String>,

    /// Measure this bucket of S3
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    s3_url: Option<String>,

    /// Leave what was written on these servers, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "ENGINE")]
    keep: Vec<AnyEngine>,

    /// Store the .bson files below this directory in S3, and weigh them
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
}

fn names() -> PossibleValuesParser {
    Request::workloads().into()
}

/// The option that names a server.
pub(crate) fn url_option(server: ServerName) -> &'static str {
    match server {
        ServerName::MongoDb => "--mongodb-url",
        ServerName::S3 => "--s3-url",
    }
}

impl Arguments {
    /// What is to be measured.
    pub(crate) fn request(&self) -> Result<Request> {
        let (mut engines, mut places) = (Vec::new(), Vec::new());
        for engine in &self.engine {
            match engine {
                AnyEngine::Embedded(engine) => engines.push(*engine),
                AnyEngine::Network(server) => {
                    places.push((self.place(*server)?, self.keep.contains(engine)));
                }
            }
        }
        Ok(Request {
            engines,
            places,
            only: self.only.clone(),
            scale: if self.quick { Scale::Quick } else { Scale::Full },
            directory: self.directory.clone().unwrap_or_else(std::env::temp_dir),
            dump: self.dump.clone(),
        })
    }

    /// The servers that are wanted and not named.
    pub(crate) fn servers_to_start(&self) -> Result<Vec<ServerName>> {
        let mut missing = Vec::new();
        for server in ServerName::ALL {
            if self.engine.contains(&server.into()) && self.url(server)?.is_none() {
                missing.push(server);
            }
        }
        Ok(missing)
    }

    /// Where on a server the stores go.
    fn place(&self, server: ServerName) -> Result<RemoteLocation> {
        RemoteLocation::new(server, &self.url(server)?.ok_or("no server is named")?)
    }

    /// The URL of a server; that of MongoDB may be in the environment.
    fn url(&self, server: ServerName) -> Result<Option<String>> {
        let (given, variable) = match server {
            ServerName::MongoDb => (&self.mongodb_url, "ARGON_BENCH_MONGODB_URL"),
            ServerName::S3 => (&self.s3_url, "ARGON_BENCH_S3_URL"),
        };
        let Some(url) = given else { return Ok(std::env::var(variable).ok()) };
        if url.parse::<StoreUrl>()?.has_secrets() {
            return Err(format!(
                "every user of this machine can see the password on the command line; set \
                 {variable} instead"
            )
            .into());
        }
        Ok(Some(url.clone()))
    }
}
