//! `argon storage`

use argon_service::duration::duration_text;
use argon_service::upkeep::{self, ShowStorage, StorageUse};
use clap::Args;
use serde::Serialize;

use super::gc::kind;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Cells, grouped, size};

/// List the holders of bytes, and what `argon gc` would free.
///
/// BYTES are those that only this holder needs: at least these would be freed without it. Bytes that
/// several holders need count as shared. Reads the keys of all documents once.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon storage\n  argon storage -o json | jq .free")]
pub(crate) struct StorageArgs {}

/// A line of the table.
#[derive(Serialize)]
struct Line<'a> {
    holder: &'a str,
    kind: &'static str,
    states: Option<u64>,
    bytes: u64,
}

impl Cells for Line<'_> {
    fn cells(&self) -> Vec<String> {
        vec![
            self.holder.to_owned(),
            self.kind.to_owned(),
            self.states.map(grouped).unwrap_or_default(),
            grouped(self.bytes),
        ]
    }
}

impl StorageArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let settings = context.settings();
        let store = context.store().await?.store;
        let storage = upkeep::storage(&store, settings, ShowStorage {}).await?;
        if !context.output.is_table() {
            return context.output.result(String::new, &storage);
        }
        let mut listing = context.output.listing(&["HOLDER", "KIND", "STATES", "BYTES"]);
        for line in lines(&storage) {
            listing.item(&line)?;
        }
        listing.finish()?;
        context.output.say(&format!(
            "the store takes {}; `argon gc` with its retention of {} would free {} of it",
            size(storage.stored),
            duration_text(settings.retention),
            size(storage.free),
        ));
        Ok(())
    }
}

fn lines(storage: &StorageUse) -> Vec<Line<'_>> {
    let sum = |holder, kind, bytes| Line { holder, kind, states: None, bytes };
    let holders = storage.holders.iter().map(|held| Line {
        holder: &held.holder,
        kind: kind(held.kind),
        states: Some(held.states),
        bytes: held.bytes,
    });
    let mut lines: Vec<Line<'_>> = holders.collect();
    lines.extend([
        sum("looking back", "retention", storage.retention),
        sum("several of these", "shared", storage.shared),
        sum("snapshots", "chunks", storage.chunks),
        sum("nothing", "garbage", storage.free),
    ]);
    lines
}
