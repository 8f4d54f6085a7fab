//! MongoDB's driver.

use argon_core::model::Document;
use async_trait::async_trait;
use bson::raw::RawDocumentBuf;
use bson::spec::BinarySubtype;
use bson::{Binary, doc, rawdoc};
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use mongodb::{Client, Collection, IndexModel};
use tokio::sync::OnceCell;

use crate::Result;
use crate::documents::{DOCUMENT_BYTES, id, raw};
use crate::network::RemoteLocation;
use crate::network::raw::Raw;
use crate::network::remote::password;
use crate::writing::IMPORT_COMMIT;

/// The documents that were filled in.
const FILLED: &str = "filled";

/// Those that workloads write.
const WRITTEN: &str = "written";

/// The rows in which a store would keep them.
const ROWS: &str = "rows";

/// Two plain collections of a database of its own, and one like a store's.
pub(super) struct MongoDriver {
    options: ClientOptions,
    client: Client,
    database: String,
    prefix: String,
    has_index: OnceCell<()>,
}

impl MongoDriver {
    pub(super) async fn connect(place: &RemoteLocation) -> Result<Self> {
        let url = place.store("driver")?;
        let mut options = ClientOptions::parse(format!("{}:{}", url.scheme(), url.rest())).await?;
        let journal = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
        options.write_concern = Some(journal);
        if let Some(credential) = &mut options.credential {
            credential.password = credential.password.take().or_else(password);
        }
        let database = options.default_database.clone().ok_or("the URL names no database")?;
        let client = Client::with_options(options.clone())?;
        let (prefix, has_index) = (place.prefix().to_owned(), OnceCell::new());
        Ok(Self { options, client, database, prefix, has_index })
    }

    fn collection(&self, name: &str) -> Collection<RawDocumentBuf> {
        self.client.database(&self.database).collection(name)
    }
}

#[async_trait]
impl Raw for MongoDriver {
    async fn write(&self, documents: &[RawDocumentBuf], _: u64) -> Result<()> {
        let collection = self.collection(WRITTEN);
        match documents {
            [document] => collection.insert_one(document).await.map(drop)?,
            _ => collection.insert_many(documents).await.map(drop)?,
        }
        Ok(())
    }

    async fn write_rows(&self, documents: &[RawDocumentBuf]) -> Result<bool> {
        let collection = self.collection(ROWS);
        let create = || async {
            let keys = doc! { "t": 1, "c": 1, "k": 1, "l": -1 };
            collection.create_index(IndexModel::builder().keys(keys).build()).await.map(drop)
        };
        self.has_index.get_or_try_init(create).await?;
        let rows: Vec<_> = documents.iter().map(row).collect::<Result<_>>()?;
        collection.insert_many(&rows).await?;
        Ok(true)
    }

    async fn fill(&self, documents: u64) -> Result<()> {
        let all: Vec<_> = (0..documents).map(|number| raw(number, 0, DOCUMENT_BYTES)).collect();
        for documents in all.chunks(IMPORT_COMMIT) {
            self.collection(FILLED).insert_many(documents).await?;
        }
        Ok(())
    }

    async fn read(&self, numbers: &[u64], _: u64) -> Result<()> {
        if let [number] = numbers {
            let found = self.collection(FILLED).find_one(doc! { "_id": id(*number) }).await?;
            return found.map(drop).ok_or_else(|| "the document is not there".into());
        }
        let ids: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
        let filter = doc! { "_id": { "$in": ids } };
        let found = read_all(&self.collection(FILLED), filter).await?;
        if found == numbers.len() { Ok(()) } else { Err("documents are missing".into()) }
    }

    async fn scan(&self, documents: u64, _: u64) -> Result<()> {
        let found = read_all(&self.collection(FILLED), doc! {}).await?;
        if found as u64 == documents { Ok(()) } else { Err("documents are missing".into()) }
    }

    async fn read_anew(&self, number: u64, bytes: u64) -> Result<()> {
        let (options, database) = (self.options.clone(), self.database.clone());
        let client = Client::with_options(options.clone())?;
        let (prefix, has_index) = (String::new(), OnceCell::new());
        Self { options, client, database, prefix, has_index }.read(&[number], bytes).await
    }

    async fn remove(&self) -> Result<()> {
        for name in self.client.list_database_names().await? {
            if name.starts_with(&self.prefix) {
                self.client.database(&name).drop().await?;
            }
        }
        Ok(())
    }
}

/// The row of a version (`backends/src/mongodb/rows.rs`).
fn row(document: &RawDocumentBuf) -> Result<RawDocumentBuf> {
    let id = document.get_object_id("_id")?;
    let (key, document) = Document::checked(document.clone())?;
    let binary = |bytes: &[u8]| Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() };
    let key: String = key.as_bytes().iter().copied().map(char::from).collect();
    Ok(rawdoc! {
        "_id": id,
        "t": binary(&[7; 16]),
        "c": i64::MAX / 3,
        "k": key,
        "l": 1_i64,
        "d": binary(document.as_bytes()),
        "crc": 1,
    })
}

/// Copies the documents, as a program must that keeps them.
async fn read_all(
    collection: &Collection<RawDocumentBuf>,
    filter: bson::Document,
) -> Result<usize> {
    let mut cursor = collection.find(filter).await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.current().to_owned());
    }
    Ok(documents.len())
}
