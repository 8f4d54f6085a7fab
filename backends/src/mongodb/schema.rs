//! The collections of a store and their indexes.

use argon_core::{Error, Result};
use bson::{Bson, DateTime, Document, RawDocument, doc};
use futures::TryStreamExt;
use futures::future::try_join_all;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;

use super::checksum::{self, Sum};
use super::connection::{Connection, READ_TIME};
use super::failure::{Failure, corrupt};
use super::record::{int_field, text_field, time_field};

/// The format of a new store. In format 2 the index of versions is unique.
pub(super) const FORMAT: u32 = 4;

/// The first format with entries of indexes. An older store is raised to it before the first index is
/// built.
pub(super) const INDEX_FORMAT: u32 = 4;

/// The first format whose documents have checksums. An older store is raised to it before the first
/// write, and not to format 3, whose documents are the same.
pub(super) const CHECKSUM_FORMAT: u32 = 2;
const OLDEST_FORMAT: u32 = 1;

/// The identity of the store: one document, which makes the database a store.
pub(super) const STORE: &str = "argon";
/// The record of each timeline.
pub(super) const TIMELINES: &str = "timelines";
/// Commits that are too large for one transaction.
pub(super) const PIECES: &str = "pieces";
/// Commits without their documents.
pub(super) const COMMITS: &str = "commits";
/// Every version of every document.
pub(super) const VERSIONS: &str = "versions";
/// Parts of values that are too large for one document.
pub(super) const PARTS: &str = "parts";
/// Refs.
pub(super) const REFS: &str = "refs";
/// Chunks of snapshots.
pub(super) const CHUNKS: &str = "chunks";
/// Manifests of snapshots.
pub(super) const MANIFESTS: &str = "manifests";

/// The builds of indexes of each timeline.
pub(super) const BUILDS: &str = "builds";
/// Entries of indexes.
pub(super) const ENTRIES: &str = "entries";

pub(super) const COLLECTIONS: [&str; 11] =
    [STORE, TIMELINES, PIECES, COMMITS, VERSIONS, PARTS, REFS, CHUNKS, MANIFESTS, BUILDS, ENTRIES];

/// An index that a store needs, besides those of `_id`.
pub(super) struct Index {
    pub(super) collection: &'static str,
    pub(super) name: &'static str,
    fields: &'static [(&'static str, i32)],
    unique: bool,
    /// The first format of a store that has it.
    since: u32,
}

pub(super) static INDEXES: [Index; 7] = [
    // Makes an append a compare-and-set even beside a writer that does not read `timelines`.
    Index {
        collection: COMMITS,
        name: "timeline_lsn",
        fields: &[("t", 1), ("l", 1)],
        unique: true,
        since: OLDEST_FORMAT,
    },
    // Not unique, which would cost each version another seek: a commit has one version of a document,
    // and the unique index of commits allows one commit a position.
    Index {
        collection: VERSIONS,
        name: "newest_version",
        fields: &[("t", 1), ("c", 1), ("k", 1), ("l", -1)],
        unique: false,
        since: OLDEST_FORMAT,
    },
    Index {
        collection: PARTS,
        name: "owner_part",
        fields: &[("t", 1), ("o", 1), ("n", 1)],
        unique: true,
        since: OLDEST_FORMAT,
    },
    Index {
        collection: PIECES,
        name: "timeline_lsn",
        fields: &[("t", 1), ("l", 1)],
        unique: false,
        since: OLDEST_FORMAT,
    },
    Index {
        collection: REFS,
        name: "name",
        fields: &[("name", 1)],
        unique: true,
        since: OLDEST_FORMAT,
    },
    Index {
        collection: MANIFESTS,
        name: "timeline_lsn",
        fields: &[("t", 1), ("l", 1)],
        unique: true,
        since: OLDEST_FORMAT,
    },
    // Not unique: the `_id` is a digest of these fields.
    Index {
        collection: ENTRIES,
        name: "entry",
        fields: &[("t", 1), ("b", 1), ("k", 1), ("i", 1), ("x", -1)],
        unique: false,
        since: INDEX_FORMAT,
    },
];

