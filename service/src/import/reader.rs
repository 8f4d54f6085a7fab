//! The thread that reads a file: documents, checked and identified, into batches.

use std::path::Path;
use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::Document;
use argon_core::{Environment, Error};
use argon_formats::{BadRecord, Position, Record, Source};
use tokio::sync::mpsc;

use super::ids::IdMaker;
use super::{ImportFiles, Input};
use crate::{Result, Watcher};

/// Batches that may be ready before they are taken.
const READY: usize = 3;

/// The most bytes of documents in a batch, unless a single document has more: half of what one append
/// takes, so that batches of large documents share appends too.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A document on its way, and where it stood.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) document: Document,
    pub(super) position: Position,
}

/// What the thread hands over, in the order of the file.
#[derive(Debug)]
pub(super) enum Found {
    /// Documents for one commit.
    Batch(Vec<Entry>),
    /// A document that can't be taken. Unless the import keeps going, it is the last.
    Bad(BadRecord),
    /// The file was read to its end.
    End,
}

/// Starts to read.
pub(super) fn start(
    input: &Input,
    options: &ImportFiles,
    environment: &Environment,
    watcher: Arc<dyn Watcher>,
) -> Result<mpsc::Receiver<Found>> {
    let source = input.open(options.source())?;
    let (sender, receiver) = mpsc::channel(READY);
    let reader = Reader {
        reported: 0,
        watcher,
        ids: IdMaker::new(input, environment),
        keep_going: options.keep_going,
        most: options.batch,
        batch: Vec::new(),
        bytes: 0,
        sender,
    };
    std::thread::Builder::new()
        .name("import-reader".to_owned())
        .spawn(move || reader.read(source))
        .map_err(|error| Error::unavailable("no thread could be started").with_source(error))?;
    Ok(receiver)
}

struct Reader {
    watcher: Arc<dyn Watcher>,
    /// How many bytes of the file were reported as read.
    reported: u64,
    ids: IdMaker,
    keep_going: bool,
    most: usize,
    batch: Vec<Entry>,
    bytes: usize,
    sender: mpsc::Sender<Found>,
}

/// The importer does not want more.
struct Unwanted;

impl Reader {
    fn read(mut self, mut source: Source) {
        // If the importer has ended, nothing needs the report.
        let _ = self.read_all(&mut source);
    }

    fn read_all(&mut self, source: &mut Source) -> Result<(), Unwanted> {
        while let Some(record) = source.next() {
            match record {
                Ok(record) => self.add(record, source.path())?,
                Err(bad) => self.bad(bad)?,
            }
            if self.is_full() {
                self.report(source);
                self.hand_over()?;
            }
        }
        self.report(source);
        self.hand_over()?;
        for note in source.notes() {
            self.watcher.notes(&note);
        }
        self.send(Found::End)
    }

    fn add(&mut self, record: Record, path: &Path) -> Result<(), Unwanted> {
        let Record { document, position, .. } = record;
        match self.ids.identified(document).and_then(Document::checked) {
            Ok((key, document)) => {
                let bytes = document.as_bytes().len();
                if self.bytes + bytes > BATCH_BYTES {
                    self.hand_over()?;
                }
                self.bytes += bytes;
                self.batch.push(Entry { key, document, position });
                Ok(())
            }
            Err(error) => {
                let (path, reason) = (path.to_owned(), error.to_string());
                self.bad(BadRecord { path, position, reason, resumable: true })
            }
        }
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= self.most || self.bytes >= BATCH_BYTES
    }

    /// Hands over what stands before a bad document, then that; if it ends the import, so does this.
    fn bad(&mut self, bad: BadRecord) -> Result<(), Unwanted> {
        if self.keep_going {
            return self.send(Found::Bad(bad));
        }
        self.hand_over()?;
        self.send(Found::Bad(bad))?;
        Err(Unwanted)
    }

    fn report(&mut self, source: &Source) {
        let read = source.bytes_read();
        self.watcher.advances(read.saturating_sub(self.reported));
        self.reported = read;
    }

    fn hand_over(&mut self) -> Result<(), Unwanted> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(self.most.min(4096)));
        self.send(Found::Batch(batch))
    }

    fn send(&self, found: Found) -> Result<(), Unwanted> {
        self.sender.blocking_send(found).map_err(|_| Unwanted)
    }
}
