//! `$rename`.

use argon_core::Result;
use bson::Bson;

use crate::Code;
use crate::update::path::{Part, UpdatePath};

/// Moves a value to another path.
#[derive(Debug)]
pub(in crate::update) struct Rename {
    /// The names of the path from which the value is moved.
    pub(in crate::update) from: Vec<String>,
}

impl Rename {
    /// Compiles a field of the operator's argument; returns the path to which the value is moved,
    /// too.
    pub(in crate::update) fn compile(from: &UpdatePath, to: &Bson) -> Result<(Self, UpdatePath)> {
        let shown = || format!("{}: {to}", from.text());
        let Bson::String(text) = to else {
            return Err(Code::BAD_VALUE
                .error(format!("The 'to' field for $rename must be a string: {}", shown())));
        };
        let to = UpdatePath::parse(text)?;
        if text.contains('\0') {
            return Err(Code::BAD_VALUE
                .error("The 'to' field for $rename cannot contain an embedded null byte"));
        }
        if *from == to {
            return Err(Code::BAD_VALUE.error(format!(
                "The source and target field for $rename must differ: {}",
                shown()
            )));
        }
        if from.is_prefix_of(&to) || to.is_prefix_of(from) {
            return Err(Code::BAD_VALUE.error(format!(
                "The source and target field for $rename must not be on the same path: {}",
                shown()
            )));
        }
        let is_name = |part: &Part| matches!(part, Part::Name(_));
        if !to.parts().iter().all(is_name) && from.names().is_some() {
            return Err(Code::BAD_VALUE
                .error(format!("The destination field for $rename may not be dynamic: {text}")));
        }
        match from.names() {
            Some(from) => Ok((Self { from }, to)),
            None => Err(Code::BAD_VALUE.error(format!(
                "The source field for $rename may not be dynamic: {}",
                from.text()
            ))),
        }
    }
}