impl Index {
    fn keys(&self) -> Document {
        self.fields
            .iter()
            .map(|(field, order)| ((*field).to_owned(), Bson::Int32(*order)))
            .collect()
    }

    fn model(&self) -> IndexModel {
        let options =
            IndexOptions::builder().name(self.name.to_owned()).unique(self.unique).build();
        IndexModel::builder().keys(self.keys()).options(options).build()
    }

    /// The command of mongosh that creates the index.
    pub(super) fn remedy(&self) -> String {
        let keys: Vec<String> =
            self.fields.iter().map(|(field, order)| format!("{field}: {order}")).collect();
        format!(
            "in mongosh: db.{}.createIndex({{{}}}, {{name: \"{}\", unique: {}}})",
            self.collection,
            keys.join(", "),
            self.name,
            self.unique
        )
    }

    /// Whether a store of a format has the index.
    pub(super) fn is_in(&self, format: u32) -> bool {
        self.since <= format
    }

    fn is(&self, found: &IndexModel) -> bool {
        let same = |(field, order): &(&str, i32), (name, value): (&String, &Bson)| {
            let found = value.as_i32().map(f64::from).or_else(|| value.as_f64());
            let found =
                found.or_else(|| value.as_i64().map(|order| if order < 0 { -1.0 } else { 1.0 }));
            field == name && found == Some(f64::from(*order))
        };
        let unique = found.options.as_ref().and_then(|options| options.unique) == Some(true);
        found.keys.len() == self.fields.len()
            && self.fields.iter().zip(&found.keys).all(|(a, b)| same(a, b))
            && (unique || !self.unique)
    }
}

/// The identity of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoreRecord {
    pub(super) format: u32,
    pub(super) id: String,
    pub(super) created: DateTime,
}

impl StoreRecord {
    /// The checksum, over the fields that never change.
    fn sum(&self) -> Sum {
        Sum::of(STORE).text(&self.id).number(self.created.timestamp_millis())
    }
}

/// The content of a database.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Contents {
    Store(StoreRecord),
    /// Nothing, or a store whose creation was interrupted.
    Nothing,
    /// Collections that are not of a store.
    Other(Vec<String>),
}

/// Reads what a database contains.
///
/// # Errors
/// `Unsupported` for a store of a newer format.
pub(super) async fn contents(server: &Connection) -> Result<Contents> {
    let store = server.collection(STORE);
    let find = store.find_one(doc! { "_id": "store" }).max_time(READ_TIME);
    if let Some(row) = server.read("read the identity of the store", find).await? {
        return decode(&row).map(Contents::Store);
    }
    let mut others = Vec::new();
    let names = server.database().list_collection_names();
    for name in server.read("list the collections of the database", names).await? {
        let ours = COLLECTIONS.contains(&name.as_str());
        let counts = !name.starts_with("system.");
        if counts && !(ours && is_empty(server, &name).await?) {
            others.push(name);
        }
    }
    others.sort();
    Ok(if others.is_empty() { Contents::Nothing } else { Contents::Other(others) })
}

async fn is_empty(server: &Connection, collection: &str) -> Result<bool> {
    let collection = server.collection(collection);
    let find = collection.find_one(doc! {}).projection(doc! { "_id": 1 }).max_time(READ_TIME);
    Ok(server.read("read a collection", find).await?.is_none())
}

fn decode(row: &RawDocument) -> Result<StoreRecord> {
    const WHAT: &str = "store";
    let format = match int_field(row, WHAT, "format")? {
        format if format > i64::from(FORMAT) => {
            return Err(Error::unsupported(format!(
                "the store has format {format}; this version of Argon reads {OLDEST_FORMAT} to {FORMAT}"
            )));
        }
        format => u32::try_from(format)
            .ok()
            .filter(|format| *format >= OLDEST_FORMAT)
            .ok_or_else(|| corrupt(WHAT, "has an invalid format", format!("{format}")))?,
    };
    let id = text_field(row, WHAT, "id")?.to_owned();
    let record = StoreRecord { format, id, created: time_field(row, WHAT, "created")? };
    let name = || "the identity of the store".to_owned();
    checksum::check(checksum::stored(row, WHAT)?, record.sum(), name)?;
    Ok(record)
}

