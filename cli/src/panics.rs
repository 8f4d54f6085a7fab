//! What is printed when a thread panics.

use std::thread;

/// Keeps panics of the runtime's threads off the screen: an engine that meets damaged files may
/// panic there, which comes back to the command as an error, with the panic's message as its cause.
/// With `RUST_BACKTRACE` set everything is printed.
pub(crate) fn quiet_engine_threads() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().name() == Some("main") {
            default(panic);
        }
    }));
}
