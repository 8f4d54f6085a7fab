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

/// How often the engine is weighed while it grows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// As it is, often, since it grows in leaps.
    BeforeCompaction,
    /// After it was compacted, closed and opened again: some engines remove what a compaction
    /// replaced only then.
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
        let steps = if when == When::BeforeCompaction { 20 } else { 3 };
        let step = subject.size(500_000, 100_000) / steps;
        let [mut documents, mut updates] = [const { Vec::new() }; 2];
        for (points, revision) in [(&mut documents, 0), (&mut updates, 1)] {
            for number in 0..steps {
                self.write(number * step..(number + 1) * step, revision).await?;
                if when == When::AfterCompaction {
                    self.compact().await?;
                }
                points.push((count((number + 1) * step), count(self.bytes().await?)));
            }
        }
        Ok(Weight { document: slope(&documents), update: slope(&updates) })
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

    async fn compact(&mut self) -> Result<()> {
        match self {
            Self::Store { subject, name, open } => {
                let (store, branch) = open.take().ok_or("it is closed")?;
                store.compact().await?;
                drop((store, branch));
                *open = Some(subject.open(name).await?);
            }
            Self::Bare { subject, name, writer } => {
                writer.close()?.compact()?;
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
