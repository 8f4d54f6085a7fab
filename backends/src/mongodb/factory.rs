//! Creates and opens stores.

use std::sync::Arc;

use argon_core::storage::{
    Backend, Capabilities, Description, Diagnosis, Factory, Locality, OpenOptions, SnapshotPolicy,
    StoreInfo, StoreUrl,
};
use argon_core::{Environment, Error, Hint, Result};
use async_trait::async_trait;

use super::address::Address;
use super::append::Appends;
use super::build_change::BuildChanges;
use super::builds::Builds;
use super::chunks::Chunks;
use super::connection::Connection;
use super::extents::Extents;
use super::format::StoreFormat;
use super::indexes::MongoIndexes;
use super::large_commit::LargeCommits;
use super::log::MongoWal;
use super::lookup::Lookup;
use super::maintenance::MongoMaintenance;
use super::materialize::MongoMaterialize;
use super::prune::TimelineRemoval;
use super::refs::MongoRefs;
use super::schema::{self, Contents, FORMAT, StoreRecord};
use super::snapshots::MongoSnapshots;
use super::timeline::Timelines;
use super::values::StoredValues;

/// Creates and opens stores in MongoDB.
pub(crate) struct MongoFactory;

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
                return Err(Error::already_exists(format!("a store already exists in {location}")));
            }
            Contents::Other(names) => return Err(occupied(&location, &names)),
        }
        let id: [u8; 16] = environment.random();
        let record = StoreRecord {
            format: FORMAT,
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
        let (contents, mut missing) = futures::try_join!(
            schema::contents(&server),
            schema::missing_indexes(&server, FORMAT)
        )?;

        match contents {
            Contents::Store(record) => {
                missing.retain(|index| index.is_in(record.format));
                match &missing[..] {
                    [] => Ok(backend(server, location, record, environment)),
                    missing => Err(lacks_indexes(&location, missing)),
                }
            }
            Contents::Nothing => Err(Error::not_found(format!("no store in {location}"))
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

/// Connects, and refuses a server without transactions.
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
        "the server of {location} is not a member of a replica set, so it lacks the transactions that a \
         store needs; start mongod with --replSet rs0, then in mongosh: rs.initiate(); a server that \
         only speaks MongoDB's protocol, such as FerretDB or mongo-java-server, can't hold a store"
    )))
}

fn occupied(location: &str, names: &[String]) -> Error {
    const SHOWN: usize = 5;
    let more = if names.len() > SHOWN { ", …" } else { "" };
    Error::invalid(format!(
        "{location} has other content ({}{more}); a store needs a database of its own",
        names[..names.len().min(SHOWN)].join(", ")
    ))
}

/// Opening does not create a missing index: on a large store that takes long and slows all users down,
/// and without a unique index there may be duplicates by now.
fn lacks_indexes(location: &str, missing: &[&schema::Index]) -> Error {
    let remedies: Vec<String> = missing.iter().map(|index| index.remedy()).collect();
    Error::invalid(format!(
        "the store in {location} lacks an index; create it again, {}; then check the store",
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
    let format = Arc::new(StoreFormat::new(&server, record.format));
    let extents = Extents::new(&server, &format);
    let timelines = Arc::new(Timelines { server: server.clone(), format: format.clone(), extents });
    let environment = environment.clone();
    let builds = Arc::new(Builds::new(&server, &format));
    let changes = Arc::new(BuildChanges {
        environment: environment.clone(),
        timelines: timelines.clone(),
        builds: builds.clone(),
    });
    let large = Arc::new(LargeCommits { server: server.clone(), environment: environment.clone() });
    let values = StoredValues { server: server.clone(), environment: environment.clone() };
    Backend {
        wal: Arc::new(MongoWal {
            timelines: timelines.clone(),
            appends: Appends {
                server: server.clone(),
                environment: environment.clone(),
                format: format.clone(),
                timelines: timelines.clone(),
                builds: builds.clone(),
                large: large.clone(),
            },
            removal: TimelineRemoval { timelines: timelines.clone(), changes: changes.clone() },
        }),
        refs: Arc::new(MongoRefs { server: server.clone(), environment, format }),
        snapshots: Arc::new(MongoSnapshots {
            server: server.clone(),
            values: values.clone(),
            chunks: Chunks { server: server.clone(), values },
        }),
        indexes: Some(Arc::new(MongoIndexes {
            server: server.clone(),
            timelines: timelines.clone(),
            builds,
            changes: changes.clone(),
        })),
        materialize: Some(Arc::new(MongoMaterialize {
            server: server.clone(),
            timelines: timelines.clone(),
            lookup: Lookup { server: server.clone() },
        })),
        maintenance: Arc::new(MongoMaintenance {
            server: server.clone(),
            info,
            timelines,
            changes,
            large,
        }),
        deferred: None,
        network: Some(server),
        capabilities: Capabilities { durable: true, shared: true },
        snapshot_policy: SnapshotPolicy::BY_HAND,
        sharing: None,
    }
}
