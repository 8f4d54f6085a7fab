//! Errors as objects.

use argon_core::{Error, ErrorKind, Hint};
use argon_service::{ErrorObject, Failure, of_format};

/// The error of an operation as docs/JSON.md has it, with what can be done in the words of a front end; `None` for
/// a failure that is no error of the operation.
pub(crate) fn error_object(
    failure: &Failure,
    hint_text: impl Fn(&Hint) -> Option<String>,
) -> Option<(ErrorKind, ErrorObject)> {
    let object = |error: &Error, hint: &Option<Hint>| {
        let hint = hint.clone().or(error.hint());
        let object = ErrorObject {
            kind: error.kind().as_str(),
            message: error.message().to_owned(),
            details: error.details().to_vec(),
            causes: error.causes().map(ToString::to_string).collect(),
            hint: hint.as_ref().and_then(hint_text),
        };
        (error.kind(), object)
    };
    match failure {
        Failure::Error { error, hint } => Some(object(error, hint)),
        Failure::Format { error, hint } => Some(object(&of_format(error), hint)),
        _ => None,
    }
}
