//! What happens when a thread panics.

use std::cell::RefCell;
use std::thread;

use crate::exit::{self, Failure};
use crate::output::{Format, Output};

/// What the standard library panics with when a drop panics while another panic unwinds. It aborts
/// the process next, and offers no other way to know of it.
const ABORTING: &str = "panic in a destructor during cleanup";

thread_local! {
    /// What this thread panicked with so far.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps panics of the runtime's threads off the screen: an engine that meets damaged files may
/// panic there, which comes back to the command as an error, with the panic's message as its cause.
/// One that panics again while it tidies up ends the program with that error.
///
/// With `RUST_BACKTRACE` set everything is printed.
pub(crate) fn tame_engines() {
    let backtraces = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if backtraces || thread::current().name() == Some("main") {
            default(panic);
        }
        let message = panic.payload_as_str().unwrap_or("a panic without a message");
        // The thread of an engine does not come back from this if the process would be aborted.
        argon_service::backends::note_panic(message);
        if message == ABORTING {
            end();
        }
        let line: Vec<&str> = message.lines().map(str::trim).collect();
        PANICS.with_borrow_mut(|panics| panics.push(line.join(", ")));
    }));
}

fn end() -> ! {
    // The last is that of the drop, and the one before is what it was about.
    let panics = PANICS.take();
    let cause = panics.iter().rev().nth(1).or(panics.last()).cloned().unwrap_or_default();
    let context = "the storage engine failed and could not tidy up";
    let error = argon_service::backends::error_of_panic(context, &cause);
    let code = exit::code(error.kind());
    Failure::from(error).report(&Output::new(Format::Table, false));
    std::process::exit(code.into())
}
