//! Operations on the documents of a collection.

use argon_core::Error;
use argon_core::model::CollectionName;

use super::operations;
use super::shown::{Reading, rows};
use super::target::StateTarget;
use crate::Result;
use crate::collections::Signature;
use crate::document;
use crate::document::{
    AggregateDocuments, CountDocuments, CountedCollection, DeleteDocuments, DeleteMatching,
    DeletedDocuments, DeletedMatching, DistinctValue, DistinctValues, ExplainPipeline,
    ExplainQuery, ExplainedQuery, FindDocuments, GetDocument, PutDocuments, UpdateDocuments,
    UpdatedDocuments, WrittenDocument, WrittenRows,
};
use crate::json::ExtJson;

/// Refuses a view, which has no documents of its own: its pipeline is run by the server of MongoDB's protocol.
fn refuse_view(at: &StateTarget, collection: &CollectionName) -> Result {
    let view = at.state.collection(collection)?;
    if view.info().options.contains_key("viewOn") {
        let problem = format!(
            "'{collection}' is a view: read it by a driver, or run its pipeline on the collection below"
        );
        return Err(Error::unsupported(problem).into());
    }
    Ok(())
}

operations! {
    |target, output|
    "document.get" Read State(at), reading: Reading<GetDocument> => One<ExtJson> = {
        refuse_view(at, &reading.request.collection)?;
        let document = document::get(&at.state, reading.request.clone()).await?;
        ExtJson::document(document.as_raw(), reading.mode())?
    };
    "document.find" Read State(at), reading: Reading<FindDocuments> => List<ExtJson> = {
        refuse_view(at, &reading.request.collection)?;
        let mode = reading.mode();
        rows(document::find(&at.state, reading.request)?, mode)
    };
    "document.count" Read State(at), request: CountDocuments => One<CountedCollection> = {
        refuse_view(at, &request.collection)?;
        document::count_one(&at.state, request).await?
    };
    "document.distinct" Read State(at), reading: Reading<DistinctValues> => One<Vec<DistinctValue>> = {
        refuse_view(at, &reading.request.collection)?;
        let mode = reading.mode();
        document::distinct(&at.state, reading.request, mode).await?
    };
    "document.aggregate" Read State(at), reading: Reading<AggregateDocuments> => List<ExtJson> = {
        refuse_view(at, &reading.request.collection)?;
        let mode = reading.mode();
        let revision = at.revision.as_ref();
        rows(document::aggregate(&at.workspace, revision, &reading.request).await?, mode)
    };
    "document.aggregate_into" Write Project(workspace), request: AggregateDocuments => One<WrittenRows> =
        document::aggregate_into(workspace, &Signature::default(), &request).await?;
    "document.explain" Read State(at), request: ExplainQuery => One<ExplainedQuery> = {
        refuse_view(at, &request.query.collection)?;
        let project = at.workspace.project.name().to_string();
        let revision = format!("{}@{}", at.name, at.state.lsn());
        document::explain(&at.state, request, (&project, &revision)).await?
    };
    "document.explain_pipeline" Read State(at), request: ExplainPipeline => One<ExplainedQuery> =
        document::explain_pipeline(&at.workspace, at.revision.as_ref(), request).await?;
    "document.put" Write Branch(branch), request: PutDocuments => One<Vec<WrittenDocument>> =
        document::put(branch, request).await?;
    "document.update" Write Branch(branch), request: UpdateDocuments => One<UpdatedDocuments> =
        document::update(branch, request).await?;
    "document.delete" Write Branch(branch), request: DeleteDocuments => One<DeletedDocuments> =
        document::delete(branch, request).await?;
    "document.delete_matching" Write Branch(branch), request: DeleteMatching => One<DeletedMatching> =
        document::delete_matching(branch, request).await?;
}
