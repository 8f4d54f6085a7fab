//! `argon wal tt-info`

use argon_core::model::Lsn;
use argon_core::{State, log};
use bson::DateTime;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, count};

/// Show how far back the states of a branch can be read.
#[derive(Args)]
#[command(after_help = "Example:\n  argon wal tt-info -p shop -b main")]
pub(crate) struct TtInfoArgs {}

/// What time travel offers on a branch.
struct Reach {
    /// From there on every state can be read.
    earliest: (Lsn, Option<DateTime>),
    latest: (Lsn, Option<DateTime>),
    /// The commits up to there are gone.
    floor: Lsn,
}

impl TtInfoArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let (project, branch) = (workspace.project.name().clone(), workspace.branch.clone());
        let reach = Reach::of(&workspace.state(None).await?).await?;
        let names = [("project", project.as_str()), ("branch", branch.as_str())];
        context.output.one(|| reach.text(&names), || reach.json(&names))
    }
}

impl Reach {
    async fn of(head: &State) -> argon_core::Result<Self> {
        let (earliest, floor) = (log::kept_from(head).await?, log::floor(head).await?);
        Ok(Self {
            earliest: (earliest, time(head, earliest, floor).await?),
            latest: (head.lsn(), time(head, head.lsn(), floor).await?),
            floor,
        })
    }

    /// The commits that are in the log.
    fn commits(&self) -> u64 {
        self.latest.0.get() - self.floor.get()
    }

    fn text(&self, names: &[(&str, &str)]) -> String {
        let mut lines: Vec<(&str, String)> =
            names.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        lines.push(("earliest", point(self.earliest)));
        lines.push(("latest", point(self.latest)));
        lines.push(("log", count(self.commits(), "commit")));
        if self.floor > Lsn::ZERO {
            lines.push(("collected", format!("the commits up to LSN {}", self.floor)));
        }
        let lines = lines.into_iter().map(|(name, value)| format!("{name:<12} {value}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn json(&self, names: &[(&'static str, &str)]) -> Json {
        let mut fields: Vec<(&'static str, Json)> =
            names.iter().map(|(name, value)| (*name, (*value).into())).collect();
        fields.extend([
            ("earliest_lsn", self.earliest.0.get().into()),
            ("earliest_time", self.earliest.1.map(output::time).into()),
            ("latest_lsn", self.latest.0.get().into()),
            ("latest_time", self.latest.1.map(output::time).into()),
            ("commits", self.commits().into()),
            ("floor", self.floor.get().into()),
        ]);
        Json::Object(fields)
    }
}

/// The time of a commit that is in the log.
async fn time(head: &State, lsn: Lsn, floor: Lsn) -> argon_core::Result<Option<DateTime>> {
    if lsn <= floor {
        return Ok(None);
    }
    Ok(Some(log::commit_at(head, lsn).await?.meta.time))
}

fn point((lsn, time): (Lsn, Option<DateTime>)) -> String {
    match time {
        Some(time) => format!("LSN {lsn}, {}", output::time(time)),
        None if lsn == Lsn::ZERO => "LSN 0, the empty state".to_owned(),
        None => format!("LSN {lsn}"),
    }
}
