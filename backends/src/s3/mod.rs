//! Stores in S3.
