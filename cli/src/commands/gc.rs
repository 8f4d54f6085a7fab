//! `argon gc`

use std::time::Duration;

use argon_core::Store;
use argon_core::gc::{self, HolderKind, KeptState, Options, Report, TimelineReport};
use argon_core::storage::Reclaimed;
use argon_service::duration::{duration_text, parse_duration};
use clap::Args;

use super::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, count, size};

const EXAMPLES: &str = "\
Examples:
  argon gc --dry-run
  argon gc --retention 30d
  argon gc --retention 24h --compact --yes

What is removed can't be read any more, and can't be brought back. A retention time that is shorter
than the setting `retention` shows what would go, and asks first. The bytes may stay in the files of a store
on this machine until `--compact`, or `argon compact`, writes these anew.";

/// Remove what is older than the retention time and held by nothing.
///
/// Every state of a branch within the retention time stays readable, and so do heads, pins, what
/// branches were made from, and what open merge plans rest on. Backups that are older are removed.
/// Others may read and write meanwhile. On a store of a server that is more than a minute off from
/// this machine's clock, the server's time counts.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GcArgs {
    /// How far back to keep every state, such as 90m, 24h or 30d [default: the setting `retention`, 7d]
    #[arg(long, value_name = "TIME", value_parser = checked, allow_hyphen_values = true)]
    retention: Option<Duration>,
    /// Say what would be removed and why the rest is kept, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Give the space back to the disk afterwards, as `argon compact` does
    #[arg(long, conflicts_with = "dry_run")]
    compact: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    /// Go on although the newest commit is much older than the clock, which may be set wrong
    #[arg(long)]
    trust_clock: bool,
}

fn checked(text: &str) -> Result<Duration, String> {
    if text.starts_with('-') {
        return Err(format!("'{text}' must not be negative; 0 keeps nothing but what is held"));
    }
    parse_duration(text)
}

impl GcArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let retention = self.retention.unwrap_or(context.settings().retention);
        let store = context.store().await?.store;
        let options = Options { retention, dry_run: self.dry_run };
        if !self.trust_clock {
            super::clock::check_collection(context, &store, &options).await?;
        }
        if retention < context.settings().retention && !self.dry_run {
            self.confirm(&store, retention, context).await?;
        }
        let report = gc::collect(&store, &options).await?;
        let compacted = if self.compact {
            let before = store.stored_bytes().await?;
            store.compact().await?;
            Some((before, store.stored_bytes().await?))
        } else {
            None
        };
        let json = || json(&report, self.dry_run, compacted);
        if self.dry_run {
            return context.output.one(|| dry_text(&report, retention), json);
        }
        let mut words = format!("freed {}", freed_text(&report));
        if let Some((before, after)) = compacted {
            words += &format!("; the store took {}, and takes {} now", size(before), size(after));
        }
        context.output.done(&words, json)
    }

    /// Shows what a retention time that is shorter than usual would remove, and asks.
    async fn confirm(
        &self,
        store: &Store,
        retention: Duration,
        context: &Context,
    ) -> CommandResult {
        if self.confirmation.is_given() {
            return Ok(());
        }
        let preview = gc::collect(store, &Options { retention, dry_run: true }).await?;
        let Reclaimed { versions, commits, .. } = preview.freed;
        if versions == 0 && commits == 0 && preview.refs.is_empty() && preview.snapshots == 0 {
            return Ok(());
        }
        context.output.say(&dry_text(&preview, retention));
        self.confirmation.ask(&format!(
            "remove that for good? (the setting `retention` is {})",
            duration_text(context.settings().retention)
        ))
    }
}

fn freed_text(report: &Report) -> String {
    let Reclaimed { versions, commits, chunks, bytes } = report.freed;
    format!(
        "{} in {}, {}, {}, {} and {}",
        size(bytes),
        count(versions, "version") + " of documents",
        count(commits, "commit"),
        count(report.snapshots, "snapshot"),
        count(chunks, "chunk"),
        count(report.refs.len() as u64, "ref"),
    )
}

fn dry_text(report: &Report, retention: Duration) -> String {
    let mut lines = vec![format!(
        "with a retention of {} (from {} on), it would free {}",
        duration_text(retention),
        output::time(report.cutoff),
        freed_text(report),
    )];
    lines.extend(report.refs.iter().map(|name| format!("remove {name}")));
    for timeline in &report.timelines {
        lines.push(timeline_text(timeline));
        lines.extend(timeline.points.iter().map(point_text));
    }
    lines.join("\n")
}

fn timeline_text(timeline: &TimelineReport) -> String {
    let name = match timeline.branches.as_slice() {
        [] => format!("timeline {}", timeline.timeline),
        names => names.join(", "),
    };
    let kept = match timeline.from {
        _ if timeline.dropped => "nothing of it is kept".to_owned(),
        Some(from) => format!("kept from LSN {from} on"),
        None => "single states are kept".to_owned(),
    };
    format!("{name}: {kept}, {} would go", size(timeline.freed.bytes))
}

fn point_text(point: &KeptState) -> String {
    let holders: Vec<String> = point
        .holders
        .iter()
        .map(|holder| format!("{} {}", kind(holder.kind), holder.name))
        .collect();
    format!("  LSN {} is kept for {}", point.lsn, holders.join(", "))
}

/// What a holder is called.
pub(super) fn kind(kind: HolderKind) -> &'static str {
    match kind {
        HolderKind::Branch => "branch",
        HolderKind::Backup => "backup",
        HolderKind::Pin => "pin",
        HolderKind::Plan => "plan",
        HolderKind::MergeBase => "merges of",
        HolderKind::Open => "reader",
        HolderKind::Orphan => "branch without a project",
    }
}

fn json(report: &Report, dry_run: bool, compacted: Option<(u64, u64)>) -> Json {
    let Reclaimed { versions, commits, chunks, bytes } = report.freed;
    let mut fields = vec![
        ("dry_run", dry_run.into()),
        ("cutoff", output::time(report.cutoff).into()),
        ("versions", versions.into()),
        ("commits", commits.into()),
        ("snapshots", report.snapshots.into()),
        ("chunks", chunks.into()),
        ("bytes", bytes.into()),
        ("refs", report.refs.clone().into()),
        ("timelines", Json::Array(report.timelines.iter().map(timeline_json).collect())),
    ];
    if let Some((before, after)) = compacted {
        fields.extend([("bytes_before", before.into()), ("bytes_after", after.into())]);
    }
    Json::Object(fields)
}

fn timeline_json(timeline: &TimelineReport) -> Json {
    let points = timeline.points.iter().map(|point| {
        let holders = point.holders.iter().map(|holder| {
            let (kind, name) = (kind(holder.kind), holder.name.as_str());
            Json::object([("kind", kind.into()), ("name", name.into())])
        });
        Json::object([("lsn", point.lsn.get().into()), ("holders", Json::Array(holders.collect()))])
    });
    Json::object([
        ("timeline", timeline.timeline.to_string().into()),
        ("branches", timeline.branches.clone().into()),
        ("dropped", timeline.dropped.into()),
        ("from", timeline.from.map(argon_core::model::Lsn::get).into()),
        ("points", Json::Array(points.collect())),
        ("bytes", timeline.freed.bytes.into()),
    ])
}
