//! What an engine that panics was about.

use std::any::Any;
use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon_core::{Error, ErrorKind};

use crate::disk;

/// What the standard library panics with when a drop panics while another panic unwinds. It aborts
/// the process next, and offers no other way to know of it.
const ABORTING: &str = "panic in a destructor during cleanup";

/// Told by the thread of an engine that can't even unwind.
#[derive(Default)]
pub(crate) struct Aborting(Mutex<Option<String>>);

impl Aborting {
    pub(crate) fn message(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

thread_local! {
    /// Who waits for this thread, if it is an engine's, and what it has panicked with so far.
    static ENGINE: RefCell<Option<(Arc<Aborting>, Vec<String>)>> = const { RefCell::new(None) };
}

/// What went wrong while engines were closed, for a person.
static TROUBLES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Makes this thread an engine's.
pub(crate) fn belongs_to(aborting: &Arc<Aborting>) {
    ENGINE.set(Some((aborting.clone(), Vec::new())));
}

/// Takes note of a panic of this thread; for a panic hook, which may call it of any thread.
///
/// The thread of an engine that panics again while it tidies up stays here for ever, since the whole
/// process would be aborted otherwise; who waits for the engine is told.
pub fn note_panic(message: &str) {
    let doomed = ENGINE.with_borrow_mut(|engine| {
        let (aborting, panics) = engine.as_mut()?;
        if message != ABORTING {
            panics.push(message.to_owned());
            return None;
        }
        // The last is that of the drop, and the one before is what it was about.
        let first = panics.iter().rev().nth(1).or(panics.last()).cloned();
        Some((aborting.clone(), first.unwrap_or_default()))
    });
    if let Some((aborting, message)) = doomed {
        *aborting.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        loop {
            thread::park();
        }
    }
}

/// What went wrong while stores were closed since this was asked last, a sentence each. All that was
/// acknowledged was durable before.
pub fn take_troubles() -> Vec<String> {
    std::mem::take(&mut *TROUBLES.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(crate) fn note_trouble(trouble: String) {
    tracing::warn!("{trouble}");
    TROUBLES.lock().unwrap_or_else(PoisonError::into_inner).push(trouble);
}

/// The message of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}

/// The error for an engine that panicked: of the disk if the message tells of an error of the system,
/// otherwise `Corrupt`, as engines panic over bytes that they can't read. `context` says what broke
/// off.
pub fn error_of_panic(context: &str, message: &str) -> Error {
    if let Some(error) = system_error(message) {
        let kind = match disk::kind_of(&error) {
            ErrorKind::NotFound => ErrorKind::Corrupt,
            kind => kind,
        };
        return Error::new(kind, context).with_source(error);
    }
    let line: Vec<&str> = message.lines().map(str::trim).collect();
    let context = format!("{context}; its files may be damaged");
    Error::corrupt(context).with_source(line.join(", "))
}

/// The error of the system that the message of a panic tells of. Engines unwrap it, so all that is
/// left of it is its text: `Os { code: 28, …` as `Debug` has it, or `(os error 28)` as `Display` does.
pub(crate) fn system_error(message: &str) -> Option<io::Error> {
    ["code: ", "os error "].iter().find_map(|before| {
        let (_, rest) = message.split_once(before)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
        Some(io::Error::from_raw_os_error(digits.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use argon_core::Hint;

    use super::*;

    #[test]
    fn a_panic_over_an_error_of_the_system_is_that_error() {
        for message in [
            "called `Result::unwrap()` on an `Err` value: Os { code: 28, kind: StorageFull, message: \"No space left on device\" }",
            "can't go on: No space left on device (os error 28)",
        ] {
            let error = error_of_panic("it broke off", message);
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(disk::full_disk(&error).is_some(), "{error:?}");
        }
    }

    #[test]
    fn any_other_panic_is_damage() {
        for message in ["index out of bounds: the len is 3", "code: red", ""] {
            let error = error_of_panic("it broke off", message);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{message}");
            assert_eq!(error.hint(), Some(Hint::CheckStore), "{error:?}");
        }
    }
}
