//! The library as a program uses it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod changes;
mod examples;
mod opening;
mod queries;
mod typed;
mod watching;

use argon::{Branch, Store};

/// A new store in memory.
async fn store() -> Store {
    argon::open("memory:").actor("ada").await.unwrap()
}

/// The branch `main` of a new project in a new store in memory.
async fn main_branch() -> Branch {
    store().await.project_or_create("shop").await.unwrap().branch("main").await.unwrap()
}
