//! `$unionWith`.

use std::sync::Arc;

use argon_core::Result;
use bson::Bson;
use futures::StreamExt;

use super::from::{From, string};
use crate::Code;
use crate::expression::Compiler;
use crate::pipeline::Pipeline;
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{self, Rows};
use crate::pipeline::source::ReadRequest;
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler, Within};

pub(super) const STAGES: &[Definition] = &[Definition::new("$unionWith", Position::Any, compile)];

#[derive(Debug)]
struct UnionWith {
    from: From,
    pipeline: Option<Arc<Pipeline>>,
}

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let (mut name, mut revision, mut pipeline) = (None, None, None);
    match argument {
        Bson::String(collection) => name = Some(collection.clone()),
        Bson::Document(fields) => {
            for (field, value) in fields {
                match field.as_str() {
                    "coll" => name = Some(string("$unionWith", field, value, Code::TYPE_MISMATCH)?),
                    "at" => {
                        revision = Some(string("$unionWith", field, value, Code::TYPE_MISMATCH)?);
                    }
                    "pipeline" => {
                        let inner = compiler.inner(Within::UnionWith, &[]);
                        let what = "the 'pipeline' of $unionWith";
                        pipeline = Some(inner.pipeline(value, Code::TYPE_MISMATCH, what)?);
                    }
                    other => {
                        return Err(Code::location(40415).error(format!(
                            "BSON field '$unionWith.{other}' is an unknown field."
                        )));
                    }
                }
            }
        }
        other => {
            return Err(Code::FAILED_TO_PARSE.error(format!(
                "the $unionWith stage specification must be an object or string, but found {}",
                Compiler::type_name(other)
            )));
        }
    }
    if name.is_none() && !pipeline.as_ref().is_some_and(Pipeline::has_source) {
        return Err(Code::FAILED_TO_PARSE.error(
            "$unionWith stage without explicit collection must have a pipeline with $documents as \
             first stage",
        ));
    }
    let from = From { collection: name.unwrap_or_default(), revision };
    Ok(Part::stage(UnionWith { from, pipeline: pipeline.map(Arc::new) }))
}

impl Stage for UnionWith {
    fn run(self: Arc<Self>, input: Rows, execution: &Execution) -> Rows {
        let execution = execution.clone();
        let other = rows::deferred(async move {
            match &self.pipeline {
                Some(pipeline) => pipeline.run_from(&self.from, &execution).await,
                None => {
                    let all = ReadRequest::all(execution.examined.clone());
                    Ok(self.from.open(&execution).await?.read(all)?.rows)
                }
            }
        });
        input.chain(other).boxed()
    }
}
