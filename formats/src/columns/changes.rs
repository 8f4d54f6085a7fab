//! Columns that do not give back what they were made of.

use std::fmt;

use super::kind::{Fields, Kind, Slot};

/// A column whose values, or some of them, are others when the table is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedColumn {
    /// The names down to it, with dots between them; `item` stands for the elements of an array.
    pub path: String,
    /// The change.
    pub change: Change,
}

/// What a column changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Values of these types become text: strings as they are, others as canonical Extended JSON.
    Text(Vec<&'static str>),
    /// Numbers of these types become `long` or `double`, which have the same value.
    Number(Vec<&'static str>, &'static str),
    /// Bytes of several subtypes become those of subtype 0.
    Subtype,
    /// A null becomes a missing field, since other documents do not have the field.
    Null,
}

impl fmt::Display for ChangedColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.change {
            Change::Text(types) if types.len() == 1 => {
                write!(f, "column {path} has values of type {}, which became text", types[0])
            }
            Change::Text(types) => {
                let types = types.join(", ");
                write!(f, "column {path} has values of several types ({types}) and became text")
            }
            Change::Number(types, number) => {
                let types = types.join(", ");
                write!(
                    f,
                    "column {path} has numbers of several types ({types}) and became {number}"
                )
            }
            Change::Subtype => {
                write!(f, "column {path} has binary values of several subtypes and lost them")
            }
            Change::Null => write!(
                f,
                "column {path} is null in some documents and missing in others, which became the same"
            ),
        }
    }
}

impl Fields {
    /// The columns that a table of these fields changes, in their order.
    pub fn changes(&self) -> Vec<ChangedColumn> {
        let mut changes = Vec::new();
        self.gather("", &mut changes);
        changes
    }

    fn gather(&self, parent: &str, changes: &mut Vec<ChangedColumn>) {
        for (name, slot) in &self.named {
            let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
            if slot.types.has_null() && slot.values < self.documents {
                changes.push(ChangedColumn { path: path.clone(), change: Change::Null });
            }
            slot.gather(path, changes);
        }
    }
}

impl Slot {
    fn gather(&self, path: String, changes: &mut Vec<ChangedColumn>) {
        let change = match &self.kind {
            Kind::Mixed => Change::Text(self.types.names()),
            Kind::Int64 { .. } if self.types.has_int() => {
                Change::Number(self.types.names(), "long")
            }
            Kind::Double if self.types.has_integer() => {
                Change::Number(self.types.names(), "double")
            }
            Kind::Binary { subtype: None } => Change::Subtype,
            Kind::List(of) => return of.gather(format!("{path}.item"), changes),
            Kind::Struct(fields) => return fields.gather(&path, changes),
            _ => return,
        };
        changes.push(ChangedColumn { path, change });
    }
}
