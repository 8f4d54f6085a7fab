//! `argon storage`

use argon_core::gc::{self, HolderBytes, Storage};
use argon_service::duration::duration_text;
use clap::Args;

use super::gc::kind;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Json, Row, grouped, size};

/// Show what holds how many bytes, and what `argon gc` would free.
///
/// BYTES are those that a holder has to itself: at least so many would be freed if it went. What
/// several holders need is counted as shared. Reads the keys of all documents once.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon storage\n  argon storage -o json | jq .free")]
pub(crate) struct StorageArgs {}

struct Line {
    holder: String,
    kind: &'static str,
    states: Option<u64>,
    bytes: u64,
}

impl Row for Line {
    fn cells(&self) -> Vec<String> {
        vec![
            self.holder.clone(),
            self.kind.to_owned(),
            self.states.map(grouped).unwrap_or_default(),
            grouped(self.bytes),
        ]
    }

    fn json(&self) -> Json {
        Json::object([
            ("holder", self.holder.as_str().into()),
            ("kind", self.kind.into()),
            ("states", self.states.into()),
            ("bytes", self.bytes.into()),
        ])
    }
}

impl StorageArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let retention = context.settings().retention;
        let store = context.store().await?.store;
        let storage = gc::storage(&store, retention).await?;
        if !context.output.is_table() {
            return context.output.one(String::new, || json(&storage));
        }
        let mut listing = context.output.listing(&["HOLDER", "KIND", "STATES", "BYTES"]);
        for line in lines(&storage) {
            listing.row(&line)?;
        }
        listing.finish()?;
        context.output.say(&format!(
            "the store takes {}; `argon gc` with its retention of {} would free {} of it",
            size(storage.stored),
            duration_text(retention),
            size(storage.free + storage.free_chunks),
        ));
        Ok(())
    }
}

fn lines(storage: &Storage) -> Vec<Line> {
    let held = |held: &HolderBytes| Line {
        holder: held.holder.name.clone(),
        kind: kind(held.holder.kind),
        states: Some(held.states),
        bytes: held.exclusive,
    };
    let sum =
        |holder: &str, kind, bytes| Line { holder: holder.to_owned(), kind, states: None, bytes };
    let mut lines: Vec<Line> = storage.holders.iter().map(held).collect();
    lines.extend([
        sum("looking back", "retention", storage.window),
        sum("several of these", "shared", storage.shared),
        sum("snapshots", "chunks", storage.chunks),
        sum("nothing", "garbage", storage.free + storage.free_chunks),
    ]);
    lines
}

fn json(storage: &Storage) -> Json {
    let holders = storage.holders.iter().map(|held| {
        Json::object([
            ("holder", held.holder.name.as_str().into()),
            ("kind", kind(held.holder.kind).into()),
            ("states", held.states.into()),
            ("bytes", held.exclusive.into()),
        ])
    });
    Json::object([
        ("holders", Json::Array(holders.collect())),
        ("retention", storage.window.into()),
        ("shared", storage.shared.into()),
        ("chunks", storage.chunks.into()),
        ("free", (storage.free + storage.free_chunks).into()),
        ("stored", storage.stored.into()),
    ])
}
