//! `$out`, `$merge`.

use std::sync::Arc;

use argon_core::Result;
use bson::{Bson, Document, doc};

use crate::Code;
use crate::expression::{Compiler, field_path};
use crate::pipeline::stage::{Definition, Part, Position, StageCompiler, Within, object};
use crate::pipeline::write::{Merge, MergePipeline, WhenMatched, WhenNotMatched, Write, WriteMode};

pub(super) const STAGES: &[Definition] = &[
    Definition::new("$out", Position::Last, out),
    Definition::new("$merge", Position::Last, merge),
];

fn out(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let (database, collection) = match argument {
        Bson::String(collection) => (None, collection.clone()),
        Bson::Document(target) => {
            let text = |name: &str| match target.get(name) {
                Some(Bson::String(text)) => Ok(text.clone()),
                Some(other) => Err(Code::TYPE_MISMATCH.error(format!(
                    "BSON field '$out.{name}' is the wrong type '{}', expected type 'string'",
                    Compiler::type_name(other)
                ))),
                None => Err(Code::location(40414)
                    .error(format!("BSON field '$out.{name}' is missing but a required field"))),
            };
            for name in target.keys() {
                match name.as_str() {
                    "db" | "coll" => {}
                    "timeseries" => {
                        return Err(Code::COMMAND_NOT_SUPPORTED
                            .error("$out into a time series is not supported"));
                    }
                    other => return Err(unknown("$out", other)),
                }
            }
            (Some(text("db")?), text("coll")?)
        }
        other => {
            return Err(Code::location(16990).error(format!(
                "$out only supports a string or object argument, but found {}",
                Compiler::type_name(other)
            )));
        }
    };
    write(database, collection, "$out", WriteMode::Replace)
}

fn write(
    database: Option<String>,
    collection: String,
    stage: &str,
    mode: WriteMode,
) -> Result<Vec<Part>> {
    if collection.is_empty() {
        return Err(Code::INVALID_NAMESPACE
            .error(format!("Invalid {stage} target namespace: '{collection}'")));
    }
    Ok(vec![Part::Write(Box::new(Write { database, collection, mode }))])
}

fn unknown(stage: &str, name: &str) -> argon_core::Error {
    Code::location(40415).error(format!("BSON field '{stage}.{name}' is an unknown field."))
}

fn merge(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let empty = Document::new();
    let (target, fields) = match argument {
        Bson::String(collection) => ((None, collection.clone()), &empty),
        Bson::Document(fields) => (into(fields)?, fields),
        other => {
            return Err(Code::TYPE_MISMATCH.error(format!(
                "$merge requires a string or object argument, but found {}",
                Compiler::type_name(other)
            )));
        }
    };
    let known = ["into", "on", "let", "whenMatched", "whenNotMatched"];
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(unknown("$merge", name));
    }
    let on = fields.get("on").map(on).transpose()?.unwrap_or_else(|| vec!["_id".to_owned()]);
    let variables = fields
        .get("let")
        .map(|value| {
            object(value, || Code::TYPE_MISMATCH.error("BSON field '$merge.let' must be an object"))
        })
        .transpose()?;
    let when_not_matched =
        fields.get("whenNotMatched").map_or(Ok(WhenNotMatched::Insert), when_not_matched)?;
    let when_matched = match fields.get("whenMatched") {
        None => WhenMatched::Merge,
        Some(Bson::String(mode)) => mode_named(mode)?,
        Some(stages @ Bson::Array(_)) => {
            WhenMatched::Pipeline(pipeline(stages, variables, when_not_matched, compiler)?)
        }
        Some(other) => {
            return Err(Code::location(51191).error(format!(
                "$merge 'whenMatched' field  must be either a string or an array, but found {}",
                Compiler::type_name(other)
            )));
        }
    };
    check_modes(&when_matched, when_not_matched, variables.is_some())?;
    let merge = Merge { on, when_matched, when_not_matched };
    write(target.0, target.1, "$merge", WriteMode::Merge(merge))
}

fn into(fields: &Document) -> Result<(Option<String>, String)> {
    match fields.get("into") {
        Some(Bson::String(collection)) => Ok((None, collection.clone())),
        Some(Bson::Document(target)) => {
            let text = |name: &str| target.get_str(name).ok().map(str::to_owned);
            let collection = text("coll").filter(|name| !name.is_empty()).ok_or_else(|| {
                Code::location(5_786_801).error(
                    "$merge 'into' field must specify a 'coll' that is not empty, null or undefined",
                )
            })?;
            Ok((text("db"), collection))
        }
        Some(other) => Err(Code::location(51178).error(format!(
            "$merge 'into' field  must be either a string or an object, but found {}",
            Compiler::type_name(other)
        ))),
        None => {
            Err(Code::location(40414)
                .error("BSON field '$merge.into' is missing but a required field"))
        }
    }
}

