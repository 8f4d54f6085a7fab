//! What is measured of backends on a network, a module each.

mod append;
mod branch;
mod diff;
mod dump;
mod import;
mod point_read;
#[cfg(feature = "servers")]
mod round_trips;
mod scan;
mod snapshot;

use crate::network::Remote;
use crate::workloads::Workload;

impl Workload<Remote> {
    /// All of them, in the order in which they are run.
    pub const ALL: &[Self] = &[
        Self { name: "append", run: |remote| Box::pin(append::run(remote)) },
        Self { name: "import", run: |remote| Box::pin(import::run(remote)) },
        Self { name: "branch", run: |remote| Box::pin(branch::run(remote)) },
        Self { name: "point-read", run: |remote| Box::pin(point_read::run(remote)) },
        Self { name: "scan", run: |remote| Box::pin(scan::run(remote)) },
        Self { name: "diff", run: |remote| Box::pin(diff::run(remote)) },
        #[cfg(feature = "servers")]
        Self { name: "round-trips", run: |remote| Box::pin(round_trips::run(remote)) },
        Self { name: "snapshot", run: |remote| Box::pin(snapshot::run(remote)) },
        Self { name: "dump", run: |remote| Box::pin(dump::run(remote)) },
    ];
}
