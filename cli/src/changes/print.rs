//! Prints changes one by one, in bounded memory.

use std::pin::pin;

use argon_service::changes::{
    CollectionChange, CollectionChangeKind, DocumentChange, Shown, Summary,
};
use futures::{Stream, TryStreamExt};

use super::{document, facts};
use crate::exit::CommandResult;
use crate::output::{Cells, Colours, Listing, Output, count, escape, grouped, typed};

const COLUMNS: &[&str] = &["COLLECTION", "ADDED", "CHANGED", "REMOVED", ""];

/// Prints the items of a commit, a comparison or a plan, and gives their summary, if they have one. For people,
/// the caller prints the commit, the states and the summary in its own words.
pub(crate) async fn print_changes(
    output: &Output,
    items: impl Stream<Item = argon_service::Result<Shown>>,
) -> CommandResult<Summary> {
    let mut printer =
        Printer { listing: output.listing(COLUMNS), colours: output.colours, heading: None };
    let (mut items, mut summary) = (pin!(items), Summary::default());
    while let Some(item) = items.try_next().await? {
        if let Shown::Summary(of) = &item {
            summary = *of;
        }
        let text = match &item {
            Shown::Numbers(_) => {
                printer.listing.item(&item)?;
                continue;
            }
            Shown::Collection(change) => printer.collection(change),
            Shown::Document(change) => printer.document(change),
            Shown::States(_) | Shown::Commit(_) | Shown::Summary(_) if output.is_table() => {
                continue;
            }
            Shown::States(_) | Shown::Commit(_) | Shown::Summary(_) => String::new(),
        };
        let json = typed::compact(&item)?;
        printer.listing.line(&text, || json)?;
    }
    printer.listing.finish()?;
    Ok(summary)
}

/// The numbers in all, in one line.
pub(crate) fn summary_text(summary: &Summary) -> String {
    let Summary { added, changed, removed, collections, .. } = *summary;
    format!(
        "{} added, {} changed, {} removed in {}",
        grouped(added),
        grouped(changed),
        grouped(removed),
        count(collections, "collection")
    )
}

struct Printer {
    listing: Listing,
    colours: Colours,
    /// The collection under whose heading documents stand.
    heading: Option<String>,
}

impl Printer {
    fn collection(&mut self, change: &CollectionChange) -> String {
        let CollectionChange { collection, documents, before, after, .. } = change;
        let with = documents.map(|number| format!(" with {}", count(number, "document")));
        let with = with.unwrap_or_default();
        let words = match change.change {
            CollectionChangeKind::Created => self.colours.green(&format!("created{with}")),
            CollectionChangeKind::Dropped => self.colours.red(&format!("dropped{with}")),
            CollectionChangeKind::Changed => String::new(),
        };
        let lines = match (before, after) {
            (Some(before), Some(after)) => facts::differences(&before.info, &after.info),
            _ => Vec::new(),
        };
        let mut text = format!("{} {words}", self.heading(collection)).trim_end().to_owned();
        for line in lines {
            let line = escape::line(&line);
            text.push_str("\n  ");
            text.push_str(&match line.chars().next() {
                Some('+') => self.colours.green(&line),
                Some('-') => self.colours.red(&line),
                _ => line.into_owned(),
            });
        }
        text
    }

    fn document(&mut self, change: &DocumentChange) -> String {
        let text = document::text(change, self.colours);
        if self.heading.as_ref() == Some(&change.collection) {
            return text;
        }
        format!("{}\n{text}", self.heading(&change.collection))
    }

    fn heading(&mut self, collection: &str) -> String {
        self.heading = Some(collection.to_owned());
        self.colours.bold(&format!("collection {}", escape::line(collection)))
    }
}

/// A line of the numbers.
impl Cells for Shown {
    fn cells(&self) -> Vec<String> {
        let Self::Numbers(numbers) = self else { return Vec::new() };
        vec![
            numbers.collection.clone(),
            numbers.added.to_string(),
            numbers.changed.to_string(),
            numbers.removed.to_string(),
            numbers.collection_change.clone().unwrap_or_default(),
        ]
    }
}
