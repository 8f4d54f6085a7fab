//! What can be done about an error, in the words of the command line: the only place that spells hints as
//! commands and options.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `of_core.rs` | hints of the libraries |
//! | `of_service.rs` | what the service leaves to a front end to say |

mod of_core;
mod of_service;

pub(crate) use of_core::{advice, of_diagnosis};
pub(crate) use of_service::{exposed, found, of_check, of_exposure, origin, setting, with_behind};
