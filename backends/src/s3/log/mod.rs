//! The log: a segment for each append, named by its first commit.
//!
//! | module | contents |
//! | --- | --- |
//! | `append` | appends and seals by `If-None-Match: *` |
//! | `fence` | why no writer takes a name that compaction freed: read this before you change the others |
//! | `heads` | the heads of timelines, and the memory of them |
//! | `segment_index` | which objects hold a range of commits |
//! | `contents`, `walk` | reads of segments, and of ranges of commits |
//! | `chain` | the check that segments follow each other |
//! | `compaction` | joins many small segments into packs |
//! | `prune` | removes the log that garbage collection does not retain |

mod append;
pub(super) mod chain;
pub(super) mod compaction;
mod contents;
pub(super) mod fence;
mod heads;
pub(super) mod prune;
mod segment_index;
pub(super) mod walk;

use std::sync::Arc;

use crate::s3::log::append::LogWriter;
use crate::s3::log::compaction::Compactor;
use crate::s3::log::contents::SegmentReader;
use crate::s3::log::fence::Fence;
use crate::s3::log::heads::Heads;
use crate::s3::log::prune::Pruner;
use crate::s3::log::segment_index::SegmentIndex;
use crate::s3::log::walk::LogReader;
use crate::s3::store::S3Store;

/// The parts of the log of a store.
pub(super) struct Log {
    pub(super) heads: Arc<Heads>,
    pub(super) index: Arc<SegmentIndex>,
    pub(super) reader: Arc<LogReader>,
    pub(super) writer: Arc<LogWriter>,
    pub(super) compactor: Arc<Compactor>,
    pub(super) pruner: Pruner,
}

impl Log {
    pub(super) fn new(store: &Arc<S3Store>) -> Self {
        let fence = Fence::new(&store.environment, store.bucket.settings.grace);
        let store = store.clone();
        let segments = Arc::new(SegmentReader::new(store.clone()));
        let index = Arc::new(SegmentIndex::new(store.clone()));
        let heads = Arc::new(Heads::new(store.clone(), segments.clone(), fence.clone()));
        let compactor = Arc::new(Compactor {
            store: store.clone(),
            heads: heads.clone(),
            index: index.clone(),
            segments: segments.clone(),
        });
        let writer = Arc::new(LogWriter {
            store: store.clone(),
            heads: heads.clone(),
            index: index.clone(),
            segments: segments.clone(),
            compactor: compactor.clone(),
            fence: fence.clone(),
        });
        let pruner = Pruner {
            store,
            heads: heads.clone(),
            index: index.clone(),
            writer: writer.clone(),
            fence,
        };
        let reader = Arc::new(LogReader { heads: heads.clone(), index: index.clone(), segments });
        Self { heads, index, reader, writer, compactor, pruner }
    }
}
