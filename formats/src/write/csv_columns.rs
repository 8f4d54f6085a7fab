//! The columns of a CSV file: the fields of a collection's documents at any depth.

use bson::raw::{RawBsonRef, RawDocument};

use super::super::FormatError;

/// The maximum number of columns, because every row holds all of them in memory.
const MOST: usize = 10_000;

/// The fields of documents, in the order of their first occurrence. A nested document has a column
/// for each of its fields (`a.b`), unless some document has another value there: then it is one
/// column.
#[derive(Debug, Default)]
pub struct CsvColumns {
    roots: Vec<Node>,
    count: usize,
}

#[derive(Debug)]
struct Node {
    name: String,
    /// Whether the field is a column itself.
    is_column: bool,
    children: Vec<Node>,
}

impl CsvColumns {
    /// Adds a document's fields.
    ///
    /// # Errors
    /// `CsvColumn` for a field whose name a header can't have; `TooManyColumns`.
    pub fn note(&mut self, document: &RawDocument) -> Result<(), FormatError> {
        note(&mut self.roots, document, &mut self.count, true)?;
        if self.count > MOST {
            return Err(FormatError::TooManyColumns { most: MOST });
        }
        Ok(())
    }

    /// The columns as paths: the names down to each.
    pub fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        collect(&self.roots, &mut Vec::new(), &mut paths);
        paths
    }
}

fn note(
    nodes: &mut Vec<Node>,
    document: &RawDocument,
    count: &mut usize,
    is_top: bool,
) -> Result<(), FormatError> {
    let mut hint = 0;
    for element in document {
        let Ok((name, value)) = element else { return Ok(()) };
        let name = name.as_str();
        if is_top && !can_be_column(name) {
            let reason = format!(
                "the field '{name}' can't be the name of a CSV column; export JSON instead"
            );
            return Err(FormatError::CsvColumn { reason });
        }
        // Documents of a collection are alike: the next field is usually the next node.
        let at = match nodes.get(hint).filter(|node| node.name == name) {
            Some(_) => hint,
            None => nodes.iter().position(|node| node.name == name).unwrap_or(nodes.len()),
        };
        if at == nodes.len() {
            nodes.push(Node { name: name.to_owned(), is_column: false, children: Vec::new() });
            *count += 1;
        }
        hint = at + 1;
        let node = &mut nodes[at];
        match value {
            RawBsonRef::Document(inner) if !node.is_column && can_be_columns(inner) => {
                note(&mut node.children, inner, count, false)?;
            }
            _ => {
                node.is_column = true;
                node.children.clear();
            }
        }
    }
    Ok(())
}

fn can_be_column(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('$') && !name.contains('.') && name.trim() == name
}

fn can_be_columns(document: &RawDocument) -> bool {
    let mut names = document.into_iter().peekable();
    names.peek().is_some()
        && names.all(|element| element.is_ok_and(|(name, _)| can_be_column(name.as_str())))
}

fn collect(nodes: &[Node], path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    for node in nodes {
        path.push(node.name.clone());
        if node.is_column || node.children.is_empty() {
            paths.push(path.clone());
        } else {
            collect(&node.children, path, paths);
        }
        path.pop();
    }
}
