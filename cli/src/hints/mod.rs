//! What can be done about an error, in the words of the command line: the only place that spells hints as
//! commands and options.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `of_hint.rs` | hints and remedies |
//! | `foreign.rs` | commands of other programs |
//! | `of_service.rs` | failures and other results of the service |

pub(crate) mod foreign;
pub(crate) mod mistaken;
mod of_hint;
mod of_service;

pub(crate) use of_hint::advice;
pub(crate) use of_service::{CommandLine, with_behind};
