//! What is to be measured, and the run that measures it.

use std::path::PathBuf;

use crate::Result;
use crate::network::{Remote, RemoteLocation};
use crate::report::{AnyEngine, Row};
use crate::subject::{EngineName, Scale, Subject};
use crate::workloads::Workload;

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Request {
    /// The engines in this process.
    pub engines: Vec<EngineName>,
    /// Where on servers stores are made, and whether they stay there.
    pub places: Vec<(RemoteLocation, bool)>,
    /// The names of workloads; empty for all.
    pub only: Vec<String>,
    /// How much work to do.
    pub scale: Scale,
    /// The directory whose disk is measured; the stores in it are removed in the end.
    pub directory: PathBuf,
    /// A directory with files of BSON, to be stored in S3 and weighed.
    pub dump: Option<PathBuf>,
}

impl Request {
    /// The names of all workloads, sorted.
    pub fn workloads() -> Vec<&'static str> {
        let embedded = Workload::<Subject>::ALL.iter().map(|workload| workload.name);
        let network = Workload::<Remote>::ALL.iter().map(|workload| workload.name);
        let mut names: Vec<_> = embedded.chain(network).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Runs the workloads one after the other; `rows` has what was measured also if something fails
    /// later, since it may have taken long. `begun` is told each engine and workload.
    pub async fn run(
        &self,
        rows: &mut Vec<Row>,
        begun: &(dyn Fn(AnyEngine, &str) + Send + Sync),
    ) -> Result<()> {
        for engine in &self.engines {
            let subject = Subject::new(*engine, self.scale, &self.directory)?;
            self.all(Workload::<Subject>::ALL, &subject, (*engine).into(), rows, begun).await?;
        }
        for (place, stays) in &self.places {
            let server = place.server.into();
            let remote = Remote::new(place.clone(), self.scale, self.dump.clone()).await?;
            let measured = self.all(Workload::<Remote>::ALL, &remote, server, rows, begun).await;
            let removed = if *stays { Ok(()) } else { remote.remove().await };
            measured.and(removed)?;
        }
        Ok(())
    }

    async fn all<S>(
        &self,
        workloads: &[Workload<S>],
        subject: &S,
        engine: AnyEngine,
        rows: &mut Vec<Row>,
        begun: &(dyn Fn(AnyEngine, &str) + Send + Sync),
    ) -> Result<()> {
        let wanted = |name: &str| self.only.is_empty() || self.only.iter().any(|only| only == name);
        for workload in workloads.iter().filter(|workload| wanted(workload.name)) {
            begun(engine, workload.name);
            rows.extend(workload.run(subject).await?);
        }
        Ok(())
    }
}
