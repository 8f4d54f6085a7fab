//! Every trial, for every backend of this build.

#![allow(clippy::expect_used, reason = "without a directory there is nothing to test")]

use std::process::ExitCode;

use argon_backends::registry;
use argon_conformance_tests::{Subject, run};
use argon_core::storage::StoreUrl;
use tempfile::TempDir;

fn main() -> ExitCode {
    let memory =
        Subject::new("memory", "the layout", registry(), || (StoreUrl::new("memory", ""), ()));
    run(&[memory.clone(), in_directory("sled"), in_directory("fjall")], &memory)
}

/// A backend whose stores are directories.
fn in_directory(scheme: &'static str) -> Subject {
    Subject::new(scheme, "the engine itself", registry(), move || {
        let directory = TempDir::new().expect("the system gives temporary directories");
        let path = directory.path().join("store");
        (StoreUrl::new(scheme, path.to_string_lossy()), directory)
    })
}
