//! Prints what differs: lines with `+`, `-` and `~` for people, objects for programs.

use argon_core::diff::{CollectionDiff, DocumentDiff};
use argon_core::model::{CollectionName, Document};
use argon_formats::extjson::{Layout, Mode, print_raw_value};
use argon_service::changes::{CollectionChange, Depth, DocumentChange, Shown, ShownCommit};
use bson::raw::RawBsonRef;

use super::fields::{self, Difference};
use super::{Stat, facts};
use crate::exit::CommandResult;
use crate::output::{Colours, Json, Listing, Output, count, document_line, escape, typed};

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Documents that came or went whole, the fields of those that changed; values in this mode. The
    /// documents of a collection that came or went are counted.
    Changes(Mode),
    /// Every document, whole, before and after.
    Documents(Mode),
    /// Every document: what came or went whole, the fields of those that changed.
    Fields(Mode),
    /// Numbers for each collection.
    Stat,
    /// Nothing; the numbers are only given back.
    Nothing,
}

impl Detail {
    /// How values are printed, if documents are.
    fn mode(self) -> Option<Mode> {
        match self {
            Self::Changes(mode) | Self::Documents(mode) | Self::Fields(mode) => Some(mode),
            Self::Stat | Self::Nothing => None,
        }
    }

    /// Whether the documents of a collection that came or went are printed one by one.
    pub(super) fn is_complete(self) -> bool {
        matches!(self, Self::Documents(_) | Self::Fields(_))
    }

    fn depth(self, mode: Mode) -> Depth {
        Depth { mode, fields: self.has_fields(), documents: self.has_documents() }
    }

    fn has_fields(self) -> bool {
        matches!(self, Self::Changes(_) | Self::Fields(_))
    }

    /// Whether JSON has the whole document of one that changed.
    fn has_documents(self) -> bool {
        matches!(self, Self::Changes(_) | Self::Documents(_))
    }
}

/// Prints differences one by one, in bounded memory, and counts them.
pub(crate) struct Printer {
    detail: Detail,
    colours: Colours,
    listing: Listing,
    /// The collection under whose heading documents stand.
    heading: Option<CollectionName>,
    stat: Stat,
}

impl Printer {
    pub(crate) fn new(output: &Output, detail: Detail) -> Self {
        let listing = output.listing(Stat::COLUMNS);
        let (colours, stat) = (output.colours, Stat::default());
        Self { detail, colours, listing, heading: None, stat }
    }

    /// The commit whose changes follow, for programs.
    pub(crate) fn commit(&mut self, commit: ShownCommit) -> CommandResult {
        let line = typed::compact(&Shown::Commit(commit))?;
        self.listing.line("", || line)
    }

    /// A collection whose metadata differs; `documents` is how many came or went with it without
    /// being printed one by one.
    pub(crate) fn collection(
        &mut self,
        diff: &CollectionDiff,
        documents: Option<u64>,
    ) -> CommandResult {
        self.stat.collection(diff, documents.unwrap_or_default());
        if self.detail.mode().is_none() {
            return Ok(());
        }
        let with = documents.map(|number| format!(" with {}", count(number, "document")));
        let with = with.unwrap_or_default();
        let (info, words, lines) = match diff {
            CollectionDiff::Created(info) => {
                (info, self.colours.green(&format!("created{with}")), vec![])
            }
            CollectionDiff::Dropped(info) => {
                (info, self.colours.red(&format!("dropped{with}")), vec![])
            }
            CollectionDiff::Changed { before, after } => {
                (after, String::new(), facts::differences(before, after))
            }
        };
        self.heading = Some(info.name.clone());
        let name = self.colours.bold(&format!("collection {}", escape::line(info.name.as_str())));
        let mut text = format!("{name} {words}").trim_end().to_owned();
        for line in lines {
            text.push_str("\n  ");
            text.push_str(&escape::line(&line));
        }
        let line = typed::compact(&Shown::Collection(CollectionChange::of(diff, documents)))?;
        self.listing.line(&text, || line)
    }

    /// A document that differs.
    pub(crate) fn document(&mut self, diff: &DocumentDiff) -> CommandResult {
        self.stat.document(diff);
        let Some(mode) = self.detail.mode() else { return Ok(()) };
        let differences = differences(self.detail, diff, mode)?;
        let mut text = String::new();
        if self.heading.as_ref() != Some(&diff.collection) {
            let name = format!("collection {}", escape::line(diff.collection.as_str()));
            text = format!("{}\n", self.colours.bold(&name));
            self.heading = Some(diff.collection.clone());
        }
        text.push_str(&self.document_text(diff, mode, &differences)?);
        let change = DocumentChange::of(diff, self.detail.depth(mode))?;
        let line = typed::compact(&Shown::Document(change))?;
        self.listing.line(&text, || line)
    }

    fn document_text(
        &self,
        diff: &DocumentDiff,
        mode: Mode,
        differences: &[Difference],
    ) -> CommandResult<String> {
        Ok(match (&diff.before, &diff.after) {
            (_, None) => {
                let line = diff.before.as_ref().map(|old| document_line(old.as_raw(), mode));
                let line = line.transpose()?.unwrap_or_else(|| diff.key.to_string());
                self.colours.red(&format!("  - {line}"))
            }
            (None, Some(new)) => {
                self.colours.green(&format!("  + {}", document_line(new.as_raw(), mode)?))
            }
            (Some(old), Some(new)) => {
                let mut text = self.colours.yellow(&format!("  ~ _id: {}", id(new, mode)?));
                if !self.detail.has_fields() {
                    let [old, new] = [old, new].map(|side| document_line(side.as_raw(), mode));
                    text.push_str(&format!("\n      - {}\n      + {}", old?, new?));
                }
                for difference in differences {
                    text.push_str("\n      ");
                    text.push_str(&escape::line(&difference.text()));
                }
                text
            }
        })
    }

    /// Ends the list, and gives the numbers.
    pub(crate) fn finish(mut self) -> CommandResult<Stat> {
        if self.detail == Detail::Stat {
            for row in self.stat.rows() {
                self.listing.item(&row)?;
            }
        }
        if self.detail != Detail::Nothing {
            self.listing.finish()?;
        }
        Ok(self.stat)
    }
}

fn id(document: &Document, mode: Mode) -> CommandResult<String> {
    let id = document.as_raw().get("_id").ok().flatten().unwrap_or(RawBsonRef::Null);
    Ok(print_raw_value(id, mode, Layout::Compact)?)
}

fn differences(detail: Detail, diff: &DocumentDiff, mode: Mode) -> CommandResult<Vec<Difference>> {
    match (&diff.before, &diff.after) {
        (Some(before), Some(after)) if detail.has_fields() => {
            fields::differences(before.as_raw(), after.as_raw(), mode)
        }
        _ => Ok(Vec::new()),
    }
}

/// A document that differs, for programs.
pub(super) fn changed_document(diff: &DocumentDiff, mode: Mode) -> CommandResult<Json> {
    let change = DocumentChange::of(diff, Detail::Changes(mode).depth(mode))?;
    Ok(Json::Verbatim(typed::compact(&Shown::Document(change))?))
}

/// A collection whose metadata differs, for programs.
pub(super) fn collection_json(
    diff: &CollectionDiff,
    documents: Option<u64>,
) -> CommandResult<Json> {
    let change = CollectionChange::of(diff, documents);
    Ok(Json::Verbatim(typed::compact(&Shown::Collection(change))?))
}
