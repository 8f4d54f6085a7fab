//! The class that reads and writes documents of a place.

use std::sync::Arc;

use argon_core::write::Receipt;
use argon_core::{Error, ErrorKind};
use argon_query::commands;
use argon_query::expression::{Context, Evaluation};
use argon_query::filter::FilterOptions;
use argon_query::find::{self, Find, FindCommand, Selection};
use argon_query::modify::Modified;
use argon_query::pipeline::Pipeline;
use argon_service::document::{CountDocuments, ExplainQuery, FindDocuments, count_one, explain};
use argon_service::json::{HintValue, QueryDocument};
use argon_service::{Failure, Result};
use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::bulk::{self, Bulk};
use crate::columns;
use crate::commands as parsed;
use crate::cursor::Cursor;
use crate::find_and_modify;
use crate::place::{PlaceOfDocuments, Reading};
use crate::runtime::{wait, wait_here};

/// The documents of the head of a branch, of a past state, or of a transaction.
#[pyclass(frozen, module = "argondb._argondb")]
pub(crate) struct Documents {
    place: PlaceOfDocuments,
}

/// The numbers of matched and modified documents, the `_id` of an inserted one in a document, and the commit.
type Changed<'py> = (u64, u64, Option<Bound<'py, PyBytes>>, Option<u64>);

impl Documents {
    pub(crate) fn of(place: PlaceOfDocuments) -> Self {
        Self { place }
    }
}

#[pymethods]
impl Documents {
    /// The position: of a past state, or of the head now.
    fn lsn(&self, py: Python<'_>) -> PyResult<u64> {
        if let Some(past) = self.place.past() {
            return Ok(past.lsn.get());
        }
        wait_here(py, async { Ok(self.place.reading().await?.state.lsn().get()) })
    }

    /// The digest of the last commit, which covers all before.
    fn digest(&self, py: Python<'_>) -> PyResult<String> {
        if let Some(past) = self.place.past() {
            return Ok(past.digest.to_string());
        }
        wait_here(py, async {
            Ok(self.place.reading().await?.state.last_digest().await?.to_string())
        })
    }

    /// The names of the collections.
    fn collections(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        wait_here(py, async {
            let state = self.place.reading().await?.state;
            Ok(state.collections().map(|info| info.name.to_string()).collect())
        })
    }

