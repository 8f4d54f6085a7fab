//! `$collStats`, `$indexStats`.

use argon_core::Result;
use async_trait::async_trait;
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document, doc};

use crate::Code;
use crate::expression::Compiler;
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{self, Row, Rows};
use crate::pipeline::stage::{Definition, Part, Position, SourceStage, StageCompiler, object};

pub(super) const STAGES: &[Definition] = &[
    Definition::new("$collStats", Position::First, coll_stats),
    Definition::new("$indexStats", Position::First, index_stats),
];

#[derive(Debug)]
struct CollStats {
    count: bool,
    storage: bool,
}

#[derive(Debug)]
struct IndexStats;

fn coll_stats(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let fields = object(argument, || {
        Code::location(5_447_000).error(format!(
            "$collStats must take a nested object but found: {}",
            Compiler::type_name(argument)
        ))
    })?;
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("count" | "storageStats", Bson::Document(_)) => {}
            ("latencyStats" | "queryExecStats", _) => {
                return Err(Code::COMMAND_NOT_SUPPORTED
                    .error(format!("the option {name} of $collStats is not supported")));
            }
            ("count" | "storageStats", other) => {
                return Err(Code::TYPE_MISMATCH.error(format!(
                    "BSON field '$collStats.{name}' is the wrong type '{}', expected type 'object'",
                    Compiler::type_name(other)
                )));
            }
            (other, _) => {
                return Err(Code::location(40415)
                    .error(format!("BSON field '$collStats.{other}' is an unknown field.")));
            }
        }
    }
    Ok(Part::source(CollStats {
        count: fields.contains_key("count"),
        storage: fields.contains_key("storageStats"),
    }))
}

fn index_stats(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    match argument {
        Bson::Document(options) if options.is_empty() => Ok(Part::source(IndexStats)),
        _ => Err(Code::location(28803)
            .error("The $indexStats stage specification must be an empty object")),
    }
}

#[async_trait]
impl SourceStage for CollStats {
    async fn rows(&self, collection: &str, execution: &Execution) -> Result<Rows> {
        let mut document =
            doc! { "ns": collection, "localTime": execution.evaluation.context().now };
        if self.count || self.storage {
            let opened = execution.collections.open(collection, None).await?;
            let statistics = opened.statistics().await?;
            let count = number(statistics.count);
            if self.storage {
                let average = statistics.size.checked_div(statistics.count).unwrap_or_default();
                let indexes = i32::try_from(opened.indexes().len()).unwrap_or(i32::MAX);
                document.insert(
                    "storageStats",
                    doc! {
                        "size": number(statistics.size),
                        "count": count.clone(),
                        "avgObjSize": number(average),
                        "nindexes": indexes,
                    },
                );
            }
            if self.count {
                document.insert("count", count);
            }
        }
        Ok(rows::from_vec(vec![row(document)?]))
    }
}

#[async_trait]
impl SourceStage for IndexStats {
    async fn rows(&self, collection: &str, execution: &Execution) -> Result<Rows> {
        let opened = execution.collections.open(collection, None).await?;
        let rows = opened.indexes().into_iter().map(|spec| {
            let field = |name: &str| spec.get(name).cloned().unwrap_or(Bson::Null);
            row(doc! {
                "name": field("name"),
                "key": field("key"),
                "accesses": { "ops": 0_i64, "since": execution.evaluation.context().now },
                "spec": spec.clone(),
            })
        });
        Ok(rows::from_vec(rows.collect::<Result<_>>()?))
    }
}

/// An int32 if it fits, as the server counts.
fn number(count: u64) -> Bson {
    match i32::try_from(count) {
        Ok(count) => Bson::Int32(count),
        Err(_) => Bson::Int64(i64::try_from(count).unwrap_or(i64::MAX)),
    }
}

fn row(document: Document) -> Result<Row> {
    let document = RawDocumentBuf::try_from(document).map_err(crate::value::malformed)?;
    Ok(document.into())
}
