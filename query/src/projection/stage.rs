//! The stages that make one document of each, by their names.

use argon_core::{Error, Result};
use bson::{Bson, Document};

use super::{AddFields, Projection, ReplaceRoot, Transform};
use crate::Code;
use crate::expression::Compiler;

/// Compiles a stage that makes one document of each; `None` if the name is that of another.
pub fn transform(
    name: &str,
    argument: &Bson,
    compiler: &Compiler<'_>,
) -> Option<Result<Box<dyn Transform>>> {
    fn boxed<T: Transform + 'static>(stage: T) -> Box<dyn Transform> {
        Box::new(stage)
    }
    Some(match name {
        "$project" => project(argument, compiler).map(boxed),
        "$addFields" | "$set" => add_fields(name, argument, compiler).map(boxed),
        "$unset" => unset(argument, compiler).map(boxed),
        "$replaceRoot" => ReplaceRoot::compile(argument, compiler).map(boxed),
        "$replaceWith" => ReplaceRoot::with(argument, compiler).map(boxed),
        _ => return None,
    })
}

fn project(argument: &Bson, compiler: &Compiler<'_>) -> Result<Projection> {
    let Bson::Document(fields) = argument else {
        return Err(Code::location(15969).error("$project specification must be an object"));
    };
    Projection::stage(fields, compiler).map_err(|error| caused("$project", error))
}

fn add_fields(name: &str, argument: &Bson, compiler: &Compiler<'_>) -> Result<AddFields> {
    let Bson::Document(fields) = argument else {
        return Err(Code::location(40272).error(format!(
            "{name} specification stage must be an object, got {}",
            Compiler::type_name(argument)
        )));
    };
    AddFields::compile(fields, compiler).map_err(|error| caused(name, error))
}

fn unset(argument: &Bson, compiler: &Compiler<'_>) -> Result<Projection> {
    let names = match argument {
        Bson::Array(names) => names.as_slice(),
        Bson::String(_) => std::slice::from_ref(argument),
        _ => {
            return Err(
                Code::location(31002).error("$unset specification must be a string or an array")
            );
        }
    };
    if names.is_empty() {
        return Err(Code::location(31119)
            .error("$unset specification must be a string or an array with at least one field"));
    }
    let mut fields = Document::new();
    for name in names {
        let Bson::String(name) = name else {
            return Err(Code::location(31120).error(
                "$unset specification must be a string or an array containing only string values",
            ));
        };
        if fields.insert(name, false).is_some() {
            let collision = Code::location(31250).error(format!("Path collision at {name}"));
            return Err(caused("$unset", collision));
        }
    }
    Projection::stage(&fields, compiler).map_err(|error| caused("$unset", error))
}

/// The error of a stage.
fn caused(stage: &str, error: Error) -> Error {
    match Code::of(&error) {
        Some(code) => code.error(format!("Invalid {stage} :: caused by :: {error}")),
        None => error,
    }
}
