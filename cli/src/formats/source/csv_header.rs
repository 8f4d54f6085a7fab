//! The names of a CSV file's columns, and the fields of documents that they mean.

use std::collections::BTreeSet;

use bson::{Bson, Document};
use csv::ByteRecord;

use super::super::validate::MAX_DEPTH;

/// For every column the names that lead to its field: `a.b` is the field `b` of the document `a`.
/// No two columns are in each other's way.
#[derive(Debug)]
pub(super) struct Header {
    columns: Vec<Vec<String>>,
}

impl Header {
    /// Fails with the reason, under the rules of `mongoimport`.
    pub(super) fn parse(row: &ByteRecord) -> Result<Self, String> {
        let mut columns = Vec::with_capacity(row.len());
        for (index, name) in row.iter().enumerate() {
            let name = std::str::from_utf8(name)
                .map_err(|_| format!("the name of column {} is not UTF-8", index + 1))?;
            columns.push(path(name.trim())?);
        }
        refuse_conflicts(&columns)?;
        Ok(Self { columns })
    }

    /// Sets the field of the column `index`, from 0. Columns without a name are `field` and the
    /// index, as in `mongoimport`. Fails if the row has a field of that name already.
    pub(super) fn set(
        &self,
        document: &mut Document,
        index: usize,
        value: Bson,
    ) -> Result<(), String> {
        if let Some(path) = self.columns.get(index) {
            set_nested(document, path, value);
            return Ok(());
        }
        let name = format!("field{index}");
        if self.columns.iter().any(|path| path[0] == name) {
            return Err(format!(
                "the row has more cells than the header has names, and {name} is taken"
            ));
        }
        document.insert(name, value);
        Ok(())
    }
}

fn path(name: &str) -> Result<Vec<String>, String> {
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    if name.starts_with('$') {
        return Err(format!("the name {name:?} begins with a $"));
    }
    if name.contains('\0') {
        return Err(format!("the name {name:?} holds a NUL character"));
    }
    if path.len() > 1 && path.iter().any(String::is_empty) {
        return Err(format!("the name {name:?} has a dot with nothing before or after it"));
    }
    if path.len() > MAX_DEPTH {
        return Err(format!("the name {name:?} has more than {MAX_DEPTH} parts"));
    }
    Ok(path)
}

fn refuse_conflicts(columns: &[Vec<String>]) -> Result<(), String> {
    // In this order, a path comes directly before one that it equals or begins, or before another
    // such path.
    let mut sorted: BTreeSet<&[String]> = BTreeSet::new();
    for path in columns {
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
