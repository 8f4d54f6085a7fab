//! `$facet`.

use std::sync::Arc;

use argon_core::Result;
use bson::Bson;
use bson::raw::{CString, RawArrayBuf, RawDocumentBuf};
use futures::channel::mpsc;
use futures::future::{try_join, try_join_all};
use futures::{SinkExt, StreamExt, TryStreamExt};

use crate::Code;
use crate::expression::Compiler;
use crate::pipeline::Pipeline;
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{self, Row, Rows};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler, Within};

pub(super) const STAGES: &[Definition] =
    &[Definition::new("$facet", Position::NotInFacet, compile)];

/// `internalQueryFacetMaxOutputDocSizeBytes` of the server.
const MAX_BYTES: usize = 100 * 1024 * 1024;

/// Several pipelines over the same rows.
#[derive(Debug)]
struct Facet(Vec<(CString, Pipeline)>);

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let facets = argument.as_document().filter(|facets| !facets.is_empty()).ok_or_else(|| {
        Code::location(40169).error(format!(
            "the $facet specification must be a non-empty object, but found: {argument}"
        ))
    })?;
    let inner = compiler.inner(Within::Facet, &[]);
    let mut compiled = Vec::new();
    for (name, stages) in facets {
        crate::expression::field_path(name)?;
        if name.contains('.') {
            return Err(Code::location(16412)
                .error(format!("FieldPath field names may not contain '.': '{name}'")));
        }
        let Bson::Array(elements) = stages else {
            return Err(Code::location(40170).error(format!(
                "arguments to $facet must be arrays, {name} is type {}",
                Compiler::type_name(stages)
            )));
        };
        if let Some(wrong) = elements.iter().find(|element| element.as_document().is_none()) {
            return Err(Code::location(40171).error(format!(
                "elements of arrays in $facet spec must be non-empty objects, {name} argument \
                 contained an element of type {}: {wrong}",
                Compiler::type_name(wrong)
            )));
        }
        let pipeline = inner.pipeline(stages, Code::location(40170), name)?;
        compiled.push((crate::expression::field_name(name)?, pipeline));
    }
    Ok(Part::stage(Facet(compiled)))
}

impl Stage for Facet {
    fn run(self: Arc<Self>, input: Rows, execution: &Execution) -> Rows {
        let execution = execution.clone();
        rows::deferred(async move {
            let (mut senders, mut results) = (Vec::new(), Vec::new());
            for (_, pipeline) in &self.0 {
                let (sender, receiver) = mpsc::channel::<Vec<Row>>(0);
                senders.push(sender);
                let rows = pipeline.run_on(receiver.map(Ok).boxed(), &execution);
                results.push(collect(rows));
            }
            let ((), arrays) = try_join(feed(input, senders), try_join_all(results)).await?;
            let mut document = RawDocumentBuf::new();
            for ((name, _), array) in self.0.iter().zip(arrays) {
                document.append(name, array);
            }
            let size = document.as_bytes().len();
            if size > MAX_BYTES {
                return Err(too_large(size));
            }
            Ok(rows::from_vec(vec![document.into()]))
        })
    }
}

/// Gives each batch to all pipelines; a pipeline that has enough is left out.
async fn feed(mut input: Rows, mut senders: Vec<mpsc::Sender<Vec<Row>>>) -> Result<()> {
    while let Some(batch) = input.try_next().await? {
        let mut wanted = Vec::with_capacity(senders.len());
        for mut sender in senders {
            if sender.send(batch.clone()).await.is_ok() {
                wanted.push(sender);
            }
        }
        senders = wanted;
        if senders.is_empty() {
            break;
        }
    }
    Ok(())
}

async fn collect(mut rows: Rows) -> Result<RawArrayBuf> {
    let mut array = RawArrayBuf::new();
    while let Some(batch) = rows.try_next().await? {
        for row in batch {
            array.push(row.as_raw());
        }
        let size = array.as_bytes().len();
        if size > MAX_BYTES {
            return Err(too_large(size));
        }
    }
    Ok(array)
}

fn too_large(size: usize) -> argon_core::Error {
    Code::location(4_031_700).error(format!(
        "document constructed by $facet is {size} bytes, which exceeds the limit of {MAX_BYTES} bytes"
    ))
}
