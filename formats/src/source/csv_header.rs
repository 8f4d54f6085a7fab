//! The column names of a CSV file, and the document fields that they denote.

use std::collections::BTreeSet;

use bson::{Bson, Document};

use super::super::validate::MAX_DEPTH;
use super::csv_rows::Cell;
use super::csv_types::{CellTypes, ColumnType};

/// The columns of a file, which do not conflict.
#[derive(Debug)]
pub(super) struct Header {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    /// The names down to its field: `a.b` is the field `b` of the document `a`.
    path: Vec<String>,
    /// None if the header has no type.
    kind: Option<ColumnType>,
}

impl Header {
    /// Parses the header by the rules of `mongoimport`; returns the reason on failure. A type after
    /// a name, which `mongoimport` reads on request, can't be part of a name; if one column has a
    /// type, all must.
    pub(super) fn parse<'a>(
        row: impl Iterator<Item = Cell<'a>>,
        types: CellTypes,
    ) -> Result<Self, String> {
        let mut columns = Vec::new();
        for (index, cell) in row.enumerate() {
            let name = cell
                .as_str()
                .map_err(|fault| format!("the name of column {} {fault}", index + 1))?;
            columns.push(Column::parse(name.trim())?);
        }
        refuse_partial_types(&columns, types)?;
        refuse_conflicts(&columns)?;
        Ok(Self { columns })
    }

    /// Sets the field of the column `index`, from 0, to the value of the cell. Columns without a
    /// name are named `field` and the index, like in `mongoimport`. Fails if the cell does not have
    /// the column's type, or if the row already has a field of that name.
    pub(super) fn set(
        &self,
        document: &mut Document,
        index: usize,
        cell: Cell<'_>,
        types: CellTypes,
    ) -> Result<(), String> {
        let text =
            cell.as_str().map_err(|fault| format!("the cell in column {} {fault}", index + 1))?;
        if let Some(Column { path, kind }) = self.columns.get(index) {
            let kind = kind.as_ref().unwrap_or(&ColumnType::Auto);
            let value = kind
                .read(text, cell.quoted, types)
                .map_err(|fault| format!("the column '{}' has {fault}", path.join(".")))?;
            set_nested(document, path, value);
            return Ok(());
        }
        let name = format!("field{index}");
        if self.columns.iter().any(|column| column.path[0] == name) {
            return Err(format!(
                "the row has more cells than the header has names, and {name} already exists"
            ));
        }
        document.insert(name, ColumnType::Auto.read(text, cell.quoted, types)?);
        Ok(())
    }
}

impl Column {
    fn parse(text: &str) -> Result<Self, String> {
        let typed = typed(text);
        let name = typed.map_or(text, |(name, ..)| name);
        let kind = typed
            .and_then(|(_, kind, argument)| ColumnType::named(kind, &without_escapes(argument)));
        let kind = kind.transpose().map_err(|reason| format!("{text:?}: {reason}"))?;
        let name = if kind.is_some() { name } else { text };
        Ok(Self { path: path(name)?, kind })
    }
}

/// The name, type and argument of `name.type(argument)`.
fn typed(text: &str) -> Option<(&str, &str, &str)> {
    let (before, argument) = text.strip_suffix(')')?.split_once('(')?;
    let (name, kind) = before.rsplit_once('.')?;
    Some((name, kind, argument))
}

/// Removes the backslashes before parentheses and backslashes in an argument.
fn without_escapes(argument: &str) -> String {
    let mut text = String::with_capacity(argument.len());
    let mut characters = argument.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

fn refuse_partial_types(columns: &[Column], types: CellTypes) -> Result<(), String> {
    let name = |column: &Column| column.path.join(".");
    let typed = columns.iter().find(|column| column.kind.is_some());
    let plain = columns.iter().find(|column| column.kind.is_none());
    match (typed, plain) {
        (Some(typed), Some(plain)) => Err(format!(
            "the column '{}' has a type, but the column '{}' has none; write {1}.auto() or \
             {1}.string(), or remove all types",
            name(typed),
            name(plain)
        )),
        (Some(typed), None) if types == CellTypes::Strings => Err(format!(
            "the column '{}' has a type, but every cell is to be a string; remove one of the two",
            name(typed)
        )),
        _ => Ok(()),
    }
}

fn path(name: &str) -> Result<Vec<String>, String> {
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    if name.starts_with('$') {
        return Err(format!("the name {name:?} begins with a $"));
    }
    if name.contains('\0') {
        return Err(format!("the name {name:?} contains a NUL character"));
    }
    if path.len() > 1 && path.iter().any(String::is_empty) {
        return Err(format!("the name {name:?} has a dot without a name before or after it"));
    }
    if path.len() > MAX_DEPTH {
        return Err(format!("the name {name:?} has more than {MAX_DEPTH} parts"));
    }
    Ok(path)
}

fn refuse_conflicts(columns: &[Column]) -> Result<(), String> {
    // In this order, a path directly precedes one that it equals or is a prefix of, or another such
    // path.
    let mut sorted: BTreeSet<&[String]> = BTreeSet::new();
    for Column { path, .. } in columns {
        if !sorted.insert(path) {
            return Err(format!("the name {:?} occurs twice", path.join(".")));
        }
    }
    let paths: Vec<_> = sorted.into_iter().collect();
    for pair in paths.windows(2) {
        if pair[1].starts_with(pair[0]) {
            return Err(format!(
                "{:?} can't be a value, because {:?} makes it a document",
                pair[0].join("."),
                pair[1].join(".")
            ));
        }
    }
    Ok(())
}

fn set_nested(document: &mut Document, path: &[String], value: Bson) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        document.insert(name, value);
        return;
    }
    let inner = document.entry(name).or_insert_with(|| Bson::Document(Document::new()));
    if let Bson::Document(inner) = inner {
        set_nested(inner, rest, value);
    }
}
