//! Argon for Rust programs: git for MongoDB-shaped data, embedded.
//!
//! ```
//! use argon::prelude::*;
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! struct User {
//!     _id: i32,
//!     name: String,
//!     age: i32,
//! }
//!
//! #[tokio::main]
//! async fn main() -> argon::Result<()> {
//!     // On disk: argon::open("sled:.argon").or_create().await?
//!     let store = argon::open("memory:").await?;
//!     let main = store.project_or_create("shop").await?.branch("main").await?;
//!
//!     let users = main.collection_of::<User>("users")?;
//!     users.insert_many([
//!         User { _id: 1, name: "Grace".into(), age: 45 },
//!         User { _id: 2, name: "Ada".into(), age: 36 },
//!     ]).await?;
//!
//!     let mut adults = users.find(doc! { "age": { "$gte": 18 } }).sort(doc! { "name": 1 }).await?;
//!     while let Some(user) = adults.try_next().await? {
//!         println!("{} is {}", user.name, user.age);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! | to | use |
//! | --- | --- |
//! | open or create a store | [`open()`], [`create()`] |
//! | open a project and a branch | [`Store::project_or_create`], [`Project::branch`], [`Branch::fork`] |
//! | read and write documents as values of a type | [`Branch::collection_of`], [`Collection`] |
//! | query and change documents in MongoDB's language | [`collection::Query`], [`collection::Modify`] |
//! | read the past | [`Branch::at`], [`Branch::at_time`], [`State::collection_of`], [`Revision`] |
//! | write several collections in one commit | [`Branch::request`], [`Branch::commit`] |
//! | follow a branch | [`Branch::watch`], [`Collection::watch`] |
//! | merge, undo, cherry-pick | [`plan::Plan`] |
//! | compare states, reset a branch | [`mod@diff`], [`restore`] |
//!
//! This crate exports all of `argon_core`, adds the queries of `argon_query` (also [`query`]) to its
//! collections, and knows the backends. The features `sled`, `fjall` and `memory` are on by default;
//! `mongodb`, `s3` and `legacy` are not, because their clients take long to compile.
//!
//! Futures run on a Tokio runtime. The examples in `argon/examples` are complete programs.

pub mod collection;
mod open;
pub mod prelude;

#[doc(inline)]
pub use argon_core::*;
#[doc(inline)]
pub use argon_query as query;
pub use bson;
pub use open::{Open, create, environment, open, registry};

/// Compiles and runs the README's example.
#[cfg(all(doctest, feature = "memory"))]
#[doc = include_str!("../../README.md")]
struct Readme;
