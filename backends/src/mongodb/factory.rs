//! Making and opening stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use argon_core::storage::{
    Backend, Capabilities, Description, Diagnosis, Factory, Locality, Network, OpenOptions,
    SnapshotPolicy, StoreInfo, StoreUrl,
};
use argon_core::{Environment, Error, Hint, Result};
use async_trait::async_trait;

use super::address::Address;
use super::connection::Connection;
use super::extents::ExtentCache;
use super::log::MongoWal;
use super::maintenance::MongoMaintenance;
use super::materialize::MongoMaterialize;
use super::refs::MongoRefs;
use super::schema::{self, Contents, StoreRecord};
use super::snapshots::MongoSnapshots;

/// Makes and opens stores in MongoDB.
pub(crate) struct MongoFactory;

/// What the traits of an opened store share.
pub(super) struct Store {
    pub(super) server: Arc<Connection>,
    pub(super) environment: Environment,
    pub(super) info: StoreInfo,
    pub(super) extents: ExtentCache,
    /// Whether the store says that its documents have checksums.
    has_checksums: AtomicBool,
}

impl Store {
    /// What comes before every write that leaves a checksum.
    pub(super) async fn raise_format(&self) -> Result<()> {
        if !self.has_checksums.load(Ordering::Acquire) {
            schema::raise_format(&self.server).await?;
            self.has_checksums.store(true, Ordering::Release);
        }
        Ok(())
    }
}

#[async_trait]
impl Factory for MongoFactory {
    fn describe(&self) -> Description {
        Description {
            locality: Locality::Elsewhere,
            urls: &[
                "mongodb://[USER@]HOST[:PORT][,HOST…]/DATABASE[?OPTION=VALUE&…]",
                "mongodb+srv://[USER@]NAME/DATABASE[?…]",
            ],
            about: "a database of a MongoDB replica set; the options are those of MongoDB's own URLs, \
                    such as replicaSet=NAME, tls=true, authSource=admin",
            options: &[],
        }
    }

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
            format: schema::FORMAT,
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
            Contents::Nothing => Err(Error::not_found(format!("there is no store in {location}"))
                .with_hint(Hint::CreateStore { url: None })),
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
) -> Result<(Arc<Connection>, String)> {
    let address = Address::of(url, options).await?;
    let location = address.location();
    let server = Arc::new(Connection::new(address, environment)?);
    let (hello, _) = server.hello().await?;
    server.note_bulk_write(&hello);
    if hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid") {
        return Ok((server, location));
    }
    Err(Error::unsupported(format!(
        "the server of {location} is no member of a replica set, so it has no transactions, which a \
         store needs: start mongod with --replSet rs0, then in mongosh: rs.initiate(); a server that \
         only speaks MongoDB's protocol, such as FerretDB or mongo-java-server, can't hold a store"
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
        "the store in {location} lacks an index; make it again, {}; then check the store",
        remedies.join("; ")
    ))
    .with_hint(Hint::CheckStore)
}

pub(super) fn backend(
    server: Arc<Connection>,
    location: String,
    record: StoreRecord,
    environment: &Environment,
) -> Backend {
    let info = StoreInfo {
        engine: "mongodb".into(),
        format: record.format,
        id: record.id,
        created: Some(record.created),
        location,
        recovered: None,
    };
    let has_checksums = AtomicBool::new(record.format >= schema::CHECKSUM_FORMAT);
    let (environment, extents) = (environment.clone(), ExtentCache::default());
    let network: Arc<dyn Network> = server.clone();
    let store = Arc::new(Store { server, environment, info, extents, has_checksums });
    Backend {
        wal: Arc::new(MongoWal(store.clone())),
        refs: Arc::new(MongoRefs(store.clone())),
        snapshots: Arc::new(MongoSnapshots(store.clone())),
        materialize: Some(Arc::new(MongoMaterialize(store.clone()))),
        maintenance: Arc::new(MongoMaintenance(store)),
        deferred: None,
        network: Some(network),
        capabilities: Capabilities { durable: true, shared: true },
        snapshot_policy: SnapshotPolicy::BY_HAND,
    }
}
