//! Stores in MongoDB.
