//! Bytes on disk.

use std::ops::Range;

use argon_core::{Branch, Store};

use crate::Result;
use crate::documents::{UPDATED_BYTES, checked, raw};
use crate::report::{Bar, Quantity, Row};
use crate::samples::slope;
use crate::subject::{EngineName, Subject};
use crate::workloads::writers::count;
use crate::writing::{BareWriter, IMPORT_COMMIT, Ready, as_history, import};

/// How many single-document commits share a durable batch of the bare engine.
const GROUP: usize = 1024;

/// In so many steps it grows; it is weighed after each, since engines grow in leaps.
const STEPS: u64 = 10;

/// In which state the engine is weighed. In either it was closed and opened again, which ends what
/// goes on in the background.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// As it is.
    BeforeCompaction,
    /// After it was asked to compact.
    AfterCompaction,
}

/// What documents and their updates take, from the growth over many.
struct Weight {
    document: f64,
    update: f64,
}

/// A store or a bare engine that is weighed.
enum Scales<'a> {
    Store { subject: &'a Subject, name: String, open: Option<(Store, Branch)> },
    Bare { subject: &'a Subject, name: String, writer: BareWriter },
}

/// Weighs imported documents of 232 bytes, and then updates of them in commits of one; next to the
/// same rows in the bare engine.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    if !subject.engine.on_disk() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    for (when, name) in [(When::BeforeCompaction, "before"), (When::AfterCompaction, "after")] {
        let measured = Scales::store(subject, name).await?.weigh(when).await?;
        let floor = Scales::bare(subject, name)?.weigh(when).await?;
        let row = |what: &str, measured: f64, floor: f64| {
            let what = format!("bytes per {what} of 232 bytes, {name} compaction");
            Row::new(what, subject.engine, Quantity::bytes(measured))
                .floor(Some(Quantity::bytes(floor)))
        };
        rows.push(row("document", measured.document, floor.document));
        let update = row("update", measured.update, floor.update);
        let most = |bytes| Bar::AtMost(Quantity::bytes(bytes));
        rows.push(match when {
            When::BeforeCompaction => update.bar_on(EngineName::Fjall, most(400.0)),
            When::AfterCompaction => update.bar(most(2.0 * count(UPDATED_BYTES as u64))),
        });
    }
    Ok(rows)
}

impl<'a> Scales<'a> {
    async fn store(subject: &'a Subject, name: &str) -> Result<Self> {
        let name = format!("bytes-{name}");
        let open = Some(subject.create(&name).await?);
        Ok(Self::Store { subject, name, open })
    }

    fn bare(subject: &'a Subject, name: &str) -> Result<Self> {
        let name = format!("bytes-{name}-bare");
        let writer = BareWriter::new(subject.bare(&name)?);
        Ok(Self::Bare { subject, name, writer })
    }

    /// Lets it grow in equal steps, by documents and then by updates of them.
    async fn weigh(mut self, when: When) -> Result<Weight> {
        let (Self::Store { subject, .. } | Self::Bare { subject, .. }) = &self;
        let documents = subject.size(400_000, 50_000);
        let document = self.grow(documents, 0..1, when).await?;
        let update = self.grow(documents, 1..3, when).await?;
        Ok(Weight { document, update })
    }

    /// Writes so many documents in some revisions; gives the bytes that each took.
    async fn grow(&mut self, documents: u64, revisions: Range<u32>, when: When) -> Result<f64> {
        let step = documents / STEPS;
        let mut written = 0;
        let mut points = Vec::new();
        for revision in revisions {
            for number in 0..STEPS {
                self.write(number * step..(number + 1) * step, revision).await?;
                self.settle(when).await?;
                written += step;
                points.push((count(written), count(self.bytes().await?)));
            }
        }
        Ok(slope(&points))
    }

    /// Writes documents in their first form by import, and others in commits of one.
    async fn write(&mut self, numbers: Range<u64>, revision: u32) -> Result<()> {
        match self {
            Self::Store { open, .. } => {
                let (_, branch) = open.as_ref().ok_or("it is closed")?;
                if revision == 0 {
                    import(branch, numbers.map(|number| raw(number, 0, UPDATED_BYTES))).await
                } else {
                    as_history(branch, ready(numbers, revision)?.into_iter()).await
                }
            }
            Self::Bare { writer, .. } => {
                let (commit, commits) = if revision == 0 { (IMPORT_COMMIT, 1) } else { (1, GROUP) };
                writer.write(&ready(numbers, revision)?, commit, commits).map(drop)
            }
        }
    }

    /// Closes it and opens it again, after a compaction if one is wanted.
    async fn settle(&mut self, when: When) -> Result<()> {
        let compact = when == When::AfterCompaction;
        match self {
            Self::Store { subject, name, open } => {
                let (store, branch) = open.take().ok_or("it is closed")?;
                if compact {
                    store.compact().await?;
                }
                drop((store, branch));
                *open = Some(subject.open(name).await?);
            }
            Self::Bare { subject, name, writer } => {
                let engine = writer.close()?;
                if compact {
                    engine.compact()?;
                }
                drop(engine);
                writer.open(subject.bare(name)?);
            }
        }
        Ok(())
    }

    async fn bytes(&self) -> Result<u64> {
        Ok(match self {
            Self::Store { open, .. } => {
                open.as_ref().ok_or("it is closed")?.0.stored_bytes().await?
            }
            Self::Bare { writer, .. } => writer.engine()?.disk_bytes()?,
        })
    }
}

fn ready(numbers: Range<u64>, revision: u32) -> Result<Vec<Ready>> {
    numbers.map(|number| checked(number, revision, UPDATED_BYTES)).collect()
}
