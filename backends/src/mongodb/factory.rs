//! Making and opening stores.

use std::sync::Arc;

use argon_core::storage::{
    Backend, Capabilities, Diagnosis, Factory, OpenOptions, SnapshotPolicy, StoreInfo, StoreUrl,
};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;
use bson::doc;

use super::address::Address;
use super::log::MongoWal;
use super::maintenance::MongoMaintenance;
use super::materialize::MongoMaterialize;
use super::pieces::Pieces;
use super::refs::MongoRefs;
use super::schema::{self, Contents, StoreRecord};
use super::server::Server;
use super::snapshots::MongoSnapshots;

/// Makes and opens stores in MongoDB.
pub(crate) struct MongoFactory;

/// What the traits of an opened store share.
pub(super) struct Store {
    pub(super) server: Arc<Server>,
    pub(super) environment: Environment,
    pub(super) info: StoreInfo,
    pub(super) pieces: Pieces,
}

#[async_trait]
impl Factory for MongoFactory {
    async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let (server, location) = connect(url, options, environment).await?;
        match schema::contents(&server).await? {
            Contents::Nothing => {}
            Contents::Store(_) => {
                return Err(Error::already_exists(format!(
                    "there is a store in {location} already"
                )));
            }
            Contents::Other(names) => return Err(occupied(&location, &names)),
        }
        let id: [u8; 16] = environment.random();
        let record = StoreRecord {
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            created: environment.now(),
        };
        schema::make(&server, &record).await?;
        Ok(backend(server, location, record, environment))
    }

    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let (server, location) = connect(url, options, environment).await?;
        let (contents, missing) =
            futures::try_join!(schema::contents(&server), schema::missing_indexes(&server))?;
        match contents {
            Contents::Store(_) if !missing.is_empty() => Err(lacks_indexes(&location, &missing)),
            Contents::Store(record) => Ok(backend(server, location, record, environment)),
            Contents::Nothing => Err(Error::not_found(format!(
                "there is no store in {location}; make one with `argon init`"
            ))),
            Contents::Other(names) => Err(occupied(&location, &names)),
        }
    }

    async fn diagnose(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Vec<Diagnosis> {
        super::diagnosis::diagnose(url, options, environment).await
    }
}

/// Connects, and refuses a server that has no transactions.
async fn connect(
    url: &StoreUrl,
    options: &OpenOptions,
    environment: &Environment,
) -> Result<(Arc<Server>, String)> {
    let address = Address::of(url, options).await?;
    let location = address.location();
    let server = Arc::new(Server::new(address, environment)?);
    let hello = server.database().run_command(doc! { "hello": 1 });
    let hello = server.read("be reached", hello).await?;
    if hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid") {
        return Ok((server, location));
    }
    Err(Error::unsupported(format!(
        "the server of {location} is no member of a replica set, so it has no transactions; run \
         `argon doctor`"
    )))
}

fn occupied(location: &str, names: &[String]) -> Error {
    const SHOWN: usize = 5;
    let more = if names.len() > SHOWN { ", …" } else { "" };
    Error::invalid(format!(
        "{location} holds something else ({}{more}); a store needs a database of its own",
        names[..names.len().min(SHOWN)].join(", ")
    ))
}

/// An index that is missing is not made in passing: on a large store that takes long and slows down
/// everyone, and a unique one may have let through what it was to keep out.
fn lacks_indexes(location: &str, missing: &[&schema::Index]) -> Error {
    let remedies: Vec<String> = missing.iter().map(|index| index.remedy()).collect();
    Error::invalid(format!(
        "the store in {location} lacks an index; make it again, {}; then run `argon fsck`",
        remedies.join("; ")
    ))
}

fn backend(
    server: Arc<Server>,
    location: String,
    record: StoreRecord,
    environment: &Environment,
) -> Backend {
    let info = StoreInfo {
        engine: "mongodb".into(),
        format: schema::FORMAT,
        id: record.id,
        created: Some(record.created),
        location,
        recovered: None,
    };
    let pieces = Pieces::default();
    let store = Arc::new(Store { server, environment: environment.clone(), info, pieces });
    Backend {
        wal: Arc::new(MongoWal(store.clone())),
        refs: Arc::new(MongoRefs(store.clone())),
        snapshots: Arc::new(MongoSnapshots(store.clone())),
        materialize: Some(Arc::new(MongoMaterialize(store.clone()))),
        maintenance: Arc::new(MongoMaintenance(store)),
        capabilities: Capabilities { durable: true, shared: true },
        snapshot_policy: SnapshotPolicy::BY_HAND,
    }
}
