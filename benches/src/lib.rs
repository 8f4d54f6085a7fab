//! Workloads over Argon.
