//! What an engine owes that outlives its process.

use std::ops::Deref;
use std::path::Path;

use argon_core::Result;
use tempfile::TempDir;

use super::{Numbers, put, remove};
use crate::ordered::engine::{Engine, MAX_VALUE_BYTES};

/// A test for each case of an engine that outlives its process, opened by `$open`.
macro_rules! persistence_tests {
    ($open:expr) => {
        #[test]
        fn batches_are_there_after_reopening() {
            $crate::engines::contract::on_disk::batches_are_there_after_reopening($open);
        }

        #[test]
        fn disk_bytes_counts_what_is_written() {
            $crate::engines::contract::on_disk::disk_bytes_counts_what_is_written($open);
        }
    };
}

pub(crate) use persistence_tests;

/// An engine together with the directory that it lives in.
pub(crate) struct OnDisk<E> {
    // Dropped in this order: the engine closes before its directory goes.
    engine: E,
    _directory: TempDir,
}

impl<E> OnDisk<E> {
    pub(crate) fn new(open: impl FnOnce(&Path) -> Result<E>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { engine: open(directory.path()).unwrap(), _directory: directory }
    }
}

impl<E> Deref for OnDisk<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.engine
    }
}

pub(crate) fn batches_are_there_after_reopening<E: Engine>(open: fn(&Path) -> Result<E>) {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..5_u8 {
        let engine = open(directory.path()).unwrap();
        for earlier in 0..round {
            assert_eq!(engine.get(&[earlier]).unwrap(), Some(vec![earlier; 300]));
            assert_eq!(engine.get(&[earlier, 0]).unwrap(), None);
        }
        engine.apply(vec![put([round], vec![round; 300]), put([round, 0], "x")]).unwrap();
        engine.apply(vec![remove([round, 0])]).unwrap();
    }
}

pub(crate) fn disk_bytes_counts_what_is_written<E: Engine>(open: fn(&Path) -> Result<E>) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    let before = engine.disk_bytes().unwrap();
    let mut numbers = Numbers(3);
    for key in 0..100_u8 {
        engine.apply(vec![put([key], numbers.bytes(MAX_VALUE_BYTES))]).unwrap();
    }
    let written = 100 * MAX_VALUE_BYTES as u64;
    assert!(engine.disk_bytes().unwrap() >= before.max(written));
    assert_eq!(engine.get(&[5]).unwrap().map(|value| value.len()), Some(MAX_VALUE_BYTES));
}