    /// The definitions of the indexes of a collection, as documents one after the other.
    fn indexes<'py>(&self, py: Python<'py>, collection: &str) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = wait_here(py, async {
            let name = parsed::collection(collection)?;
            let state = self.place.reading().await?.state;
            let mut bytes = Vec::new();
            if let Some(info) = state.info(&name) {
                for definition in info.listed_indexes().iter() {
                    bytes.extend(encode(definition)?);
                }
            }
            Ok(bytes)
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Finds documents.
    fn find(&self, py: Python<'_>, collection: &str, command: &[u8]) -> PyResult<Cursor> {
        wait_here(py, async {
            let name = parsed::collection(collection)?;
            let mut command = parsed::parse(command)?;
            let time = parsed::max_time(&mut command)?;
            let find = Find::compile(&parsed::find(&mut command)?)?;
            let Reading { lease, execution, .. } = self.place.reading().await?;
            Cursor::new(find.run(name.as_str(), &execution), lease, time)
        })
    }

    /// How a query is answered, as the document of MongoDB's `explain`. With `execute`, it is run, to count what it
    /// reads.
    fn explain<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        command: Vec<u8>,
        execute: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        let bytes = wait(py, async move {
            let collection = parsed::collection(&collection)?;
            let find = parsed::find(&mut parsed::parse(&command)?)?;
            let reading = place.reading().await?;
            if !reading.is_state {
                return Err(unsupported("explain after a write"));
            }
            let query = FindDocuments {
                filter: QueryDocument(find.filter),
                projection: QueryDocument(find.projection),
                sort: QueryDocument(find.sort),
                skip: find.skip,
                limit: (find.limit > 0).then_some(find.limit),
                collation: QueryDocument(find.collation),
                hint: find.hint.map(HintValue),
                collection,
            };
            let revision = format!("{}@{}", place.branch, reading.state.lsn());
            let names = (place.project.as_str(), revision.as_str());
            let request = ExplainQuery { query, execute };
            let explained = explain(&reading.state, request, names).await?;
            let mut document = Document::new();
            let planner = ("queryPlanner", Some(explained.query_planner));
            for (name, part) in [planner, ("executionStats", explained.execution_stats)] {
                if let Some(part) = part {
                    document.insert(name, part.to_bson().map_err(parsed::malformed)?);
                }
            }
            encode(&document)
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The documents that a query finds as columns in Arrow's layout; see `columns/export.rs`.
    fn columns<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        command: Vec<u8>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        let table = wait(py, async move {
            let name = parsed::collection(&collection)?;
            let find = Find::compile(&parsed::find(&mut parsed::parse(&command)?)?)?;
            let reading = place.reading().await?;
            columns::table(&find, name.as_str(), &reading.execution).await
        })?;
        columns::exported(py, &table)
    }

    /// The first document that a query finds.
    fn find_one<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        command: &[u8],
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let row = wait_here(py, async {
            let name = parsed::collection(collection)?;
            let command = parsed::find(&mut parsed::parse(command)?)?;
            let find = Find::compile(&FindCommand { limit: 1, ..command })?;
            let reading = self.place.reading().await?;
            let mut rows = find.run(name.as_str(), &reading.execution);
            Ok(rows.try_next().await.map_err(Failure::from)?.and_then(|mut batch| batch.pop()))
        })?;
        Ok(row.map(|row| PyBytes::new(py, row.as_raw().as_bytes())))
    }

    /// Runs a pipeline. One that writes is done when this returns.
    #[pyo3(signature = (collection, command, actor=None, message=None))]
    fn aggregate(
        &self,
        py: Python<'_>,
        collection: &str,
        command: Vec<u8>,
        actor: Option<String>,
        message: Option<String>,
    ) -> PyResult<Cursor> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        wait(py, async move {
            let name = parsed::collection(&collection)?;
            let mut command = parsed::parse(&command)?;
            let options = parsed::options(&mut command)?;
            let time = parsed::max_time(&mut command)?;
            let stages = parsed::list(&mut command, "pipeline")?;
            let pipeline = Arc::new(Pipeline::compile(&stages, &options)?);
            if pipeline.write().is_none() {
                let Reading { lease, execution, .. } = place.reading().await?;
                return Cursor::new(pipeline.run(name.as_str(), &execution), lease, time);
            }
            if place.open_transaction().is_some() {
                return Err(unsupported("a pipeline with $out or $merge"));
            }
            let signature = parsed::signature(actor, message)?;
            let (_lease, branch) = place.writable().await?;
            pipeline.write_to(&branch, name.as_str(), &|| signature.request(&branch)).await?;
            Ok(Cursor::empty())
        })
    }

    /// The number of documents that a query finds.
    fn count(&self, py: Python<'_>, collection: &str, command: Vec<u8>) -> PyResult<u64> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        wait(py, async move {
            let name = parsed::collection(&collection)?;
            let command = parsed::find(&mut parsed::parse(&command)?)?;
            let reading = place.reading().await?;
            let is_plain = command.skip == 0 && command.limit == 0 && command.hint.is_none();
            if reading.is_state && is_plain {
                let FindCommand { filter, collation, .. } = command;
                let (filter, collation) = (QueryDocument(filter), QueryDocument(collation));
                let request = CountDocuments { collection: name, filter, collation, hint: None };
                return match count_one(&reading.state, request).await {
                    Ok(counted) => Ok(counted.documents),
                    Err(failure) if is_missing(&failure) => Ok(0),
                    Err(failure) => Err(failure),
                };
            }
            let rows = Find::compile(&command)?.run(name.as_str(), &reading.execution);
            let count = |count, batch: Vec<_>| async move { Ok(count + batch.len() as u64) };
            Ok(rows.try_fold(0, count).await?)
        })
    }

    /// The different values of a field, as the field `values` of a document.
    fn distinct<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        field: &str,
        command: Vec<u8>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let place = self.place.clone();
        let (collection, field) = (collection.to_owned(), field.to_owned());
        let bytes = wait(py, async move {
            let name = parsed::collection(&collection)?;
            let mut command = parsed::parse(&command)?;
            let collation = find::collation_of(&parsed::document(&mut command, "collation")?)?;
            let filter = parsed::document(&mut command, "filter")?;
            let reading = place.reading().await?;
            if !reading.is_state {
                return Err(unsupported("distinct after a write"));
            }
            let context = Arc::new(Context::of(reading.state.environment()));
            let options =
                FilterOptions { collation: collation.clone(), ..FilterOptions::default() };
            let selection = Selection::compile(&filter, &options, Evaluation::new(context))?;
            let values = match reading.state.collection(&name) {
                Ok(view) => find::distinct(&view, &selection, &field, collation.as_deref()).await?,
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            let values = values.into_iter().map(Bson::try_from).collect::<Result<Vec<_>, _>>();
            encode(&doc! { "values": values.map_err(parsed::malformed)? })
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Inserts documents, which stand one after the other, in one commit. Returns the commit.
    #[pyo3(signature = (collection, documents, actor=None, message=None))]
    fn insert(
        &self,
        py: Python<'_>,
        collection: &str,
        documents: Vec<u8>,
        actor: Option<String>,
        message: Option<String>,
    ) -> PyResult<Option<u64>> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        wait(py, async move {
            let name = parsed::collection(&collection)?;
            let documents = parsed::split(&documents)?;
            if let Some(open) = place.open_transaction() {
                let mut begun = open.lock().await;
                let begun = begun.as_mut().ok_or_else(|| place.ended())?;
                begun.transaction.insert(&name, documents).await?;
                return Ok(None);
            }
            let (_lease, branch) = place.writable().await?;
            let request = parsed::signature(actor, message)?.request(&branch);
            let (_, receipt) = commands::insert(&branch, &name, documents, request).await?;
            Ok(Some(receipt.lsn.get()))
        })
    }

    /// Updates documents in one commit.
    #[pyo3(signature = (collection, command, actor=None, message=None))]
    fn update<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        command: Vec<u8>,
        actor: Option<String>,
        message: Option<String>,
    ) -> PyResult<Changed<'py>> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        let modified = wait(py, async move {
            let name = parsed::collection(&collection)?;
            let command = parsed::update(&mut parsed::parse(&command)?)?;
            if let Some(open) = place.open_transaction() {
                let mut begun = open.lock().await;
                let begun = begun.as_mut().ok_or_else(|| place.ended())?;
                return Ok(begun.transaction.update(&name, &command).await?);
            }
            let (_lease, branch) = place.writable().await?;
            let signature = parsed::signature(actor, message)?;
            Ok(command.run(&branch, &name, None, &|| signature.request(&branch)).await?)
        })?;
        changed(py, modified)
    }

    /// Deletes documents in one commit. Returns their number, and the commit.
    #[pyo3(signature = (collection, command, actor=None, message=None))]
    fn delete(
        &self,
        py: Python<'_>,
        collection: &str,
        command: Vec<u8>,
        actor: Option<String>,
        message: Option<String>,
    ) -> PyResult<(u64, Option<u64>)> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        let modified = wait(py, async move {
            let name = parsed::collection(&collection)?;
            let command = parsed::delete(&mut parsed::parse(&command)?)?;
            if let Some(open) = place.open_transaction() {
                let mut begun = open.lock().await;
                let begun = begun.as_mut().ok_or_else(|| place.ended())?;
                return Ok(begun.transaction.delete(&name, &command).await?);
            }
            let (_lease, branch) = place.writable().await?;
            let signature = parsed::signature(actor, message)?;
            Ok(command.run(&branch, &name, None, &|| signature.request(&branch)).await?)
        })?;
        Ok((modified.modified, lsn(modified.receipt.as_ref())))
    }

    /// Runs several writes in one commit. Returns their numbers as a document.
    #[pyo3(signature = (collection, command, actor=None, message=None))]
    fn bulk<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        command: Vec<u8>,
        actor: Option<String>,
        message: Option<String>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        let bytes = wait(py, async move {
            let name = parsed::collection(&collection)?;
            let bulk = Arc::new(Bulk::parse(name, parsed::parse(&command)?)?);
            let (counts, lsn) = if let Some(open) = place.open_transaction() {
                let mut begun = open.lock().await;
                let begun = begun.as_mut().ok_or_else(|| place.ended())?;
                // All of its writes are applied, or none.
                let mut transaction = begun.transaction.clone();
                let counts = bulk.apply(&mut transaction).await?;
                begun.transaction = transaction;
                (counts, None)
            } else {
                let signature = parsed::signature(actor, message)?;
                let (_lease, branch) = place.writable().await?;
                bulk::run(&branch, bulk, &|| signature.request(&branch)).await?
            };
            encode(&counts.shown(lsn))
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Changes the first document that a query finds. Returns it before or after the change, and the commit.
    #[pyo3(signature = (collection, command, actor=None, message=None))]
    fn find_and_modify<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        command: Vec<u8>,
        actor: Option<String>,
        message: Option<String>,
    ) -> PyResult<(Option<Bound<'py, PyBytes>>, Option<u64>)> {
        let place = self.place.clone();
        let collection = collection.to_owned();
        let (image, lsn) = wait(py, async move {
            let name = parsed::collection(&collection)?;
            let command = find_and_modify::parse(parsed::parse(&command)?)?;
            if let Some(open) = place.open_transaction() {
                let mut begun = open.lock().await;
                let begun = begun.as_mut().ok_or_else(|| place.ended())?;
                let found = begun.transaction.find_and_modify(&name, &command).await?;
                return Ok((found.document, None));
            }
            let signature = parsed::signature(actor, message)?;
            let (_lease, branch) = place.writable().await?;
            let found = command.run(&branch, &name, &|| signature.request(&branch)).await?;
            Ok((found.document, lsn(found.modified.receipt.as_ref())))
        })?;
        Ok((image.map(|image| PyBytes::new(py, image.as_bytes())), lsn))
    }

    /// Commits the transaction; nothing is changed if that fails. Returns the commit, if something was written.
    #[pyo3(signature = (actor=None, message=None))]
    fn commit(
        &self,
        py: Python<'_>,
        actor: Option<String>,
        message: Option<String>,
    ) -> PyResult<Option<u64>> {
        let place = self.place.clone();
        wait(py, async move {
            let open = place.open_transaction().ok_or_else(no_transaction)?;
            let begun = open.lock().await.take().ok_or_else(|| place.ended())?;
            let request = parsed::signature(actor, message)?.request(&begun.branch);
            Ok(lsn(begun.transaction.commit(request).await?.as_ref()))
        })
    }

    /// Ends the transaction without a commit.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        wait_here(py, async {
            self.place.connection.check_process()?;
            let open = self.place.open_transaction().ok_or_else(no_transaction)?;
            drop(open.lock().await.take());
            Ok(())
        })
    }
}

fn changed(py: Python<'_>, modified: Modified) -> PyResult<Changed<'_>> {
    let lsn = lsn(modified.receipt.as_ref());
    let upserted = modified.upserted.map(|id| {
        let id = Bson::try_from(id).map_err(parsed::malformed)?;
        encode(&doc! { "_id": id })
    });
    let upserted =
        upserted.transpose().map_err(|failure| crate::errors::exception(py, &failure))?;
    let upserted = upserted.map(|bytes| PyBytes::new(py, &bytes));
    Ok((modified.matched, modified.modified, upserted, lsn))
}

fn lsn(receipt: Option<&Receipt>) -> Option<u64> {
    receipt.map(|receipt| receipt.lsn.get())
}

pub(crate) fn encode(document: &Document) -> Result<Vec<u8>> {
    Ok(document.to_vec().map_err(parsed::malformed)?)
}

fn unsupported(what: &str) -> Failure {
    Error::unsupported(format!("{what} is not supported inside a commit of several writes")).into()
}

fn no_transaction() -> Error {
    Error::invalid("only a commit that was begun can be ended")
}

fn is_missing(failure: &Failure) -> bool {
    matches!(failure, Failure::Error { error, .. } if error.kind() == ErrorKind::NotFound)
}
