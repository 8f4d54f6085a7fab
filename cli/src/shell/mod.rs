//! `argon shell`: statements of MongoDB's shell, from a prompt or a script.
//!
//! | file | content |
//! | --- | --- |
//! | `session.rs` | the project and branch of a shell, and its statements |
//! | `show.rs` | the commands `show …` and `help` |
//! | `answer.rs` | answers and errors as text |
//! | `script.rs`, `interactive.rs` | where statements come from |
//! | `completer.rs` | what Tab completes |
//! | `line_editor.rs`, `plain_lines.rs` | lines from a terminal, with and without editing |

mod answer;
#[cfg_attr(
    not(feature = "prompt"),
    allow(dead_code, reason = "nothing is completed without editing of lines")
)]
mod completer;
mod interactive;
#[cfg(feature = "prompt")]
#[path = "line_editor.rs"]
mod lines;
#[cfg(not(feature = "prompt"))]
#[path = "plain_lines.rs"]
mod lines;
mod script;
mod session;
mod show;

pub(crate) use self::interactive::interact;
pub(crate) use self::script::run_script;
