//! Commits of one document, by one writer and by sixteen at once.

use argon_core::Branch;
use argon_core::write::Precondition;

use crate::Result;
use crate::clock::time_of;
use crate::network::Remote;
use crate::network::meter::Meter;
use crate::network::raw;
use crate::report::{Bar, Quantity, Row};
use crate::samples::median;
use crate::workloads::writers::count;
use crate::writing::{by_writers, one_by_one};

/// Commits of each writer in one round.
const EACH: u64 = 12;

/// So many writers, and how many commits a second they made.
struct Case {
    writers: u64,
    puts: Vec<f64>,
    inserts: Vec<f64>,
    floor: Vec<f64>,
}

/// Measures commits a second: puts, and inserts, which look first whether the document is there; next
/// to the driver writing as many documents, each by a request of its own.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for writers in [1, 16] {
        // Of a store of their own, so that its upkeep in the background is not met by others.
        let (store, branch) = remote.create(&format!("append-by-{writers}")).await?;
        let meter = Meter::start(&store);
        one_by_one(&branch, remote.fresh_documents(EACH)?, Precondition::Any).await?;
        let bytes = meter.each(EACH).sent;
        let mut case = Case::new(writers);
        for _ in 0..remote.size(9, 4) {
            case.round(remote, &branch, bytes).await?;
        }
        rows.extend(case.rows(remote));
    }
    Ok(rows)
}

impl Case {
    fn new(writers: u64) -> Self {
        Self { writers, puts: Vec::new(), inserts: Vec::new(), floor: Vec::new() }
    }

    async fn round(&mut self, remote: &Remote, branch: &Branch, bytes: u64) -> Result<()> {
        let documents = EACH * self.writers;
        let writers = usize::try_from(self.writers)?;
        for (rates, condition) in
            [(&mut self.puts, Precondition::Any), (&mut self.inserts, Precondition::Absent)]
        {
            let fresh = remote.fresh_documents(documents)?;
            let time = time_of(by_writers(branch, fresh, writers, condition)).await?;
            rates.push(count(documents) / time.as_secs_f64());
        }
        let fresh = remote.fresh_raw(documents);
        let time = time_of(raw::by_writers(remote.raw(), &fresh, writers, bytes)).await?;
        self.floor.push(count(documents) / time.as_secs_f64());
        Ok(())
    }

    fn rows(self, remote: &Remote) -> [Row; 2] {
        let floor = Quantity::per_second(median(self.floor));
        let row = |what: &str, rates| {
            let writers = if self.writers == 1 { "1 writer" } else { "16 writers" };
            let measured = Quantity::per_second(median(rates));
            Row::new(format!("{writers}, {what}"), remote.server(), measured).floor(Some(floor))
        };
        [row("puts", self.puts).bar(Bar::AtLeastFloorTimes(0.5)), row("inserts", self.inserts)]
    }
}
