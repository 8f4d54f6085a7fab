//! `argon audit`

use argon_core::Moment;
use argon_core::model::ProjectName;
use argon_service::audit::{self, AuditEvent, ListAudit, Outcome};
use clap::{Args, ValueEnum};
use futures::TryStreamExt;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

const EXAMPLES: &str = "\
Examples:
  argon audit
  argon audit --outcome refused --since 2026-07-01
  argon audit --user ada -o jsonl
  argon verify --project audit
  argon export audit.jsonl --project audit -c events

`argon serve --auth --audit` records logins, writes and what was refused, in a project of the store. Its commits are in
the hash chain as all others: `argon verify` proves that nothing was changed since a digest that you keep.";

/// List what clients of the server did, and what they were refused, the oldest first.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AuditArgs {
    /// The project that has the events, as `argon serve --audit` was told
    #[arg(long = "in", value_name = "PROJECT", default_value = audit::PROJECT)]
    project: ProjectName,
    /// Only what this user did
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only what ended so
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<OutcomeArg>,
    /// Only what happened at or after this time: a date, a time, yesterday, '1h ago' [default: 1d ago]
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutcomeArg {
    /// It was done
    Done,
    /// The client had no right to it, or its login failed
    Refused,
    /// It failed
    Failed,
}

impl From<OutcomeArg> for Outcome {
    fn from(outcome: OutcomeArg) -> Self {
        match outcome {
            OutcomeArg::Done => Self::Done,
            OutcomeArg::Refused => Self::Refused,
            OutcomeArg::Failed => Self::Failed,
        }
    }
}

impl Cells for AuditEvent {
    fn cells(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let place = [text(&self.project), text(&self.branch)];
        let place: Vec<String> = place.into_iter().filter(|name| !name.is_empty()).collect();
        vec![
            self.time.to_string(),
            text(&self.user),
            self.via.clone(),
            self.action.clone(),
            place.join(":"),
            self.outcome.clone(),
            text(&self.client),
            text(&self.reason),
        ]
    }
}

impl AuditArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let Self { project, user, outcome, since } = self;
        let outcome = outcome.map(Outcome::from);
        let request = ListAudit { project: Some(project), user, outcome, since };
        let columns = &["TIME", "USER", "BY", "ACTION", "WHERE", "OUTCOME", "CLIENT", "REASON"];
        let mut listing = context.output.listing(columns);
        let mut events = std::pin::pin!(audit::list(&store, request).await?);
        while let Some(event) = events.try_next().await? {
            listing.item(&event)?;
        }
        listing.finish()
    }
}