/// Creates the missing collections and indexes, and last the document that makes the database a store.
/// If it is interrupted, it can be repeated.
///
/// # Errors
/// `AlreadyExists` if another process was faster.
pub(super) async fn make(server: &Connection, record: &StoreRecord) -> Result<()> {
    create_collections(server, &COLLECTIONS).await?;
    for index in missing_indexes(server, FORMAT).await? {
        create_index(server, index).await?;
    }
    let row = bson::rawdoc! {
        "_id": "store",
        "format": i32::try_from(record.format).unwrap_or(i32::MAX),
        "id": record.id.as_str(),
        "created": record.created,
        "crc": record.sum().value(),
    };
    match server.write("create the store", server.collection(STORE).insert_one(row)).await {
        Ok(_) => Ok(()),
        // It may be our own document: the driver repeats an insertion whose answer was lost.
        Err(Failure::Duplicate | Failure::Doubtful(_)) => match contents(server).await? {
            Contents::Store(found) if found == *record => Ok(()),
            _ => {
                Err(Error::already_exists("another process created a store there at the same time"))
            }
        },
        Err(Failure::Definite(error)) => Err(error),
    }
}

/// Creates the collections and indexes for entries of indexes in a store of an older format.
pub(super) async fn prepare_indexes(server: &Connection) -> Result<()> {
    create_collections(server, &[BUILDS, ENTRIES]).await?;
    let new = INDEXES.iter().filter(|index| index.since == INDEX_FORMAT);
    for index in new {
        create_index(server, index).await?;
    }
    Ok(())
}

async fn create_index(server: &Connection, index: &Index) -> Result<()> {
    let collection = server.collection(index.collection);
    server.read("create an index", collection.create_index(index.model())).await?;
    Ok(())
}

async fn create_collections(server: &Connection, names: &[&str]) -> Result<()> {
    const ALREADY_THERE: i32 = 48;
    for name in names {
        let create = server.database().create_collection(*name);
        match server.bounded(create).await {
            Some(Ok(())) => {}
            Some(Err(error)) if super::failure::code(&error) == Some(ALREADY_THERE) => {}
            Some(Err(error)) => {
                return Err(server.place().definite("create a collection", &error));
            }
            None => return Err(server.silence("create a collection")),
        }
    }
    Ok(())
}

/// The indexes that a store of a format lacks.
pub(super) async fn missing_indexes(
    server: &Connection,
    format: u32,
) -> Result<Vec<&'static Index>> {
    let mut names: Vec<&str> = INDEXES.iter().map(|index| index.collection).collect();
    names.dedup();
    let found = try_join_all(
        names
            .iter()
            .map(|name| async move { Ok::<_, Error>((*name, indexes_of(server, name).await?)) }),
    )
    .await?;
    Ok(INDEXES
        .iter()
        .filter(|index| index.is_in(format))
        .filter(|index| {
            !found.iter().any(|(name, models)| {
                *name == index.collection && models.iter().any(|model| index.is(model))
            })
        })
        .collect())
}

async fn indexes_of(server: &Connection, collection: &str) -> Result<Vec<IndexModel>> {
    const NO_SUCH_COLLECTION: i32 = 26;
    let what = "list the indexes of a collection";
    let collection = server.collection(collection);
    let listed = async { collection.list_indexes().await?.try_collect().await };
    match server.bounded(listed).await {
        Some(Ok(models)) => Ok(models),
        Some(Err(error)) if super::failure::code(&error) == Some(NO_SUCH_COLLECTION) => {
            Ok(Vec::new())
        }
        Some(Err(error)) => Err(server.place().definite(what, &error)),
        None => Err(server.silence(what)),
    }
}
