//! `$currentDate`.

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBson;

use super::{Change, Missing, Modifier, Place};
use crate::Code;
use crate::expression::{Compiler, Context};
use crate::update::tree::Tree;

/// Makes a value the time of the command.
#[derive(Debug)]
enum CurrentDate {
    Date,
    Timestamp,
}

pub(super) fn compile(_: &str, argument: &Bson) -> Result<Box<dyn Modifier>> {
    let options = match argument {
        Bson::Boolean(_) => return Ok(Box::new(CurrentDate::Date)),
        Bson::Document(options) => options,
        other => {
            return Err(Code::BAD_VALUE.error(format!(
                "{} is not valid type for $currentDate. Please use a boolean ('true') or a $type \
                 expression ({{$type: 'timestamp/date'}}).",
                Compiler::type_name(other)
            )));
        }
    };
    if let Some(name) = options.keys().find(|name| *name != "$type") {
        return Err(Code::BAD_VALUE.error(format!("Unrecognized $currentDate option: {name}")));
    }
    match options.get("$type") {
        Some(Bson::String(name)) if name == "date" => Ok(Box::new(CurrentDate::Date)),
        Some(Bson::String(name)) if name == "timestamp" => Ok(Box::new(CurrentDate::Timestamp)),
        _ => Err(Code::BAD_VALUE.error(
            "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: \
             {field : {$type: 'date'}}}",
        )),
    }
}

impl CurrentDate {
    fn value(&self, context: &Context) -> RawBson {
        match self {
            Self::Date => RawBson::DateTime(context.now),
            Self::Timestamp => RawBson::Timestamp(context.cluster_time),
        }
    }
}

impl Modifier for CurrentDate {
    fn update<'a>(&'a self, value: &mut Tree<'a>, place: &Place<'_>) -> Result<Change> {
        *value = Tree::Owned(self.value(place.context));
        Ok(Change::Updated)
    }

    fn create<'a>(&'a self, context: &Context) -> Result<Missing<'a>> {
        Ok(Missing::Create(Tree::Owned(self.value(context))))
    }
}
