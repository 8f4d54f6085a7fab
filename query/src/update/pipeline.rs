//! Updates by the stages of a pipeline.

use argon_core::Result;
use bson::Bson;
use bson::raw::{RawDocument, RawDocumentBuf};

use super::{Target, replacement};
use crate::Code;
use crate::expression::{Compiler, Scope};
use crate::message::suggestion;
use crate::pipeline::stage_names;
use crate::projection::{Transform, transform};

/// The stages of pipelines that make no documents of single ones, and so can't update.
const OTHER_STAGES: &[&str] = &[
    "$bucket",
    "$bucketAuto",
    "$changeStream",
    "$collStats",
    "$count",
    "$currentOp",
    "$densify",
    "$documents",
    "$facet",
    "$fill",
    "$geoNear",
    "$graphLookup",
    "$group",
    "$indexStats",
    "$limit",
    "$listSessions",
    "$lookup",
    "$match",
    "$merge",
    "$out",
    "$planCacheStats",
    "$redact",
    "$sample",
    "$search",
    "$setWindowFields",
    "$skip",
    "$sort",
    "$sortByCount",
    "$unionWith",
    "$unwind",
];

/// Stages that make a new document of each.
#[derive(Debug)]
pub(super) struct UpdatePipeline(Vec<Box<dyn Transform>>);

impl UpdatePipeline {
    /// Compiles `$set`, `$addFields`, `$unset`, `$project`, `$replaceRoot` and `$replaceWith`.
    ///
    /// # Errors
    /// `InvalidOptions` for other stages.
    pub(super) fn compile(stages: &[Bson], compiler: &Compiler<'_>) -> Result<Self> {
        let stage = |stage: &Bson| {
            let Bson::Document(stage) = stage else {
                return Err(Code::TYPE_MISMATCH
                    .error("Each element of the 'pipeline' array must be an object"));
            };
            let mut fields = stage.iter();
            let (Some((name, argument)), None) = (fields.next(), fields.next()) else {
                return Err(Code::location(40323).error(
                    "A pipeline stage specification object must contain exactly one field.",
                ));
            };
            match transform(name, argument, compiler) {
                Some(compiled) => compiled,
                None if OTHER_STAGES.contains(&name.as_str()) => Err(Code::INVALID_OPTIONS
                    .error(format!("{name} is not allowed to be used within an update"))),
                None => Err(Code::location(40324).error(format!(
                    "Unrecognized pipeline stage name: '{name}'{}",
                    suggestion(name, stage_names())
                ))),
            }
        };
        stages.iter().map(stage).collect::<Result<_>>().map(Self)
    }

    /// Returns the new document; `None` if it is the old one.
    pub(super) fn apply(
        &self,
        original: &RawDocument,
        target: Target,
        scope: &Scope<'_>,
    ) -> Result<Option<RawDocumentBuf>> {
        let mut document: Option<RawDocumentBuf> = None;
        for stage in &self.0 {
            document = Some(stage.transform(document.as_deref().unwrap_or(original), scope)?);
        }
        match document {
            Some(document) => replacement::replace(original, &document, target, true),
            None => Ok(None),
        }
    }
}
