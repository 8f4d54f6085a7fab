//! Compiles pipelines.

use std::sync::Arc;

use argon_core::{Error, Result};
use bson::Document;

use super::Pipeline;
use super::row_steps::{RowStep, RowSteps, rows_needed};
use super::stage::{Definition, Part, Position, Stage, StageCompiler, Within};
use super::stages;
use crate::Code;
use crate::expression::Declared;
use crate::message::suggestion;

/// `internalMaxSubPipelineViewDepth` and `internalPipelineLengthLimit` of the server.
const MAX_DEPTH: usize = 20;
const MAX_STAGES: usize = 1000;

/// The stages that an update may have.
const UPDATE_STAGES: &[&str] =
    &["$addFields", "$set", "$project", "$unset", "$replaceRoot", "$replaceWith"];

impl Pipeline {
    pub(super) fn compile_within(
        stages: &[&Document],
        compiler: &StageCompiler<'_>,
    ) -> Result<Self> {
        if compiler.depth > MAX_DEPTH {
            return Err(Code::location(232).error(format!(
                "Maximum number of nested sub-pipelines exceeded. Limit is {MAX_DEPTH}"
            )));
        }
        if stages.len() > MAX_STAGES {
            return Err(Code::location(7_749_501)
                .error(format!("Pipeline length must be no longer than {MAX_STAGES} stages.")));
        }
        let mut parts = Vec::new();
        for (place, stage) in stages.iter().enumerate() {
            parts.extend(compile_stage(stage, place, stages.len(), compiler)?);
        }
        Ok(assemble(parts))
    }
}

fn compile_stage(
    stage: &Document,
    place: usize,
    count: usize,
    compiler: &StageCompiler<'_>,
) -> Result<Vec<Part>> {
    let mut fields = stage.iter();
    let (Some((name, argument)), None) = (fields.next(), fields.next()) else {
        return Err(Code::location(40323)
            .error("A pipeline stage specification object must contain exactly one field."));
    };
    match stages::definition(name) {
        Some(Definition::Supported { name, position, compile }) => {
            check_position(name, *position, place, count, compiler.within)?;
            compile(argument, compiler)
        }
        Some(Definition::Refused { name, reason }) => Err(Code::COMMAND_NOT_SUPPORTED
            .error(format!("the stage {name} is not supported: it {reason}"))),
        None => Err(Code::location(40324).error(format!(
            "Unrecognized pipeline stage name: '{name}'{}",
            suggestion(name, stages::stage_names())
        ))),
    }
}

fn check_position(
    name: &str,
    position: Position,
    place: usize,
    count: usize,
    within: Within,
) -> Result<()> {
    let refused = |code: u32, reason: String| -> Result<(), Error> {
        Err(Code::location(code).error(reason))
    };
    if within == Within::Update && !UPDATE_STAGES.contains(&name) {
        return Err(Code::INVALID_OPTIONS
            .error(format!("{name} is not allowed to be used within an update")));
    }
    if within == Within::Facet && position != Position::Any {
        return refused(40600, format!("{name} is not allowed to be used within a $facet stage"));
    }
    match (position, within) {
        (Position::First, _) if place > 0 => {
            refused(40602, format!("{name} is only valid as the first stage in a pipeline."))
        }
        (Position::Last, Within::Lookup) => {
            refused(51047, format!("{name} is not allowed within a $lookup's sub-pipeline"))
        }
        (Position::Last, Within::UnionWith) => {
            refused(31441, format!("{name} is not allowed within a $unionWith's sub-pipeline"))
        }
        (Position::Last, _) if place + 1 < count => {
            refused(40601, format!("{name} can only be the final stage in the pipeline"))
        }
        _ => Ok(()),
    }
}

/// Fuses what can be fused.
fn assemble(parts: Vec<Part>) -> Pipeline {
    let mut pipeline = Pipeline {
        source: None,
        filter: None,
        stages: Vec::new(),
        write: None,
        variables: Declared::default(),
        hint: None,
    };
    let mut steps = Vec::new();
    for part in parts {
        match part {
            Part::Row(RowStep::Match(matcher))
                if steps.is_empty() && pipeline.stages.is_empty() && pipeline.filter.is_none() =>
            {
                pipeline.filter = Some(matcher);
            }
            Part::Row(step) => steps.push(step),
            Part::Stage(stage) => {
                flush(&mut steps, &mut pipeline.stages);
                pipeline.stages.push(stage);
            }
            Part::Source(source) => pipeline.source = Some(source),
            Part::Write(write) => pipeline.write = Some(write),
        }
    }
    flush(&mut steps, &mut pipeline.stages);
    pipeline
}

fn flush(steps: &mut Vec<RowStep>, stages: &mut Vec<Arc<dyn Stage>>) {
    if steps.is_empty() {
        return;
    }
    let steps = std::mem::take(steps);
    let limited = rows_needed(&steps).and_then(|rows| stages.last()?.limited(rows));
    if let (Some(limited), Some(last)) = (limited, stages.last_mut()) {
        *last = limited;
    }
    stages.push(Arc::new(RowSteps(steps)));
}