fn on(value: &Bson) -> Result<Vec<String>> {
    let paths = match value {
        Bson::String(path) => vec![path.clone()],
        Bson::Array(paths) if paths.is_empty() => {
            return Err(Code::location(51187)
                .error("If explicitly specifying $merge 'on', must include at least one field"));
        }
        Bson::Array(paths) => paths
            .iter()
            .map(|path| match path {
                Bson::String(path) => Ok(path.clone()),
                other => Err(Code::location(51134).error(format!(
                    "$merge 'on' array elements must be strings, but found {}",
                    Compiler::type_name(other)
                ))),
            })
            .collect::<Result<_>>()?,
        other => {
            return Err(Code::location(51186).error(format!(
                "$merge 'on' field  must be either a string or an array of strings, but found {}",
                Compiler::type_name(other)
            )));
        }
    };
    for (place, path) in paths.iter().enumerate() {
        field_path(path)?;
        if paths[..place].contains(path) {
            return Err(Code::location(31465).error(format!("Found a duplicate field '{path}'")));
        }
    }
    Ok(paths)
}

fn mode_named(mode: &str) -> Result<WhenMatched> {
    match mode {
        "replace" => Ok(WhenMatched::Replace),
        "merge" => Ok(WhenMatched::Merge),
        "keepExisting" => Ok(WhenMatched::KeepExisting),
        "fail" => Ok(WhenMatched::Fail),
        other => Err(Code::BAD_VALUE.error(format!(
            "Enumeration value '{other}' for field 'whenMatched' is not a valid value."
        ))),
    }
}

fn when_not_matched(value: &Bson) -> Result<WhenNotMatched> {
    match value {
        Bson::String(mode) => match mode.as_str() {
            "insert" => Ok(WhenNotMatched::Insert),
            "discard" => Ok(WhenNotMatched::Discard),
            "fail" => Ok(WhenNotMatched::Fail),
            other => Err(Code::BAD_VALUE.error(format!(
                "Enumeration value '{other}' for field '$merge.whenNotMatched' is not a valid \
                 value."
            ))),
        },
        other => Err(Code::TYPE_MISMATCH.error(format!(
            "BSON field '$merge.whenNotMatched' is the wrong type '{}', expected type 'string'",
            Compiler::type_name(other)
        ))),
    }
}

fn check_modes(
    when_matched: &WhenMatched,
    when_not_matched: WhenNotMatched,
    has_variables: bool,
) -> Result<()> {
    let name = match when_matched {
        WhenMatched::Replace => "replace",
        WhenMatched::KeepExisting => "keepExisting",
        WhenMatched::Merge => "merge",
        WhenMatched::Fail => "fail",
        WhenMatched::Pipeline(_) => return Ok(()),
    };
    let insert_only = matches!(when_matched, WhenMatched::KeepExisting | WhenMatched::Fail);
    if insert_only && when_not_matched != WhenNotMatched::Insert {
        let other = if when_not_matched == WhenNotMatched::Fail { "fail" } else { "discard" };
        return Err(Code::location(51181).error(format!(
            "Combination of $merge modes 'whenMatched: {name}' and 'whenNotMatched: {other}' is \
             not supported"
        )));
    }
    if has_variables {
        return Err(Code::location(51199)
            .error(format!("Cannot use 'let' variables with 'whenMatched: {name}' mode")));
    }
    Ok(())
}

fn pipeline(
    stages: &Bson,
    variables: Option<&Document>,
    when_not_matched: WhenNotMatched,
    compiler: &StageCompiler<'_>,
) -> Result<MergePipeline> {
    let mut variables = variables.cloned().unwrap_or_else(|| doc! { "new": "$$ROOT" });
    match variables.get("new") {
        Some(new) if new.as_str() != Some("$$ROOT") => {
            return Err(Code::location(51273).error(
                "'let' may not define a value for the reserved 'new' variable other than '$$ROOT'",
            ));
        }
        None if when_not_matched == WhenNotMatched::Insert => {
            variables.insert("new", "$$ROOT");
        }
        _ => {}
    }
    let (mut compiled, mut names) = (Vec::new(), Vec::new());
    for (name, value) in &variables {
        let variable = compiler.expressions.variable(name)?;
        compiled.push((variable, compiler.expressions.compile(value)?));
        names.push((name.as_str(), variable));
    }
    let inner = compiler.inner(Within::Update, &names);
    let pipeline = inner.pipeline(stages, Code::TYPE_MISMATCH, "'whenMatched' of $merge")?;
    Ok(MergePipeline { pipeline: Arc::new(pipeline), variables: compiled })
}
