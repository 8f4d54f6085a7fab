//! `argon gc`

use std::time::Duration;

use argon_service::duration::{duration_text, parse_duration};
use argon_service::upkeep::{
    self, CollectGarbage, CollectedGarbage, CollectedTimeline, HeldState, HolderKind,
};
use clap::Args;

use super::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{count, size};

const EXAMPLES: &str = "\
Examples:
  argon gc --dry-run
  argon gc --retention 30d
  argon gc --retention 24h --compact --yes

Removed data can't be read or restored. A retention time that is shorter than the setting
`retention` shows what would be removed, and asks first. The bytes may stay in the files of a store
on this machine until `--compact` or `argon compact` rewrites them.";

/// Remove data that is older than the retention time and that nothing holds.
///
/// Every state of a branch within the retention time stays readable, and so do heads, pins, the bases
/// of branches, and the inputs of open merge plans. Older backups are removed. Reading and writing may
/// continue meanwhile. On a store of a server that is more than a minute off from this machine's
/// clock, the server's time counts.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GcArgs {
    /// How far back to keep every state, such as 90m, 24h or 30d [default: the setting `retention`, 7d]
    #[arg(long, value_name = "TIME", value_parser = checked, allow_hyphen_values = true)]
    retention: Option<Duration>,
    /// Print what would be removed and why the rest is kept, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Give the space back to the disk afterwards, as `argon compact` does
    #[arg(long, conflicts_with = "dry_run")]
    compact: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    /// Continue although the newest commit is much older than the clock, which may be set wrong
    #[arg(long)]
    trust_clock: bool,
}

fn checked(text: &str) -> Result<Duration, String> {
    if text.starts_with('-') {
        return Err(format!(
            "'{text}' must not be negative; 0 keeps only the states that are held"
        ));
    }
    parse_duration(text)
}

impl GcArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { retention, dry_run, compact, confirmation, trust_clock } = self;
        let store = context.store().await?.store;
        let (environment, settings) = (&context.environment, context.settings());
        let request = CollectGarbage { retention, dry_run, compact, trust_clock };
        let retention = retention.unwrap_or(settings.retention);
        if !confirmation.is_given()
            && let Some(preview) =
                upkeep::preview_unusual(&store, environment, settings, &request).await?
        {
            context.output.say(&dry_text(&preview, retention));
            confirmation.ask(&format!(
                "remove that for good? (the setting `retention` is {})",
                duration_text(settings.retention)
            ))?;
        }
        let collected = upkeep::collect(&store, environment, settings, &request).await?;
        if dry_run {
            return context.output.result(|| dry_text(&collected, retention), &collected);
        }
        let mut words = format!("freed {}", freed_text(&collected));
        if let Some(compacted) = collected.compacted {
            words += &format!("; {}", super::compact::text(compacted));
        }
        context.output.reply(&words, &collected)
    }
}

fn freed_text(collected: &CollectedGarbage) -> String {
    format!(
        "{} in {}, {}, {}, {} and {}",
        size(collected.bytes),
        count(collected.versions, "version") + " of documents",
        count(collected.commits, "commit"),
        count(collected.snapshots, "snapshot"),
        count(collected.chunks, "chunk"),
        count(collected.refs.len() as u64, "ref"),
    )
}

fn dry_text(collected: &CollectedGarbage, retention: Duration) -> String {
    let mut lines = vec![format!(
        "with a retention of {} (from {} on), it would free {}",
        duration_text(retention),
        collected.cutoff,
        freed_text(collected),
    )];
    lines.extend(collected.refs.iter().map(|name| format!("remove {name}")));
    for timeline in &collected.timelines {
        lines.push(timeline_text(timeline));
        lines.extend(timeline.points.iter().map(point_text));
    }
    lines.join("\n")
}

fn timeline_text(timeline: &CollectedTimeline) -> String {
    let name = match timeline.branches.as_slice() {
        [] => format!("timeline {}", timeline.timeline),
        names => names.join(", "),
    };
    let kept = match timeline.from {
        _ if timeline.dropped => "nothing of it is kept".to_owned(),
        Some(from) => format!("kept from LSN {from} on"),
        None => "single states are kept".to_owned(),
    };
    format!("{name}: {kept}, {} would go", size(timeline.bytes))
}

fn point_text(point: &HeldState) -> String {
    let holders: Vec<String> = point
        .holders
        .iter()
        .map(|holder| format!("{} {}", kind(holder.kind), holder.name))
        .collect();
    format!("  LSN {} is kept for {}", point.lsn, holders.join(", "))
}

/// The name of a kind of holders.
pub(super) fn kind(kind: HolderKind) -> &'static str {
    match kind {
        HolderKind::Branch => "branch",
        HolderKind::Backup => "backup",
        HolderKind::Pin => "pin",
        HolderKind::Plan => "plan",
        HolderKind::MergeBase => "merges of",
        HolderKind::Reader => "reader",
        HolderKind::Orphan => "branch without a project",
    }
}
