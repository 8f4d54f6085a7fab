//! The `argon` command.

pub mod formats;
